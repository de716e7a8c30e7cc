"""Where loops get their events: the recent ones from memory, read and decoded once for all; older ones from the
journal.

The folds at the front read everything that is new and leave it here; reactions and acts, which follow close
behind, find it without asking the disk. What is kept is bounded. An erasure empties it (`forget`): whoever holds
events that were read before (`generation`) reads them again, from the journal, where they are erased.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from heliograph.events.codec import decode
from heliograph.events.event import AnyEvent, Entry
from heliograph.journal.journal import JournalView

KEPT_ENTRIES = 4_096
KEPT_BYTES = 8 << 20
"""Bounds of what is kept in memory: a few batches, and no more than a small share of the process."""


class Placed(NamedTuple):
    """An event and its place in the journal."""

    seq: int
    event: AnyEvent


class Taken(NamedTuple):
    """Events in order, and up to where there are no more of the kinds asked for."""

    events: list[Placed]
    reached: int


class Source:
    """The journal, with its latest entries at hand."""

    def __init__(self, journal: JournalView) -> None:
        self.generation = 0
        self._journal = journal
        self._after = self._upto = 0  # what is kept is everything in between
        self._seqs: list[int] = []
        self._kinds: list[str] = []
        self._entries: list[Entry] = []
        self._events: list[AnyEvent | None] = []
        self._bytes = 0

    def push(self, after: int, entries: Sequence[Entry], events: Sequence[AnyEvent | None]) -> None:
        """Keep what follows `after` without a gap: entries, and their events where they are decoded already."""
        if after != self._upto:
            self._clear(after)
        self._seqs.extend([entry.seq for entry in entries])
        self._kinds.extend([entry.kind for entry in entries])
        self._entries.extend(entries)
        self._events.extend(events)
        self._bytes += sum([len(entry.data) for entry in entries])
        self._upto = self._seqs[-1] if self._seqs else after
        self._trim()

    def forget(self) -> None:
        """Let go of everything that is kept: something was erased."""
        self.generation += 1
        self._clear(self._upto)

    async def take(self, after: int, kinds: frozenset[str], upto: int, limit: int) -> Taken:
        """Up to `limit` events of these kinds with places in (`after`, `upto`]; `upto` is at most what the folds
        at the front have passed."""
        if not kinds or after >= upto:
            return Taken([], max(after, upto))
        if self._after <= after and upto <= self._upto:
            return self._recent(after, kinds, upto, limit)
        entries = await self._journal.read(after, kinds=kinds, limit=limit)
        events = [Placed(entry.seq, decode(entry)) for entry in entries if entry.seq <= upto]
        whole = not entries or len(events) < len(entries)
        return Taken(events, upto if whole else events[-1].seq)

    async def one(self, seq: int) -> AnyEvent | None:
        """The event in this place; None if it is there no more (its time was up)."""
        entries = await self._journal.read(seq - 1, limit=1)
        return decode(entries[0]) if entries and entries[0].seq == seq else None

    def _recent(self, after: int, kinds: frozenset[str], upto: int, limit: int) -> Taken:
        events: list[Placed] = []
        first = bisect_right(self._seqs, after)
        last = bisect_right(self._seqs, upto, first)
        # Every act asks, most of them for kinds that are rare: so what is passed over costs next to nothing.
        for index in [first + place for place, kind in enumerate(self._kinds[first:last]) if kind in kinds]:
            entry, event = self._entries[index], self._events[index]
            if event is None:
                event = self._events[index] = decode(entry)
            events.append(Placed(entry.seq, event))
            if len(events) == limit:
                return Taken(events, entry.seq)
        return Taken(events, upto)

    def _trim(self) -> None:
        if len(self._seqs) <= 2 * KEPT_ENTRIES and self._bytes <= KEPT_BYTES:
            return
        drop = max(0, len(self._seqs) - KEPT_ENTRIES)
        self._bytes -= sum([len(entry.data) for entry in self._entries[:drop]])
        while drop < len(self._entries) and self._bytes > KEPT_BYTES // 2:
            self._bytes -= len(self._entries[drop].data)
            drop += 1
        self._after = self._seqs[drop - 1] if drop else self._after
        del self._seqs[:drop], self._kinds[:drop], self._entries[:drop], self._events[:drop]

    def _clear(self, after: int) -> None:
        self._after = self._upto = after
        self._seqs, self._kinds, self._entries, self._events, self._bytes = [], [], [], [], 0
