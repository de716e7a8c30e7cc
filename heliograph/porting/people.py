"""A row as events: the customer, read by the door's own reader, and what the row says of permission before it.

Ids are derived from the file's content, the mapping and the line, so that a row imported again is recorded once.
Pure: a row and a plan in, records out, or `BadRequest` with what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import phonenumbers

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, Fault
from heliograph.events import codec, subjects
from heliograph.events.commerce import instant
from heliograph.events.event import Data, Record, scoped_id
from heliograph.inbound.collect.findings import Findings, refused
from heliograph.inbound.collect.identities import address, phone
from heliograph.inbound.collect.reading import read
from heliograph.inbound.collect.senders import Sender
from heliograph.porting import wishes

_encode = msgspec.json.Encoder().encode

Read = tuple[tuple[Record, ...], tuple[str, ...]]
"""What a row became, and notes on what was odd about it."""

ADDRESS = ("address1", "address2", "city", "province", "zip", "country", "company")
"""Columns that make up `default_address`."""

CONSUMED = frozenset(
    {"consent", "consent_at", "consent_ip", "confirmed_at", "confirmed_ip", "unsubscribed_at", "cleaned_at"}
    | {"unsubscribe_reason", "sms_consent", "sms_consent_at", "suppressions", "reason", "suppressed_at"}
    | {"accepts_marketing", "name", "tags", "document", *ADDRESS}
)
"""Fields that are read here and are not the customer's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the rows of one file are read. `as_of`: when what it says was true, in microseconds; `usual`: the consent
    of rows that name none; `country`: where phone numbers without +NN belong; `erased`: whether the address of a
    channel was erased (None: nobody was); `prefix` and `key`: of context records, their data source and the column
    that holds their key; `expires`: when they end, in microseconds."""

    sender: Sender
    columns: Mapping[str, str]
    as_of: int
    now: int
    usual: str = ""
    tags: tuple[str, ...] = ()
    replace_tags: bool = False
    country: str | None = None
    erased: Callable[[str, str], bool] | None = None
    prefix: str = ""
    key: str = ""
    expires: int | None = None


def person(plan: Plan, line: int, row: Mapping[str, Any]) -> Read:
    """The events of a row about a person."""
    cells = _cells(plan, row)
    faults = wishes.dated(cells, plan.as_of)
    mail = wishes.said(cells, plan.usual, faults)
    heard = Findings(strict=False)  # the door's reader says it again
    email = _text(cells.get("email"))
    email = address(email, ("email",), heard) if email else None
    number = None
    if plan.erased or "sms_consent" in cells:
        number = phone(cells.get("sms_phone_number_e164"), "sms_phone_number_e164", heard)
    if plan.erased:
        _not_erased(plan.erased, email, number)
    told = wishes.told(cells, email, number, mail, plan.sender, plan.as_of)
    before = tuple(_record(plan, line, what, data, at) for what, data, at in told)
    body = _encode(_customer(plan, cells, mail))
    changed = _instant(cells.get("updated_at"))
    at = plan.as_of if changed is None else min(plan.as_of, changed)
    record, notes = read(
        plan.sender,
        "customers/update",
        body,
        plan.now,
        time=at // SECOND,
        time_field="updated_at",
        client_id=str(line),
    )
    return (*before, record), (*Findings(strict=False, faults=faults).settle(), *notes)


def suppression(plan: Plan, line: int, row: Mapping[str, Any]) -> Read:
    """The events of a row of a suppression list: an address and perhaps why; nobody is made a customer by it."""
    cells = _cells(plan, row)
    cells.setdefault("suppressions", cells.pop("consent", None) or plan.usual or "manually_suppressed")
    faults = wishes.dated(cells, plan.as_of)
    mail = wishes.said(cells, "", faults)
    findings = Findings(strict=True, faults=faults)
    email, number = _text(cells.get("email")), _text(cells.get("sms_phone_number_e164"))
    email = address(email, ("email",), findings) if email else None
    number = phone(number, "sms_phone_number_e164", findings) if number and not email else None
    if email is None and number is None and not findings.faults:
        findings.refuse("email", "missing: a suppression needs an address")
    findings.settle()
    if plan.erased:
        _not_erased(plan.erased, email, number)
    made = wishes.suppressed(
        "email" if email else "sms", email or number or "", mail.types, cells, plan.as_of
    )
    return tuple(_record(plan, line, what, data, at) for what, data, at in made), ()


def document(type: str, plan: Plan, line: int, row: Mapping[str, Any]) -> Read:
    """The event of an order or product in the wire form, or as our own export wraps it."""
    inside = row.get("document")
    said = inside if isinstance(inside, dict) else row
    at = next(
        (at for name in ("created_at", "updated_at") if (at := _instant(said.get(name))) is not None),
        plan.as_of,
    )
    at = min(at, plan.now)
    record, notes = read(
        plan.sender,
        type,
        _encode(said),
        plan.now,
        time=at // SECOND,
        time_field="created_at",
        client_id=str(line),
    )
    return (record,), notes


def _cells(plan: Plan, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row by field; what is blank is left out, and so is the apostrophe that spreadsheets are kept quiet with."""
    found: dict[str, Any] = {}
    for name, column in plan.columns.items():
        value = row.get(column)
        if isinstance(value, str):
            value = value.strip()
            if value[:1] == "'" and value[1:2] in _SPREADSHEET:
                value = value[1:]
        if value is not None and value != "":
            found[name] = value
    if plan.country and "sms_phone_number_e164" in found:
        found["sms_phone_number_e164"] = _international(str(found["sms_phone_number_e164"]), plan.country)
    return found


def _international(number: str, country: str) -> str:
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


_SPREADSHEET = frozenset("=+-@0123456789\t")


def _customer(plan: Plan, cells: Mapping[str, Any], mail: wishes.Said) -> dict[str, Any]:
    inside = cells.get("document")
    body: dict[str, Any] = _whole(inside) if inside is not None else {}
    body.pop("accepts_marketing", None)  # the row's own column is newer
    body |= {name: value for name, value in cells.items() if name not in CONSUMED}
    if "name" in cells and not {"first_name", "last_name"} & cells.keys():
        first, _, last = str(cells["name"]).rpartition(" ")
        body |= {"first_name": first, "last_name": last} if first else {"first_name": last}
    parts = {name: str(cells[name]) for name in ADDRESS if name in cells}
    if parts:
        body["default_address"] = parts
    if mail.answer:
        body["accepts_marketing"] = mail.answer == "yes"
    tags = [*_tags(cells.get("tags")), *plan.tags]
    if tags:
        body |= {"tags": tags, "append_tags": not plan.replace_tags}
    return body


def _whole(inside: Any) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(inside) if isinstance(inside, str) else inside
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRequest("document: is not JSON", field="document") from error
    return dict(found) if isinstance(found, dict) else {}


def _tags(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [text for part in parts if (text := str(part).strip(' "'))]


def _not_erased(erased: Callable[[str, str], bool], email: str | None, number: str | None) -> None:
    if (email and erased("email", email)) or (number and erased("sms", number)):
        raise refused([Fault("email", "was erased on request: it is not taken again")])


def _record(plan: Plan, line: int, what: str, data: Data, at: int) -> Record:
    sender = plan.sender
    reached = str(getattr(data, "address", "") or getattr(data, "email", "") or getattr(data, "phone", ""))
    subject = (
        subjects.email(reached, keep_case=sender.keep_case) if "@" in reached else subjects.phone(reached)
    )
    event = codec.make(
        data,
        account=sender.account,
        subject=subject,
        now=plan.now,
        at=at,
        id=scoped_id(sender.account, sender.source, f"{line}.{what}"),
    )
    return codec.encode(event)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)


def _instant(value: Any) -> int | None:
    at = instant(value) if isinstance(value, str | int | float) else None
    return at if at is not None and at >= 0 else None
