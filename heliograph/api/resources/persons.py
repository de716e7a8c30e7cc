"""A person and what happened to them, as the API shows them. Used by `people`; others show people the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Means
from heliograph.clock import Instant, iso
from heliograph.errors import NotFound
from heliograph.events.event import Entry
from heliograph.react.state import people

MOST_ASKED, AT_ONCE = 10_000, 500
"""People who are looked at for one page of those who fit, and at once."""

Fits = Callable[[Iterator[people.Person]], Iterator[people.Person]]
"""Those of these people who fit, in their order."""


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
    """Events, the newest first. `next` is the `after` of the next page, if there is one."""

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


def sift(
    connection: Connection, account: str, *, after: str, limit: int, fits: Fits
) -> tuple[list[people.Person], str | None]:
    """Up to `limit` people after this id who fit, and the id that the next page begins after. Looks at `MOST_ASKED`
    people at most, so a page may have fewer than there are, or none."""
    found: list[people.Person] = []
    for _ in range(MOST_ASKED // AT_ONCE):
        page = people.page(connection, account, after=after, limit=AT_ONCE)
        for one in fits(iter(page)):
            if len(found) == limit:
                return found, found[-1].id
            found.append(one)
        if len(page) < AT_ONCE:
            return found, None
        after = page[-1].id
    return found, after


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


async def known_person(means: Means, asked: Asked) -> people.Person:
    """The person of the path; who was merged into another is that other. Raises `NotFound`."""
    account, wanted = asked.account.number, asked.path["person"]
    person = await means.read(lambda connection: people.find(connection, account, person=wanted))
    if person is None:
        raise NotFound(
            "There is no such person; GET /api/v1/people?email= finds one by address.", field="person"
        )
    return person
