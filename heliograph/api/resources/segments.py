"""`/segments`: conditions that make somebody one of a group of people, by a name."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Means, PageSize, Resource
from heliograph.api.resources.persons import sift
from heliograph.api.resources.suppressions import Recorded
from heliograph.clock import iso
from heliograph.errors import NotFound
from heliograph.events import codec, subjects
from heliograph.events.definitions import SegmentRemoved, SegmentSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.react.state import segments as known
from heliograph.react.state.facts import members


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A segment: its name, and the conditions on a person, as `if` of a branch has them."""

    name: str
    who: dict[str, Any]


class Segments(msgspec.Struct, frozen=True, kw_only=True):
    """All segments, by name."""

    segments: list[Segment]


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions; all must hold."""

    who: dict[str, Any]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which people: those behind this id."""

    after: str = ""
    limit: PageSize = 100


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is in the segment now."""

    id: str
    email: str | None
    phone: str | None


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Who is in it now. `next` is the `after` of the next page, if there may be one."""

    people: list[Member]
    next: str | None = None


async def listed(means: Means, asked: Asked) -> Segments:
    """Every segment."""
    account = asked.account.number
    rows = await means.read(lambda connection: known.all_of(connection, account))
    return Segments(segments=[Segment(name=row.name, who=row.who) for row in rows])


async def save(means: Means, asked: Asked) -> Recorded:
    """A segment, new or changed, if its conditions are right."""
    name, who = asked.path["name"], asked.body.who
    known.check(name, who)
    return await _recorded(means, asked, SegmentSaved(name=name, who=who, by=asked.by))


async def remove(means: Means, asked: Asked) -> Recorded:
    """A segment is not there any more."""
    await _known(means, asked)
    return await _recorded(means, asked, SegmentRemoved(name=asked.path["name"], by=asked.by))


async def who(means: Means, asked: Asked) -> Members:
    """Who is in it now, page by page."""
    segment, account, wanted = await _known(means, asked), asked.account.number, asked.query
    now = means.clock.now()

    def look(connection: Connection) -> Members:
        found, following = sift(
            connection,
            account,
            after=wanted.after,
            limit=wanted.limit,
            fits=lambda people: members(connection, account, segment.name, now, people),
        )
        shown = [Member(id=one.id, email=one.email, phone=one.phone) for one in found]
        return Members(people=shown, next=following)

    return await means.read(look)


async def _known(means: Means, asked: Asked) -> known.Segment:
    account, name = asked.account.number, asked.path["name"]
    found = await means.read(lambda connection: known.find(connection, account, name))
    if found is None:
        raise NotFound(f"There is no segment {name!r}.", field="name")
    return found


async def _recorded(means: Means, asked: Asked, data: Data) -> Recorded:
    subject = subjects.thing("segment", asked.path["name"])
    event: AnyEvent = codec.make(data, account=asked.account.number, subject=subject, now=means.clock.now())
    await means.journal.append([codec.encode(event)])
    return Recorded(event=event.id, at=iso(event.at))


RESOURCE = Resource(
    name="segments",
    description="Groups of people, by conditions that are asked at the moment they matter.",
    calls=(
        Call(
            method="GET",
            path="/segments",
            name="listSegments",
            summary="All segments",
            handler=listed,
            answer=Segments,
        ),
        Call(
            method="PUT",
            path="/segments/{name}",
            name="saveSegment",
            summary="Save a segment",
            handler=save,
            body=Conditions,
            answer=Recorded,
            status=202,
        ),
        Call(
            method="DELETE",
            path="/segments/{name}",
            name="removeSegment",
            summary="Remove a segment",
            handler=remove,
            answer=Recorded,
            status=202,
        ),
        Call(
            method="GET",
            path="/segments/{name}/people",
            name="listPeopleOfSegment",
            summary="Who is in a segment now",
            handler=who,
            query=Page,
            answer=Members,
        ),
    ),
)
