"""What the journal says that state does not know yet: for whoever must know of a thing the moment it is recorded.

State follows the journal by some milliseconds, and not at all while no engine runs. So who does not find something in
state looks here: at the events of a few kinds after the place up to which the fold had read.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy import Connection

from heliograph.events import codec
from heliograph.events.event import AnyEvent, Entry
from heliograph.journal import positions
from heliograph.journal.journal import JournalView

T = TypeVar("T")

PAGE = 1000


class Tail(Generic[T]):
    """Things by their ids, as events of `kinds` make them; `take` gives id and thing, None for what makes none.
    At most `limit` are kept, the newest."""

    def __init__(
        self,
        journal: JournalView,
        kinds: frozenset[str],
        take: Callable[[AnyEvent], tuple[str, T] | None],
        limit: int,
    ) -> None:
        self._journal, self._kinds, self._take, self._limit = journal, kinds, take, limit
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._read_to = 0
        self._reading = asyncio.Lock()

    async def find(self, wanted: str, folded_to: int) -> T | None:
        """What the journal says of this id after `folded_to`: everything up to there is in state. Raises
        `Unavailable` when the journal cannot be read."""
        head = await self._journal.head()
        async with self._reading:
            self._read_to = max(self._read_to, folded_to)
            while self._read_to < head:
                self._read_to = await self._read_on(head)
        return self._kept.get(wanted)

    async def _read_on(self, head: int) -> int:
        """Take in what comes next; returns up to where."""
        entries: Sequence[Entry] = await self._journal.read(self._read_to, kinds=self._kinds, limit=PAGE)
        for entry in entries:
            found = self._take(codec.decode(entry))
            if found is not None:
                self._kept[found[0]] = found[1]
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return entries[-1].seq if entries else head


def folded_to(connection: Connection, fold: str) -> int:
    """The place in the journal up to which this fold has read."""
    return positions.load(connection).get(positions.Who(positions.FOLD, fold), 0)
