"""Whose event it is, and whether we can reach them."""

from __future__ import annotations

from sqlalchemy import Connection

from heliograph.events.event import AnyEvent
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
