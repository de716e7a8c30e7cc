"""Everybody who is reading now, as one worker sees it: waits for them, and records how long it was.

A task, a timer and a queue of its own for each of twenty thousand readers would cost more than their connections. Here
the request's own task waits for the connection to end, and one loop wakes those whose time is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import math
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from prometheus_client import Counter, Gauge

from heliograph.clock import SECOND, Clock
from heliograph.events import codec
from heliograph.events.engagement import MessageRead
from heliograph.events.readtimes import Opening, message_read
from heliograph.journal.journal import Journal
from heliograph.web.losses import lost

log = logging.getLogger("heliograph.readtime")

TICK = 0.05
"""Seconds by which somebody may be woken late: the cap is a whole second, its ends are seen by themselves."""
LOOK_TICKS = 4
"""So often it is looked for those who did not come back."""
CLOSING_SECONDS = 5.0
"""How long a stopping worker waits for the records of those whom it held."""

HELD = Gauge("heliograph_held_opens", "Opens whose end is being waited for.", multiprocess_mode="livesum")
UNMEASURED = Counter(
    "heliograph_unmeasured_opens", "Opens answered at once, because too many were held already."
)
READS = Counter(
    "heliograph_read_times", "Read times told, by technique and category.", ["technique", "category"]
)


class _Seen(NamedTuple):
    """Somebody who was seen `elapsed` seconds after the open, and may be seen again until `until`."""

    opening: Opening
    elapsed: float
    until: float
    technique: str


class _Waiting:
    """One task that waits; `over`: it waits no more, and must not be woken."""

    __slots__ = ("over", "task", "woken")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.task = task
        self.woken = self.over = False

    def wake(self) -> None:
        if not self.over and not self.woken:
            self.woken = True
            self.task.cancel()


class Watch:
    """At most `room` opens at once. `stopping`: nobody is held any more, and everybody who was is let go."""

    def __init__(self, journal: Journal, clock: Clock, room: int) -> None:
        self.clock = clock
        self.room = room
        self.held = 0
        self.stopping = False
        self._journal = journal
        self._due: list[tuple[float, int, _Waiting]] = []
        self._number = 0
        self._seen: dict[str, _Seen] = {}
        self._waker: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def full(self) -> bool:
        """Whether nobody else can be held."""
        return self.stopping or self.held + len(self._seen) >= self.room

    @contextmanager
    def holding(self) -> Iterator[None]:
        """One open is held from here to the end of the block, its record included."""
        self.held += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.held -= 1
            if not self.held:
                self._idle.set()

    def began(self, opening: Opening) -> float:
        """When an open began, by the clock that never goes back."""
        return self.clock.monotonic() - max(0, self.clock.now() - opening.at) / SECOND

    async def stays(self, gone: Awaitable[None], seconds: float) -> bool:
        """Whether somebody is still there after so many seconds, or when the worker stops; False as soon as `gone`."""
        if self.stopping:
            return True
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        waiting = _Waiting(task)
        self._number += 1
        heapq.heappush(self._due, (self.clock.monotonic() + seconds, self._number, waiting))
        self._see_to_it()
        try:
            await gone
        except asyncio.CancelledError:
            if not waiting.woken or task.uncancel() > 0:
                raise
            return True
        else:
            return False
        finally:
            waiting.over = True

    def part(self, opening: Opening, elapsed: float, until: float, technique: str) -> None:
        """Somebody who was there after `elapsed` seconds may come back; at `until` (monotonic) it is told that they
        did not."""
        self._seen[opening.event] = _Seen(opening, elapsed, until, technique)
        self._see_to_it()

    def meet(self, opening: Opening) -> None:
        """Somebody came back."""
        self._seen.pop(opening.event, None)

    async def tell(self, opening: Opening, elapsed: float, technique: str) -> None:
        """Record how long an open lasted, unless that was told already. Never fails: what cannot be recorded is
        counted, and made up for later (`react.readtimes`)."""
        event = message_read(opening, elapsed, now=self.clock.now(), technique=technique)
        try:
            (new,) = await self._journal.append_once((codec.encode(event),))
        except Exception as error:
            lost(MessageRead.kind, error)
            return
        if new:
            READS.labels(technique, event.data.category).inc()

    def stop(self) -> None:
        """Let everybody go; each open is told of with the time that it lasted until now."""
        self.stopping = True
        for _, _, waiting in self._due:
            waiting.wake()

    async def close(self) -> None:
        """Stop, and return when everybody was told of."""
        self.stop()
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._idle.wait()
                await self._tell_of_those_who_left(math.inf)
        except TimeoutError:
            log.warning("%d opens were held and could not be recorded", self.held + len(self._seen))
        if self._waker is not None:
            self._waker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._waker

    def _see_to_it(self) -> None:
        if self._waker is None:
            self._waker = asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        ticks = 0
        while True:
            now = self.clock.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2].wake()
            if ticks % LOOK_TICKS == 0:
                HELD.set(self.held + len(self._seen))
                await self._tell_of_those_who_left(now)
            ticks += 1
            await self.clock.sleep(TICK)

    async def _tell_of_those_who_left(self, now: float) -> None:
        left = [one for one in self._seen.values() if one.until <= now]
        for one in left:
            del self._seen[one.opening.event]
        await asyncio.gather(*(self.tell(one.opening, one.elapsed, one.technique) for one in left))
