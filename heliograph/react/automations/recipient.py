"""Whose event it is, whether we can reach them, and whether it happened here at all."""

from __future__ import annotations

from sqlalchemy import Connection

from heliograph.events.consent import IMPORT
from heliograph.events.event import AnyEvent, Said
from heliograph.react.state import devices, people
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


def addresses(connection: Connection, account: str, person: Person, channel: str) -> list[str]:
    """Where a message on this channel goes: an address, a number, or every device of theirs that can be pushed to."""
    if channel == "push":
        return [one.device for one in devices.of_person(connection, account, person.id)]
    found = person.email if channel == "email" else person.phone
    return [found] if found else []


def unreachable(
    connection: Connection, account: str, person: Person | None, channels: frozenset[str]
) -> str | None:
    """Why nothing of an automation can reach somebody, in words; None where it can, on one of its channels."""
    if person is None:
        return "the person is not known any more"
    if person.deleted:
        return "the shop deleted the customer"
    if not channels or any(addresses(connection, account, person, channel) for channel in channels):
        return None
    return f"no address for {' or '.join(sorted(channels))} is known"


def imported(event: AnyEvent) -> bool:
    """Whether it was told by a file from another system, or follows from that: a past that begins nothing."""
    data = event.data
    said: Said | None = getattr(data, "said", None)
    platform = said.platform if said is not None else ""
    return IMPORT in (platform, getattr(data, "source", ""), getattr(data, "how", ""))
