"""`/reports`: what became of the mail of a campaign, tracking code, job, automation or template (LIT-13, LIT-14).

Every figure is defined in docs/how-to/reports.md. Hours and days are those of the account's time zone.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events.commerce import instant
from heliograph.react.state.reports import asking
from heliograph.react.state.reports.asking import Of, Point, Step, Subject
from heliograph.react.state.reports.figures import Client, Link, Report

MOST_COMPARED = 50
"""Reports in one comparison: each is a query of its own."""


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """Reports of what are wanted."""

    of: Of = "campaign"


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """Something that there is a report on, and when the first and last things happened that it counts."""

    of: Of
    name: str
    title: str
    first_at: Instant
    last_at: Instant


class Titles(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a sort that there is a report on, the latest first."""

    reports: list[Title]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """The report on one thing."""

    of: Of
    name: str
    report: Report


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare: names, separated by commas."""

    names: str
    of: Of = "campaign"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Reports side by side, in the order in which they were named."""

    reports: list[Whole]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Hours or days, and which: from `since` on and before `until`, to a quarter of an hour."""

    by: Step = "day"
    since: Annotated[str, msgspec.Meta(description="A date or time (RFC 3339); default: all.")] = ""
    until: Annotated[str, msgspec.Meta(description="A date or time (RFC 3339); default: all.")] = ""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What happened hour by hour or day by day; those without anything are left out."""

    time_zone: str
    points: list[Point]


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Links by how often they were clicked."""

    links: list[Link]


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """Reliable opens by mail client, version, rendering engine and platform (LIT-14)."""

    clients: list[Client]
    specific_clients: list[Client]
    engines: list[Client]
    platforms: list[Client]


async def titles(means: Means, asked: Asked) -> Titles:
    """Which reports there are."""
    account, of = asked.account.number, asked.query.of
    found = await means.read(lambda connection: asking.titles(connection, account, of))
    return Titles(
        reports=[
            Title(of=one.of, name=one.name, title=one.title, first_at=iso(one.first), last_at=iso(one.last))
            for one in found
        ]
    )


async def whole(means: Means, asked: Asked) -> Whole:
    """One report."""
    return await means.read(lambda connection: _whole(connection, _subject(connection, asked)))


async def compare(means: Means, asked: Asked) -> Comparison:
    """Several reports."""
    names = [name.strip() for name in asked.query.names.split(",") if name.strip()]
    if not 1 <= len(names) <= MOST_COMPARED:
        raise BadRequest(f"names: name between 1 and {MOST_COMPARED}, separated by commas", field="names")

    def look(connection: Connection) -> Comparison:
        subjects = [Subject(asked.account.number, asked.query.of, name) for name in names]
        return Comparison(reports=[_whole(connection, _known(connection, one, "names")) for one in subjects])

    return await means.read(look)


async def course(means: Means, asked: Asked) -> Course:
    """One thing hour by hour or day by day."""
    wanted, zone = asked.query, asked.account.policy.time_zone
    span = {"since": _instant(wanted.since, "since"), "until": _instant(wanted.until, "until")}

    def look(connection: Connection) -> list[Point]:
        subject = _subject(connection, asked)
        return asking.course(connection, subject, wanted.by, asking.zone_of(zone), **span)

    return Course(time_zone=zone, points=await means.read(look))


async def links(means: Means, asked: Asked) -> Links:
    """The links of one thing."""
    return Links(links=(await whole(means, asked)).report.clicks.links)


async def clients(means: Means, asked: Asked) -> Clients:
    """The mail clients of one thing's readers."""
    found = (await whole(means, asked)).report
    return Clients(**{name: getattr(found, name) for name in Clients.__struct_fields__})


def _whole(connection: Connection, subject: Subject) -> Whole:
    return Whole(of=subject.of, name=subject.name, report=asking.whole(connection, subject))


def _subject(connection: Connection, asked: Asked) -> Subject:
    of: Any = asked.path["of"]
    if of not in get_args(Of):
        raise NotFound(f"There are reports on {', '.join(get_args(Of))}.", field="of")
    return _known(connection, Subject(asked.account.number, of, asked.path["name"]), "name")


def _known(connection: Connection, subject: Subject, field: str) -> Subject:
    if not asking.known(connection, subject):
        raise NotFound(f"Nothing was counted of the {subject.of} {subject.name[:100]}.", field=field)
    return subject


def _instant(said: str, field: str) -> int | None:
    found = instant(said or None)
    if said and found is None:
        raise BadRequest(f"{field}: is no date or time, such as 2026-01-31T12:00:00Z", field=field)
    return found


_ONE = "/reports/{of}/{name}"

RESOURCE = Resource(
    name="reports",
    description="What became of mail: by campaign, tracking code, job, automation or template.",
    calls=(
        Call(
            method="GET",
            path="/reports",
            name="listReports",
            summary="What there are reports on, the latest first",
            handler=titles,
            query=Sort,
            answer=Titles,
        ),
        Call(
            method="GET",
            path="/reports/comparison",
            name="compareReports",
            summary="Several reports side by side",
            handler=compare,
            query=Names,
            answer=Comparison,
            missing=True,
        ),
        Call(
            method="GET",
            path=_ONE,
            name="getReport",
            summary="Everything that is counted of one campaign, tracking code, job, automation or template",
            handler=whole,
            answer=Whole,
        ),
        Call(
            method="GET",
            path=_ONE + "/course",
            name="getCourse",
            summary="What happened hour by hour or day by day",
            handler=course,
            query=Span,
            answer=Course,
        ),
        Call(
            method="GET",
            path=_ONE + "/links",
            name="listLinksOfReport",
            summary="Its links by how often they were clicked",
            handler=links,
            answer=Links,
        ),
        Call(
            method="GET",
            path=_ONE + "/clients",
            name="listClientsOfReport",
            summary="Its readers' mail clients, versions, engines and platforms",
            handler=clients,
            answer=Clients,
        ),
    ),
)
