"""`/suppressions/history`: the audit of suppressions: what was added and removed, when, why and by whom."""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Csv, Means, PageSize, Resource
from heliograph.api.files import PAGE, file_of
from heliograph.api.resources.places import spelled
from heliograph.clock import Instant, iso
from heliograph.events.consent import Channel, SuppressionType
from heliograph.react.state import cursors, suppression_log
from heliograph.react.state.cursors import Cursor


class Narrowed(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes of suppressions, the newest first. `after` is the `next` of a page."""

    address: str | None = None
    channel: Channel | None = None
    type: SuppressionType | None = None
    after: str = ""
    limit: PageSize = 100


class SuppressionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression that was added or removed. `by`: the API key or command line that did it; where it is empty it follows
    by rule from the event `cause`."""

    event: str
    at: Instant
    change: Literal["added", "removed"]
    address: str
    channel: Channel
    type: str
    reason: str
    by: str
    cause: str | None


class SuppressionHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, the newest first. `next` is the `after` of the next page, if there is one."""

    changes: list[SuppressionChange]
    next: str | None = None


async def history(means: Means, asked: Asked) -> SuppressionHistory:
    """What was added and removed, when, why and by whom."""
    wanted = asked.query
    before = cursors.read(wanted.after)
    shown, following = await means.read(lambda connection: _changes(connection, asked, before, wanted.limit))
    return SuppressionHistory(changes=shown, next=cursors.written(following))


async def history_file(means: Means, asked: Asked) -> Csv:
    """The same as a file, as far back as it goes."""
    return file_of(
        means.state,
        "suppression-history",
        SuppressionChange,
        lambda connection, before: _changes(connection, asked, before, PAGE),
    )


def _changes(
    connection: Connection, asked: Asked, before: Cursor | None, limit: int
) -> tuple[list[SuppressionChange], Cursor | None]:
    wanted, account = asked.query, asked.account
    address = wanted.address and spelled(account, wanted.channel or "email", wanted.address)
    found = suppression_log.page(
        connection,
        account.number,
        channel=wanted.channel or ("email" if address else None),
        address=address,
        type=wanted.type,
        before=before,
        limit=limit + 1,
    )
    shown = [
        SuppressionChange(
            event=one.event,
            at=iso(one.at),
            change=one.change,
            address=one.address,
            channel=one.channel,
            type=one.type,
            reason=one.reason,
            by=one.by,
            cause=one.cause,
        )
        for one in found[:limit]
    ]
    return shown, Cursor(found[limit - 1].at, found[limit - 1].event) if len(found) > limit else None


RESOURCE = Resource(
    name="suppression history",
    description="What was suppressed and lifted.",
    calls=(
        Call(
            method="GET",
            path="/suppressions/history",
            name="listSuppressionHistory",
            summary="What was suppressed and lifted, when, why and by whom",
            handler=history,
            file=history_file,
            query=Narrowed,
            answer=SuppressionHistory,
        ),
    ),
)
