"""Opens that were recorded in a span of time, page by page, each with what is known of it by now.

An open belongs to the day in which it was recorded, so that each is in one file, and none is missed that came in late.
The journal says who opened what; the verdict and the read time, which came later, are where reports count it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import AnyEvent, Entry
from heliograph.journal.journal import JournalView
from heliograph.outbound.daily.rows import Known, row
from heliograph.react.state.reports.cells import Cell
from heliograph.react.state.reports.tables import CELLS, ORIGINS, VISITS

PAGE = 1_000
KINDS = frozenset((MessageOpened.kind,))

SKEW = 3_600 * SECOND
"""How far the machine's clock may have been set back while it recorded."""


class Hit(NamedTuple):
    """An open: the campaign's GUID, and its row."""

    guid: str
    row: tuple[str, ...]


async def opens(
    journal: JournalView,
    state: Engine,
    account: str,
    *,
    since: int | None = None,
    until: int | None = None,
    origins: Collection[int] | None = None,
) -> AsyncIterator[list[Hit]]:
    """Pages of opens that were recorded from `since` on and before `until` (microseconds); of these origins, if some
    are named (`asking.origins`)."""
    place = 0 if since is None else await _place(journal, since - SKEW)
    while entries := await journal.read(place, kinds=KINDS, limit=PAGE):
        place = entries[-1].seq
        own = [entry for entry in entries if entry.account == account and _within(entry, since, until)]
        if own:
            events = [codec.decode(entry) for entry in own]
            yield await asyncio.to_thread(_hits, state, events, origins)
        if until is not None and entries[-1].recorded > until + SKEW:
            return


async def _place(journal: JournalView, instant: int) -> int:
    """A place in the journal behind which everything stands that was recorded since this instant."""
    low, high = 0, await journal.head()
    while low < high:
        middle = (low + high) // 2
        (entry,) = await journal.read(middle, limit=1) or (None,)
        if entry is None or entry.recorded >= instant:
            high = middle
        else:
            low = entry.seq
    return low


def _within(entry: Entry, since: int | None, until: int | None) -> bool:
    return (since is None or entry.recorded >= since) and (until is None or entry.recorded < until)


def _hits(state: Engine, events: Sequence[AnyEvent], origins: Collection[int] | None) -> list[Hit]:
    with state.connect() as connection:
        known = _known(connection, [event.id for event in events], origins)
    return [
        Hit(known[event.id].guid, row(event, event.data, known[event.id]))
        for event in events
        if event.id in known and isinstance(event.data, MessageOpened)
    ]


def _known(connection: Connection, events: list[str], origins: Collection[int] | None) -> dict[str, Known]:
    names = Cell.__struct_fields__
    found: dict[str, Known] = {}
    for event, origin, code, campaign, _, *said in connection.execute(_KNOWN, {"events": events}):
        if origins is None or origin in origins:
            cell = Cell(**dict(zip(names, said, strict=True)))
            found[event] = Known(code or (campaign.zfill(8) if campaign else ""), cell)
    return found


_KNOWN = (
    select(VISITS.c.event, VISITS.c.origin, ORIGINS.c.code, ORIGINS.c.campaign, *CELLS.c)
    .join(ORIGINS, ORIGINS.c.id == VISITS.c.origin)
    .join(CELLS, CELLS.c.id == VISITS.c.cell)
    .where(VISITS.c.event.in_(bindparam("events", expanding=True)))
)
