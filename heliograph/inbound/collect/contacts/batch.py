"""Up to 100 contacts in one body, and the documented answer: how many were taken, and why the others were not (RM-18).

`{"contacts": [...], "update_existing": true, "append_tags": true}` comes in; a bad contact never spoils the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from heliograph.errors import BadRequest
from heliograph.events.event import Record
from heliograph.events.people import Scalar, flag
from heliograph.inbound.collect.bodies import UNDECODABLE, not_json, sound
from heliograph.inbound.collect.contacts.contact import Contact, read_contact
from heliograph.inbound.collect.contacts.records import Arrival, Identity, identities, records
from heliograph.inbound.collect.findings import Findings

LIMIT = 100
"""Contacts in one batch (RM-18)."""

AT_ONCE = 10
"""Contacts that are read before others get their turn."""

ECHOED = 254
"""Characters of a wrong address that the answer repeats."""

# As in `batches`: what comes after the last place of an array-like struct is skipped, not kept.
_Contacts: Any = msgspec.defstruct(
    "Contacts", [(f"contact{n}", Raw | UnsetType, UNSET) for n in range(LIMIT + 1)], array_like=True
)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """The body. Without `update_existing` contacts that are there are updated; without `append_tags` tags are
    replaced, as those of customers are (S3, "customers/create")."""

    contacts: _Contacts
    update_existing: Scalar = None
    append_tags: Scalar = None


class Failure(msgspec.Struct, frozen=True):
    """A contact that was not taken."""

    email: str
    reason: str


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A contact that can be recorded."""

    contact: Contact
    body: bytes
    notes: tuple[str, ...]


class _Named(msgspec.Struct, frozen=True):
    email: Any = None


_decode = msgspec.json.Decoder(Upload).decode
_name = msgspec.json.Decoder(_Named).decode


class Batch:
    """One upload on its way. Raises `BadRequest` for a body that is none, or that holds more than 100."""

    def __init__(self, body: bytes, arrival: Arrival) -> None:
        try:
            upload = _decode(body)
        except msgspec.ValidationError as error:
            raise BadRequest(
                f"A batch is an object with an array of `contacts`: {error}", field="contacts"
            ) from error
        except UNDECODABLE as error:
            raise not_json(error) from error
        sound(body)
        self._arrival = arrival
        self._bodies = [raw for raw in msgspec.structs.astuple(upload.contacts) if raw is not UNSET]
        if len(self._bodies) > LIMIT:
            raise BadRequest(
                f"A batch holds at most {LIMIT} contacts; send the rest in another.", field="contacts"
            )
        self._update = flag(upload.update_existing) is not False
        self._append = flag(upload.append_tags) is True
        self._failed: list[Failure] = []
        self._taken: list[Taken] = []

    def read(self) -> Iterator[None]:
        """Read the contacts; yields after every few."""
        for place, raw in enumerate(self._bodies, 1):
            body = bytes(raw)
            findings = Findings(self._arrival.sender.strict)
            try:
                contact = read_contact(body, self._arrival.sender, findings, form=False)
                notes = findings.settle()
            except BadRequest as error:
                self._failed.append(_failure(body, error))
            else:
                self._taken.append(Taken(self._as_told(contact), body, notes))
            if place % AT_ONCE == 0:
                yield

    def wanted(self) -> list[Identity]:
        """Every identity whose owner may be known."""
        return [one for taken in self._taken for one in identities(taken.contact, self._arrival.sender)]

    def records(self, known: Set[Identity]) -> list[Record]:
        """What is to be recorded. `known`: the identities that somebody has; where existing contacts shall not be
        updated nothing is said of them."""
        found: list[Record] = []
        by_now = set(known)
        for taken in self._taken:
            own = identities(taken.contact, self._arrival.sender)
            is_known = not by_now.isdisjoint(own)
            by_now.update(own)
            if self._update or not is_known:
                found += records(taken.contact, taken.body, self._arrival, taken.notes, known=is_known)
        return found

    def answer(self) -> bytes:
        """The documented answer."""
        told = {"success": len(self._taken), "failed": len(self._failed), "failedReason": self._failed}
        return msgspec.json.encode(told)

    def _as_told(self, contact: Contact) -> Contact:
        """What the batch says of all its contacts, written into each."""
        if "tags" in contact.customer:
            contact.customer["append_tags"] = self._append
        if not self._update:
            contact.customer["update_existing"] = False
        return contact


def _failure(body: bytes, error: BadRequest) -> Failure:
    try:
        said = _name(body).email
    except msgspec.MsgspecError:
        said = None
    email = said[:ECHOED] if isinstance(said, str) else ""
    if any(fault.field == "email" for fault in error.faults) and email:
        return Failure(email, "Invalid email address")
    return Failure(
        email, "; ".join(f"{fault.field}: {fault.reason}" for fault in error.faults) or error.message
    )
