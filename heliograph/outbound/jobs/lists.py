"""Lists of recipients, whatever they are written in: who is to be written to, and what their template is filled with.

CSV and NDJSON (`heliograph.rowfiles`) and XML (`xml_lists`), by how the file begins. A row that is no recipient is one
with a fault, and spoils no other. Pure but for reading the file; one row is in memory at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from heliograph.errors import OperatorError
from heliograph.events import subjects
from heliograph.events.consent import Channel
from heliograph.outbound.jobs.xml_lists import NotXml, elements
from heliograph.rowfiles.files import Lines, look
from heliograph.rowfiles.rows import rows, shape

DATA_LIMIT = 256 * 1024
"""Bytes of one recipient's data: they travel with the message."""

ADDRESS_LIMIT = 320
"""Characters of an address: 64 before the @ and 255 behind it (RFC 5321 section 4.5.3.1)."""

USUAL: dict[str, tuple[str, ...]] = {
    "email": ("emailaddress", "email", "mail", "emailaddr", "recipient"),
    "sms": ("phonenumber", "phone", "mobile", "mobilenumber", "smsaddress", "sms", "msisdn", "cell"),
    "push": ("devicetoken", "device", "token", "devicepushaddress"),
    "recipient_id": ("recipientid",),
    "time_zone": ("timezone", "tz"),
}
"""What columns are usually called, letters and digits in lower case."""

_NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_encode = msgspec.json.Encoder().encode


class Found(NamedTuple):
    """One row of a list. `data` are JSON. `fault` says why it is no recipient."""

    line: int
    address: str = ""
    recipient_id: str | None = None
    time_zone: str | None = None
    data: str = "{}"
    fault: str = ""


class Unreadable(Exception):
    """The list cannot be read, or no further: nobody on it is written to."""


def recipients(path: Path, channel: Channel, columns: Mapping[str, str]) -> Iterator[Found]:
    """Every row of a list that is not packed. `columns`: those that an operator named, by what they hold. Raises
    `Unreadable`."""
    try:
        for line, fields, fault in _records(path):
            yield Found(line, fault=fault) if fault else _recipient(line, fields, channel, columns)
    except (OperatorError, NotXml, OSError) as error:
        raise Unreadable(str(error).replace(f"{path} ", "")) from error


def addresses(path: Path, channel: Channel) -> Iterator[str]:
    """The addresses of a list of those who are left out. Raises `Unreadable`."""
    return (found.address for found in recipients(path, channel, {}) if not found.fault)


def same(channel: Channel, address: str, *, keep_case: bool) -> str:
    """The form in which two spellings of an address are equal."""
    return subjects.normal_email(address, keep_case=keep_case) if channel == "email" else address


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any], str]]:
    with path.open("rb") as file:
        if file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            yield from elements(path)
            return
    seen = look(path, encoding=None, told=lambda _: None)
    lines = Lines(seen)
    try:
        for row in rows(lines, shape(seen)):
            yield row.line, row.cells, row.fault
    finally:
        lines.close()


def _recipient(line: int, fields: dict[str, Any], channel: Channel, columns: Mapping[str, str]) -> Found:
    names = tuple(fields)
    given = _cell(fields, names, columns.get("address"), channel)
    if given is None:
        return Found(line, fault=f"has no {channel} address")
    address = given.strip()
    if fault := _address_fault(channel, address):
        return Found(line, fault=fault)
    data = _encode(fields)
    if len(data) > DATA_LIMIT:
        return Found(line, fault=f"has more than {DATA_LIMIT} bytes of data")
    return Found(
        line,
        address,
        _cell(fields, names, columns.get("recipient_id"), "recipient_id"),
        _cell(fields, names, columns.get("time_zone"), "time_zone"),
        data.decode(),
    )


def _cell(fields: Mapping[str, Any], names: Sequence[str], named: str | None, what: str) -> str | None:
    """A field's text: of the column that was named, else of one that is usually called so."""
    name = named if named is not None else _column(tuple(names), what)
    if name is None and what == "email":  # a list of addresses alone
        name = next((name for name in names if isinstance(fields[name], str) and "@" in fields[name]), None)
    value = fields.get(name) if name is not None else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and value.strip() else None


_columns: dict[tuple[tuple[str, ...], str], str | None] = {}
_COLUMNS_KEPT, _COLUMNS_OF_ONE = 1_000, 200
"""Answers that are kept, and columns of a row for which they are: the rows of NDJSON may each have others."""


def _column(names: tuple[str, ...], what: str) -> str | None:
    """The column that holds this, by its usual names. The rows of a file share their columns, so it is kept."""
    found = _columns.get((names, what), "")
    if found == "":
        plain = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(names)}
        found = next((plain[usual] for usual in USUAL[what] if usual in plain), None)
        if len(_columns) >= _COLUMNS_KEPT:
            _columns.clear()
        if len(names) <= _COLUMNS_OF_ONE:
            _columns[names, what] = found
    return found


def _address_fault(channel: Channel, address: str) -> str:
    if len(address) > ADDRESS_LIMIT:
        return "has an address that is too long"
    if channel == "email":
        local, _, domain = address.rpartition("@")
        if not local or not domain or _BLANK.search(domain) or (_BLANK.search(local) and local[0] != '"'):
            return f"has no e-mail address: {address[:80]!r}"
    elif channel == "sms" and not _NUMBER.fullmatch(address):
        return f"has no phone number with + and country: {address[:80]!r}"
    return ""
