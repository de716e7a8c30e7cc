"""Whose event it is, whether we can reach them, and whether it happened here at all."""

from __future__ import annotations

from sqlalchemy import Connection

from heliograph.events.consent import IMPORT
from heliograph.events.event import AnyEvent, Said
from heliograph.react.state import people
from heliograph.react.state.people import Person


def whose(connection: Connection, event: AnyEvent) -> Person | None:
    """The person of an event, by its subject. None for what is anonymous: a cart of nobody, an open that must
    not be tied to a person (STD-7)."""
    scheme, _, value = event.subject.partition(":")
    match scheme:
        case "person":
            return people.find(connection, event.account, person=value)
        case "email":
            return people.find(connection, event.account, email=value)
        case "customer":
            return people.find(connection, event.account, customer_id=value)
        case "phone":
            return people.find(connection, event.account, phone=value)
        case _:
            return None


def reachable(person: Person | None) -> str | None:
    """The address to write to; None where there is none, or the shop deleted the customer."""
    return person.email if person is not None and not person.deleted else None


def imported(event: AnyEvent) -> bool:
    """Whether it was told by a file from another system, or follows from that: a past that begins nothing."""
    data = event.data
    said: Said | None = getattr(data, "said", None)
    platform = said.platform if said is not None else ""
    return IMPORT in (platform, getattr(data, "source", ""), getattr(data, "how", ""))
