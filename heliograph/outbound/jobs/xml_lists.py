"""Recipient lists in XML, as MessageGears has them: `<Recipient><EmailAddress>..</EmailAddress>any..</Recipient>`.

A list of addresses alone, for those who are left out, may hold `<EmailAddress>` without a `<Recipient>` around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from heliograph.xml_fields import Broken, Element, Limits, Reader

RECIPIENT, ADDRESS = "recipient", "emailaddress"
CHUNK = 1 << 16

LIMITS = Limits(depth=20, elements=20_000, characters=256 * 1024)
"""Of one recipient: their data travel with the message."""


class Listed(NamedTuple):
    """A recipient as it stands there: the line on which it begins, and its fields; or why it cannot be used."""

    line: int
    fields: dict[str, Any]
    fault: str = ""


class NotXml(Exception):
    """The document cannot be read any further."""


def elements(path: Path) -> Iterator[Listed]:
    """Every recipient, in order. Raises `NotXml` where the document is broken: what stands behind that is unknown."""
    reader = Reader(frozenset((RECIPIENT, ADDRESS)), LIMITS)
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                found = reader.read(chunk, last=not chunk)
            except Broken as error:
                raise NotXml(str(error)) from error
            yield from map(_listed, found)
            if not chunk:
                return


def _listed(found: Element) -> Listed:
    if not found.whole:
        return Listed(
            found.line, {}, f"is longer than {LIMITS.characters} characters or {LIMITS.elements} elements"
        )
    fields = found.value if found.name.lower() == RECIPIENT else {found.name: found.value}
    if not isinstance(fields, dict):
        return Listed(found.line, {}, "is a recipient without fields")
    return Listed(found.line, fields)
