"""Reading the journal in batches for folds, decoded once for all of them.

Reading the next batch while one is applied was tried and gained nothing: applying holds the interpreter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from heliograph.events.codec import decode
from heliograph.events.event import AnyEvent, Entry
from heliograph.journal.journal import JournalView

SLICE = 256
"""Events decoded at a stretch, before whatever else is ready may run."""


class Batch(NamedTuple):
    """What was read: entries, and beside each its event if a fold wants it."""

    entries: Sequence[Entry]
    events: list[AnyEvent | None]

    def upto(self, seq: int) -> Batch:
        """Without what lies beyond."""
        kept = [entry for entry in self.entries if entry.seq <= seq]
        return Batch(kept, self.events[: len(kept)])

    def of(self, kinds: frozenset[str]) -> list[AnyEvent]:
        """The events of these kinds."""
        return [event for event in self.events if event is not None and event.kind in kinds]

    def seq_of(self, event: AnyEvent) -> int:
        """Where one of its events stands."""
        return next(entry.seq for entry in self.entries if entry.id == event.id)


async def read(
    journal: JournalView, after: int, kinds: frozenset[str] | None, wanted: frozenset[str], limit: int
) -> Batch:
    """Up to `limit` entries after a place, of these kinds (None: all); decoded where they are wanted."""
    entries = await journal.read(after, kinds=kinds, limit=limit)
    events: list[AnyEvent | None] = []
    for first in range(0, len(entries), SLICE):
        if first:
            await asyncio.sleep(0)
        part = entries[first : first + SLICE]
        events += [decode(entry) if entry.kind in wanted else None for entry in part]
    return Batch(entries, events)
