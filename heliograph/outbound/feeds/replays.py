"""Telling a feed again what stands in the journal: by ids or by time, to this one subscription.

An order is an event (`feed.replayed`, made by `replay_orders`) that names places of the journal. The act here puts what stands there back before
the feed, as if it had failed: it is tried again by the feed's own act, under the same id, with the same filters, schedule
and parking, beside fresh events, of which it takes at most half of the places. What the feed has not come to yet is left
out, for it comes anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select

from heliograph.clock import Clock
from heliograph.events.definitions import FeedReplayed
from heliograph.events.event import AnyEvent, Entry
from heliograph.journal import parked, positions
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Skipped
from heliograph.journal.journal import JournalView
from heliograph.journal.loops import Loops
from heliograph.journal.parked import RETRIES, Case, Waiting
from heliograph.journal.positions import ACT, Who
from heliograph.outbound.feeds.dialect import CARRIED
from heliograph.outbound.feeds.subscription import act_name
from heliograph.react.state import definitions

PORTION = 500
"""Events put back at once."""

MOST_WAITING = 2_000
"""Rows of a feed beyond which no more are put back for now, so that a long replay stays small in state."""

PAUSE = 0.5
"""Seconds between looks whether there is room again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayer:
    """Carries out orders. `reading`: state; `loops`: what runs on it."""

    journal: JournalView
    reading: Engine
    loops: Callable[[], Loops]
    clock: Clock

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Put back what an order names; repeated after a crash, which repeats some of it."""
        order = event.data
        if not isinstance(order, FeedReplayed):
            return Skipped()
        feed, told = await asyncio.to_thread(self._feed, event.account, order.name)
        if feed is None:
            return Refused(f"there is no feed {order.name}")
        kinds, wanted = frozenset(feed.kinds) or CARRIED, frozenset(order.events)
        after, upto, number = order.after, min(order.upto, told), 0
        while after < upto:
            await self._room(Who(ACT, act_name(feed)))
            entries = await self.journal.read(after, kinds=kinds, limit=PORTION)
            mine = [e for e in entries if e.seq <= upto and (not wanted or e.id in wanted)]
            await self._put_back(Who(ACT, act_name(feed)), mine)
            number += len(mine)
            after = entries[-1].seq if len(entries) == PORTION else upto
        return Delivered(f"{number} events")

    def _feed(self, account: str, name: str) -> tuple[definitions.Feed | None, int]:
        """The feed, and up to where it has told everything."""
        with self.reading.connect() as connection:
            feed = definitions.feed(connection, account, name)
            at = positions.load(connection)
        return feed, -1 if feed is None else at.get(Who(ACT, act_name(feed)), -1)

    async def _room(self, who: Who) -> None:
        while await asyncio.to_thread(self._waiting, who) > MOST_WAITING:
            await self.clock.sleep(PAUSE)

    def _waiting(self, who: Who) -> int:
        theirs = (RETRIES.c.consumer == who.consumer, RETRIES.c.name == who.name)
        with self.reading.connect() as connection:
            return connection.scalar(select(func.count()).select_from(RETRIES).where(*theirs)) or 0

    async def _put_back(self, who: Who, entries: Sequence[Entry]) -> None:
        now = self.clock.now()

        def put(connection: Connection) -> None:
            for entry in entries:
                case = Case(who, entry.seq, entry.id, entry.account)
                parked.drop(connection, who, entry.seq)
                parked.put_off(connection, Waiting(case, 0, 0, now, "asked for again"))

        if entries:
            await self.loops().writer.run(put)
            self.loops().put_back(who, now)


def replays_act(replayer: Replayer) -> Act:
    """The act that carries out orders, a few at once."""
    return Act(
        name="feeds:replays",
        kinds=frozenset((FeedReplayed.kind,)),
        perform=replayer.perform,
        concurrency=4,
    )
