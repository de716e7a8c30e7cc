"""A person and what happened to them, as the API shows them. Used by `people`; others show people the same way."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Instant
from heliograph.clock import iso
from heliograph.events.event import Entry
from heliograph.react.state import people


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is known by. `kind`: email, customer, phone, device, or person for somebody who was merged into
    them; `ended_at` where they have it no more."""

    kind: str
    value: str
    since: Instant
    ended_at: Instant | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person. `document` is the customer as their shop describes them; null for what nobody said."""

    id: str
    email: str | None
    customer_id: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None
    accepts_marketing: bool | None
    accepts_tracking: bool | None
    tags: list[str]
    deleted: bool
    created_at: Instant
    updated_at: Instant
    identities: list[Identity]
    document: dict[str, Any]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """An event, its data as they were recorded."""

    id: str
    kind: str
    subject: str
    at: Instant
    recorded: Instant
    cause: str | None
    data: Any


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Events, the newest first. `next` is the `before` of the page before that, if there is one."""

    events: list[Happening]
    next: int | None = None


def as_shown(connection: Connection, account: str, person: people.Person) -> Person:
    """A person with everything that they are or were known by."""
    told = msgspec.structs.asdict(person)
    return Person(
        **{name: told[name] for name in Person.__struct_fields__ if name in told and name != "tags"},
        tags=list(person.tags),
        created_at=iso(person.created),
        updated_at=iso(person.updated),
        identities=[
            Identity(
                kind=one.kind,
                value=one.value,
                since=iso(one.since),
                ended_at=None if one.ended is None else iso(one.ended),
            )
            for one in people.identities(connection, account, person.id)
        ],
    )


def happening(entry: Entry) -> Happening:
    """An entry of the journal."""
    return Happening(
        id=entry.id,
        kind=entry.kind,
        subject=entry.subject,
        at=iso(entry.at),
        recorded=iso(entry.recorded),
        cause=entry.cause,
        data=msgspec.Raw(entry.data),
    )
