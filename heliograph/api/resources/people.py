"""`/people`: who is known, what they did and said, and what the law lets them ask for (RM-9, STD-7, STD-8)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.accounts.privacy import kept_ip
from heliograph.api.call import Asked, Call, Instant, Means, PageSize, Resource
from heliograph.api.resources.erasures import Erasure
from heliograph.api.resources.erasures import shown as erasure_shown
from heliograph.api.resources.persons import Person, Timeline, as_shown, happening
from heliograph.clock import iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec, subjects
from heliograph.events.consent import TrackingChosen
from heliograph.privacy import orders
from heliograph.privacy.dossier import consent_record, dossier
from heliograph.react.state import erasures
from heliograph.react.state import people as known

LOOKS, LOOK_SECONDS = 50, 0.02
"""How often an erasure's answer looks whether the erasure can be found under its id, and how long between."""


class Find(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to look for: the first of these that is known. Without any, everybody, page by page."""

    customer_id: str | None = None
    email: str | None = None
    phone: str | None = None
    after: str = ""
    limit: PageSize = 100


class People(msgspec.Struct, frozen=True, kw_only=True):
    """People, in the order in which they came. `next` is the `after` of the next page, if there is one."""

    people: list[Person]
    next: str | None = None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a timeline: what happened before this cursor."""

    before: int | None = None
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


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a person allows that what they open and click is tied to them; with what proves it."""

    allowed: bool
    source: str = ""
    ip: str = ""
    text_version: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str
    at: Instant


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about marketing and tracking, for each of their addresses and phones: how it stands, the
    suppressions in force, and the log that proves it."""

    person: str
    accepts_tracking: bool | None
    addresses: list[dict[str, Any]]


async def find(means: Means, asked: Asked) -> People:
    """People by what they are known as, or page by page."""
    wanted, account = asked.query, asked.account.number
    who = {name: getattr(wanted, name) for name in ("customer_id", "email", "phone")}

    def look(connection: Connection) -> People:
        if any(who.values()):
            person = known.find(connection, account, **who)
            return People(people=[] if person is None else [as_shown(connection, account, person)])
        page = known.page(connection, account, after=wanted.after, limit=wanted.limit + 1)
        shown = page[: wanted.limit]
        following = shown[-1].id if len(page) > len(shown) else None
        return People(people=[as_shown(connection, account, one) for one in shown], next=following)

    return await means.read(look)


async def get(means: Means, asked: Asked) -> Person:
    """One person; who was merged into another is that other."""
    person = await _person(means, asked)
    return await means.read(lambda connection: as_shown(connection, asked.account.number, person))


async def timeline(means: Means, asked: Asked) -> Timeline:
    """What happened to a person, the newest first."""
    person, account, wanted = await _person(means, asked), asked.account.number, asked.query
    references = await means.read(lambda connection: known.subjects(connection, account, person.id))
    page = await means.journal.latest(
        references, account=account, before=wanted.before, limit=wanted.limit + 1
    )
    shown = page[: wanted.limit]
    following = shown[-1].seq if len(page) > len(shown) else None
    return Timeline(events=[happening(entry) for entry in shown], next=following)


async def consent(means: Means, asked: Asked) -> dict[str, Any]:
    """The proof of consent."""
    person, account = await _person(means, asked), asked.account.number
    return await means.read(lambda connection: consent_record(connection, account, person))


async def export(means: Means, asked: Asked) -> dict[str, Any]:
    """Everything that is known of a person."""
    person = await _person(means, asked)
    return await dossier(
        means.journal, means.state, means.evidence, asked.account.number, person, means.clock.now()
    )


async def choose_tracking(means: Means, asked: Asked) -> Chosen:
    """Put on record what a person said about being tracked."""
    person, said = await _person(means, asked), asked.body
    choice = TrackingChosen(
        allowed=said.allowed,
        person=person.id,
        email=person.email,
        phone=None if person.email else person.phone,
        source=said.source,
        ip=kept_ip(said.ip, asked.account.policy.ip),
        text_version=said.text_version,
    )
    account, subject = asked.account.number, subjects.person(person.id)
    event = codec.make(choice, account=account, subject=subject, now=means.clock.now())
    await means.journal.append([codec.encode(event)])
    return Chosen(event=event.id, at=iso(event.at))


async def merge(means: Means, asked: Asked) -> Merged:
    """Make two people one."""
    person, wanted, account = await _person(means, asked), asked.body, asked.account.number
    other = await means.read(lambda connection: known.find(connection, account, person=wanted.other))
    if other is None:
        raise BadRequest("other: there is no such person", field="other")
    event = await orders.merge(
        means.journal, means.clock, account, person, other, because=wanted.because, by=asked.by
    )
    return Merged(event=event.id, person=person.id, other=other.id)


async def erase(means: Means, asked: Asked) -> Erasure:
    """Have a person erased. The answer waits for a moment until the erasure can be asked about."""
    person, account = await _person(means, asked), asked.account.number
    order = await orders.erase(means.journal, means.clock, account, person.id, by=asked.by)
    for _ in range(LOOKS):
        found = await means.read(lambda connection: erasures.find(connection, account, order.id))
        if found is not None:
            return erasure_shown(found)
        await means.clock.sleep(LOOK_SECONDS)
    return Erasure(id=order.id, person=person.id, state="requested", requested_at=iso(order.recorded))


async def _person(means: Means, asked: Asked) -> known.Person:
    account, wanted = asked.account.number, asked.path["person"]
    person = await means.read(lambda connection: known.find(connection, account, person=wanted))
    if person is None:
        raise NotFound(
            "There is no such person; GET /api/v1/people?email= finds one by address.", field="person"
        )
    return person


RESOURCE = Resource(
    name="people",
    description="People, by every identity that they have or had.",
    calls=(
        Call(
            method="GET",
            path="/people",
            name="findPeople",
            summary="Find a person by address, phone or customer number; or list everybody",
            handler=find,
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
            path="/people/{person}/consent",
            name="getConsent",
            summary="What a person said about marketing and tracking, with its proof",
            handler=consent,
            answer=ConsentRecord,
        ),
        Call(
            method="PUT",
            path="/people/{person}/tracking",
            name="chooseTracking",
            summary="Record whether a person allows that opens and clicks are tied to them",
            handler=choose_tracking,
            body=Tracking,
            answer=Chosen,
            status=202,
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
