"""What is asked of reports: one whole, its course by hour or day, and which there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, or_, select

from heliograph.clock import SECOND
from heliograph.react.state import campaigns
from heliograph.react.state.reports.cells import QUARTER, UNIQUE, Cell
from heliograph.react.state.reports.figures import Report, Unique, report
from heliograph.react.state.reports.tables import CELLS, COUNTS, ORIGINS, READERS

Of = Literal["campaign", "code", "job", "automation", "template"]
"""What a report may be about: a campaign of our own by its number or name, a tracking code by its GUID, a job, an
automation or a template by its id or name."""

Step = Literal["hour", "day"]


class Subject(NamedTuple):
    """One thing that reports are about, in an account."""

    account: str
    of: Of
    name: str


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that there is a report on; `first` and `last` are instants of quarters of an hour, in microseconds."""

    of: Of
    name: str
    title: str
    first: int
    last: int


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in an hour or day; `at` is its beginning in the account's zone (RFC 3339, with the offset)."""

    at: str
    sent: int = 0
    bounced: int = 0
    opens: int = 0
    opens_by_person: int = 0
    opens_reliable: int = 0
    clicks: int = 0
    clicks_by_person: int = 0
    prints: int = 0
    forwards: int = 0
    unsubscribed: int = 0
    complained: int = 0


_POINTS = {
    **{"sent": "sent", "bounced": "bounced", "unsubscribed": "unsubscribed", "complained": "complained"},
    **{"open": "opens", "click": "clicks", "print": "prints", "forward": "forwards"},
}
"""What is counted -> what a point calls it."""


def known(connection: Connection, subject: Subject) -> bool:
    """Whether there is such a thing: mail of it was counted, or the tracking code was made."""
    if connection.execute(select(_origins(subject)).limit(1)).first() is not None:
        return True
    tracked = campaigns.find(connection, subject.name) if subject.of == "code" else None
    return tracked is not None and tracked.account == subject.account


def find(connection: Connection, account: str, name: str) -> Subject | None:
    """The campaign that is meant: of our own by its number or name, else a tracking code by its GUID."""
    kinds: tuple[Of, ...] = ("campaign", "code")
    subjects = (Subject(account, of, name) for of in kinds)
    return next((subject for subject in subjects if known(connection, subject)), None)


def origins(connection: Connection, subject: Subject) -> frozenset[int]:
    """The ids of everything that belongs to it."""
    return frozenset(connection.scalars(select(_origins(subject))))


def whole(connection: Connection, subject: Subject) -> Report:
    """Everything that was ever counted of it."""
    of = COUNTS.c.origin.in_(select(_origins(subject)))
    sums = select(COUNTS.c.cell, func.sum(COUNTS.c.n).label("n")).where(of).group_by(COUNTS.c.cell).subquery()
    found = select(CELLS, sums.c.n).join(sums, CELLS.c.id == sums.c.cell)
    return report(_counted(connection, found), unique(connection, subject))


def unique(connection: Connection, subject: Subject) -> dict[int, Unique]:
    """How many people opened, clicked, and clicked each link, by `cells.about`."""
    origins = _origins(subject)
    number = connection.scalar(select(func.count()).select_from(origins)) or 0
    of = READERS.c.origin.in_(select(origins))
    people: Any = READERS
    if number > 1:  # the same person may be in several
        sums = (func.sum(READERS.c[name]).label(name) for name in ("by_person", "reliable"))
        people = select(READERS.c.about, *sums).where(of).group_by(READERS.c.about, READERS.c.who).subquery()
    asked = select(
        people.c.about,
        func.count(),
        *(func.count().filter(people.c[name] > 0) for name in ("by_person", "reliable")),
    ).group_by(people.c.about)
    rows = connection.execute(asked.where(of) if number <= 1 else asked)
    return {what: Unique(all=every, by_person=some, reliable=sure) for what, every, some, sure in rows}


def course(
    connection: Connection,
    subject: Subject,
    step: Step,
    zone: tzinfo,
    *,
    since: int | None = None,
    until: int | None = None,
) -> list[Point]:
    """What happened hour by hour or day by day, in order; hours and days of which nothing is known are left out.
    `since` and `until` are instants in microseconds, to a quarter of an hour."""
    span: list[ColumnElement[bool]] = [
        COUNTS.c.origin.in_(select(_origins(subject))),
        CELLS.c.what.in_(_POINTS),
    ]
    if since is not None:
        span.append(COUNTS.c.quarter >= since // QUARTER)
    if until is not None:
        span.append(COUNTS.c.quarter < until // QUARTER)
    told = (COUNTS.c.quarter, CELLS.c.what, CELLS.c.by_person, CELLS.c.reliable)
    sums = select(*told, func.sum(COUNTS.c.n).label("n")).join(CELLS, CELLS.c.id == COUNTS.c.cell)
    asked = sums.where(and_(*span)).group_by(*told).order_by(COUNTS.c.quarter)
    points: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in connection.execute(asked):
        point, name = points[_beginning(row.quarter, step, zone)], _POINTS[row.what]
        point[name] += row.n
        if row.by_person and row.what in UNIQUE:
            point[f"{name}_by_person"] += row.n
        if row.reliable and row.what == "open":
            point["opens_reliable"] += row.n
    return [Point(at=at, **point) for at, point in points.items()]


def titles(connection: Connection, account: str, of: Of) -> list[Title]:
    """All of a sort that there are counts of, the latest first."""
    name, shown = _NAMES[of], ORIGINS.c.campaign_name if of == "campaign" else _NAMES[of]
    span = select(
        COUNTS.c.origin, func.min(COUNTS.c.quarter).label("first"), func.max(COUNTS.c.quarter).label("last")
    )
    spans = span.where(COUNTS.c.origin.in_(_of_account(account))).group_by(COUNTS.c.origin).subquery()
    found = (
        select(name, func.max(shown), func.min(spans.c.first), func.max(spans.c.last).label("last"))
        .join(spans, spans.c.origin == ORIGINS.c.id)
        .where(ORIGINS.c.account == account, name != "")
        .group_by(name)
        .order_by(func.max(spans.c.last).desc(), name)
    )
    return [
        Title(of=of, name=one, title=title, first=first * QUARTER, last=last * QUARTER)
        for one, title, first, last in connection.execute(found)
    ]


def zone_of(name: str) -> tzinfo:
    """A zone by its IANA name; UTC for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


_NAMES: dict[Of, Any] = {
    "campaign": ORIGINS.c.campaign,
    "code": ORIGINS.c.code,
    "job": ORIGINS.c.job,
    "automation": ORIGINS.c.automation,
    "template": ORIGINS.c.template,
}


def _origins(subject: Subject) -> Subquery:
    named = _NAMES[subject.of] == subject.name
    if subject.of == "campaign":
        named = or_(named, ORIGINS.c.campaign_name == subject.name)
    wanted = (ORIGINS.c.account == subject.account, named)
    return select(ORIGINS.c.id).where(*wanted).subquery()


def _of_account(account: str) -> Select[tuple[int]]:
    return select(ORIGINS.c.id).where(ORIGINS.c.account == account)


def _counted(connection: Connection, found: Select[Any]) -> Iterator[tuple[Cell, int]]:
    names = Cell.__struct_fields__
    for _, *said, n in connection.execute(found):
        yield Cell(**dict(zip(names, said, strict=True))), n


def _beginning(quarter: int, step: Step, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(quarter * QUARTER // SECOND, zone)
    if step == "day":
        return at.date().isoformat()
    return at.replace(minute=0, second=0).isoformat()
