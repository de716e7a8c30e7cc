"""Segments of people as operators define them: a name, and the conditions that make somebody one of it.

    name: big-spenders
    who: {orders.total: {gte: 500}, consent.email: "yes"}

Nobody is put into a segment: whether somebody is in it is asked at the moment it matters (`facts`), so an automation
that an event triggers never waits for a segment to be made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Connection, String, Table, bindparam, delete, select

from heliograph.database import METADATA
from heliograph.errors import BadRequest
from heliograph.events.definitions import SegmentRemoved, SegmentSaved
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Fold
from heliograph.react.state import reading
from heliograph.react.state.conditions import Condition, compile_where
from heliograph.react.state.rows import append

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("who", JSON, nullable=False),
    Column("saved", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

ASKABLE = ("person", "orders", "consent", "engagement")
"""What a segment may ask of a person; another segment is not among it, so none is defined by itself."""


class Segment(NamedTuple):
    """A segment as it is now."""

    name: str
    who: dict[str, Any]


def check(name: str, who: Mapping[str, Any], known: tuple[str, ...] = ASKABLE, at: str = "who") -> None:
    """Raises `BadRequest` with the path of what is wrong."""
    if not 1 <= len(name) <= 100:
        raise BadRequest("A segment's name has 1 to 100 characters.", field="name")
    asked(who, known, at)


def asked(who: Mapping[str, Any], known: tuple[str, ...], at: str) -> tuple[Condition, ...]:
    """The conditions on a person. Raises `BadRequest` where a path begins with none of the known words."""
    if not who:
        raise BadRequest("Say at least one condition.", field=at)
    found = compile_where(who, at)
    for condition in found:
        head = condition.path.partition(".")[0]
        if head not in known:
            raise BadRequest(
                f"Nobody knows {head!r} of a person. A path begins with {', '.join(known)}.",
                field=f"{at}.{condition.path}",
            )
    return found


def conditions(segment: Segment) -> tuple[Condition, ...]:
    """What makes somebody one of the segment."""
    return _compiled(msgspec.json.encode(segment.who))


@lru_cache(maxsize=1024)
def _compiled(who: bytes) -> tuple[Condition, ...]:
    return compile_where(msgspec.json.decode(who), "who")


def all_of(connection: Connection, account: str) -> list[Segment]:
    """The account's segments, by name."""
    return [Segment(*row) for row in connection.execute(_ALL, {"of_account": account})]


def find(connection: Connection, account: str, name: str) -> Segment | None:
    """The segment of this name."""
    return next((one for one in all_of(connection, account) if one.name == name), None)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch; segments are few."""
    for event in events:
        data = event.data
        if isinstance(data, SegmentSaved | SegmentRemoved):
            theirs = (SEGMENTS.c.account == event.account, SEGMENTS.c.name == data.name)
            connection.execute(delete(SEGMENTS).where(*theirs))
        if isinstance(data, SegmentSaved):
            who = msgspec.json.encode(data.who).decode()
            append(connection, SEGMENTS, [(event.account, data.name, who, reading.happened(event))])


_ALL = (
    select(SEGMENTS.c.name, SEGMENTS.c.who)
    .where(SEGMENTS.c.account == bindparam("of_account"))
    .order_by(SEGMENTS.c.name)
)

FOLD = Fold(
    name="segments",
    kinds=frozenset((SegmentSaved.kind, SegmentRemoved.kind)),
    tables=(SEGMENTS,),
    apply=apply,
)
