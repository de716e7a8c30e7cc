"""`/people`: who is known, what they did and said, and what the law lets them ask for (RM-9, STD-7, STD-8)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Csv, Means, PageSize, Resource
from heliograph.api.files import PAGE, file_of
from heliograph.api.resources.erasures import Erasure
from heliograph.api.resources.erasures import shown as erasure_shown
from heliograph.api.resources.persons import Person, Timeline, as_shown, happening, known_person, sift
from heliograph.api.resources.places import spelled
from heliograph.clock import iso
from heliograph.errors import BadRequest
from heliograph.privacy import orders
from heliograph.privacy.dossier import dossier
from heliograph.react.state import erasures
from heliograph.react.state import people as known

LOOKS, LOOK_SECONDS = 50, 0.02
"""How often an erasure's answer looks whether the erasure can be found under its id, and how long between."""


class Find(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to look for: the first of `customer_id`, `email`, `phone` and `device` that is known. Without any, everybody,
    page by page; with `tag` those alone who have it."""

    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    device: str | None = None
    tag: str | None = None
    after: str = ""
    limit: PageSize = 100


class People(msgspec.Struct, frozen=True, kw_only=True):
    """People, in the order in which they came. `next` is the `after` of the next page, if there may be one."""

    people: list[Person]
    next: str | None = None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a timeline. `after` is the `next` of a page."""

    after: int | None = None
    limit: PageSize = 100


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Who is the same person, by their id, and why."""

    other: str
    because: str = ""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The event that makes two people one, and who they are from then on."""

    event: str
    person: str
    other: str


async def find(means: Means, asked: Asked) -> People:
    """People by what they are known as, or page by page."""
    wanted = asked.query

    def look(connection: Connection) -> People:
        if any((wanted.customer_id, wanted.email, wanted.phone, wanted.device)):
            return People(people=_named(connection, asked))
        shown, following = _page(connection, asked, wanted.after, wanted.limit)
        return People(people=shown, next=following)

    return await means.read(look)


async def find_file(means: Means, asked: Asked) -> Csv:
    """The same as a file, without former identities."""
    wanted = asked.query

    def turn(connection: Connection, after: str | None) -> tuple[list[Person], str | None]:
        if any((wanted.customer_id, wanted.email, wanted.phone, wanted.device)):
            return _named(connection, asked), None
        return _page(connection, asked, after or "", PAGE)

    return file_of(means.state, "people", Person, turn, leaving=("identities",))


def _named(connection: Connection, asked: Asked) -> list[Person]:
    """Who is known by what the query says; nobody, or one."""
    wanted, account = asked.query, asked.account.number
    phone = spelled(asked.account, "sms", wanted.phone) if wanted.phone else None
    person = known.find(connection, account, customer_id=wanted.customer_id, email=wanted.email, phone=phone)
    if person is None and wanted.device:
        person = known.at(connection, account, "push", wanted.device)
    return [] if person is None else [as_shown(connection, account, person)]


def _page(connection: Connection, asked: Asked, after: str, limit: int) -> tuple[list[Person], str | None]:
    """People after this id, and the id that the next page begins after."""
    account, tag = asked.account.number, asked.query.tag
    if tag is None:
        found = known.page(connection, account, after=after, limit=limit + 1)
        shown, following = found[:limit], found[limit - 1].id if len(found) > limit else None
    else:
        shown, following = sift(
            connection,
            account,
            after=after,
            limit=limit,
            fits=lambda people: (one for one in people if tag in one.tags),
        )
    return [as_shown(connection, account, one) for one in shown], following


async def get(means: Means, asked: Asked) -> Person:
    """One person; who was merged into another is that other."""
    person = await known_person(means, asked)
    return await means.read(lambda connection: as_shown(connection, asked.account.number, person))


async def timeline(means: Means, asked: Asked) -> Timeline:
    """What happened to a person, the newest first."""
    person, account, wanted = await known_person(means, asked), asked.account.number, asked.query
    references = await means.read(lambda connection: known.subjects(connection, account, person.id))
    page = await means.journal.latest(
        references, account=account, before=wanted.after, limit=wanted.limit + 1
    )
    shown = page[: wanted.limit]
    following = shown[-1].seq if len(page) > len(shown) else None
    return Timeline(events=[happening(entry) for entry in shown], next=following)


async def export(means: Means, asked: Asked) -> dict[str, Any]:
    """Everything that is known of a person."""
    person = await known_person(means, asked)
    return await dossier(
        means.journal, means.state, means.evidence, asked.account.number, person, means.clock.now()
    )


async def merge(means: Means, asked: Asked) -> Merged:
    """Make two people one."""
    person, wanted, account = await known_person(means, asked), asked.body, asked.account.number
    other = await means.read(lambda connection: known.find(connection, account, person=wanted.other))
    if other is None:
        raise BadRequest("other: there is no such person", field="other")
    event = await orders.merge(
        means.journal, means.clock, account, person, other, because=wanted.because, by=asked.by
    )
    return Merged(event=event.id, person=person.id, other=other.id)


async def erase(means: Means, asked: Asked) -> Erasure:
    """Have a person erased. The answer waits for a moment until the erasure can be asked about."""
    person, account = await known_person(means, asked), asked.account.number
    order = await orders.erase(means.journal, means.clock, account, person.id, by=asked.by)
    for _ in range(LOOKS):
        found = await means.read(lambda connection: erasures.find(connection, account, order.id))
        if found is not None:
            return erasure_shown(found)
        await means.clock.sleep(LOOK_SECONDS)
    return Erasure(id=order.id, person=person.id, state="requested", requested_at=iso(order.recorded))


RESOURCE = Resource(
    name="people",
    description="People, by every identity that they have or had.",
    calls=(
        Call(
            method="GET",
            path="/people",
            name="findPeople",
            summary="Find a person by address, phone, device or customer number; or list everybody, or all with a tag",
            handler=find,
            file=find_file,
            query=Find,
            answer=People,
        ),
        Call(
            method="GET",
            path="/people/{person}",
            name="getPerson",
            summary="One person",
            handler=get,
            answer=Person,
        ),
        Call(
            method="GET",
            path="/people/{person}/events",
            name="listEventsOfPerson",
            summary="A person's events, the newest first",
            handler=timeline,
            query=Past,
            answer=Timeline,
        ),
        Call(
            method="GET",
            path="/people/{person}/export",
            name="exportPerson",
            summary="Everything that is known of a person",
            handler=export,
            answer=dict[str, Any],
        ),
        Call(
            method="POST",
            path="/people/{person}/merge",
            name="mergePeople",
            summary="Make another record and this one the same person",
            handler=merge,
            body=Merge,
            answer=Merged,
            status=202,
        ),
        Call(
            method="POST",
            path="/people/{person}/erasure",
            name="erasePerson",
            summary="Have everything about a person erased",
            handler=erase,
            answer=Erasure,
            status=202,
        ),
    ),
)
