"""What is to be told again, as an order: by ids, or by when it was recorded. `replays` carries it out."""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, NotFound
from heliograph.events.definitions import FeedReplayed
from heliograph.events.event import id_time
from heliograph.journal.journal import JournalView
from heliograph.outbound.feeds.dialect import CARRIED

MOST_EVENTS = 1_000
"""Ids in one order."""

LOOKED_THROUGH = 1_000_000
"""Entries of the journal that are looked through for the ids of an order."""

ROUGHLY = 60 * SECOND
"""How much before the time in an event's id it may have been recorded: clocks differ."""


async def order_of_time(journal: JournalView, name: str, since: int, until: int, by: str) -> FeedReplayed:
    """The order for what was recorded from `since` to before `until` (microseconds). Raises `BadRequest` for nothing."""
    after, upto = await place_before(journal, since), await place_before(journal, until)
    if after >= upto:
        raise BadRequest("nothing was recorded in this time", field="since")
    return FeedReplayed(name=name, after=after, upto=upto, by=by)


async def order_of_events(journal: JournalView, name: str, events: Sequence[str], by: str) -> FeedReplayed:
    """The order for these events. Raises `BadRequest`, `NotFound`."""
    if not 0 < len(events) <= MOST_EVENTS:
        raise BadRequest(f"name 1 to {MOST_EVENTS} events", field="events")
    try:
        earliest = min(id_time(event) for event in events)
    except ValueError as error:
        raise BadRequest("an event's id is a UUID", field="events") from error
    start = after = await place_before(journal, earliest - ROUGHLY)
    missing, places = set(events), list[int]()
    while missing and after - start < LOOKED_THROUGH:
        entries = await journal.read(after, kinds=CARRIED, limit=1_000)
        if not entries:
            break
        found = [entry for entry in entries if entry.id in missing]
        places += [entry.seq for entry in found]
        missing -= {entry.id for entry in found}
        after = entries[-1].seq
    if missing:
        raise NotFound(f"there is no event {min(missing)} that feeds carry", field="events")
    return FeedReplayed(name=name, after=min(places) - 1, upto=max(places), events=tuple(events), by=by)


async def place_before(journal: JournalView, instant: int) -> int:
    """The last place of the journal before what was recorded at this instant or later."""
    low, high = 0, await journal.head()
    while low < high:
        middle = (low + high) // 2
        entries = await journal.read(middle, limit=1)
        if not entries or entries[0].recorded >= instant:
            high = middle
        else:
            low = min(entries[0].seq, high)
    return low
