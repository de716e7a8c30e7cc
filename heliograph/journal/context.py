"""What every loop is given: the journal, the writer of state, the clock, and the places they all watch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from heliograph.clock import Clock
from heliograph.errors import Unavailable
from heliograph.events.codec import encode
from heliograph.events.event import AnyEvent
from heliograph.journal.bell import Horizon
from heliograph.journal.journal import Journal
from heliograph.journal.positions import Positions
from heliograph.journal.source import Source
from heliograph.journal.state_writer import StateWriter, passing

log = logging.getLogger("heliograph.journal")

RECORDS = 1_000
"""Events that are recorded at once: well under the bound of a journal's queue."""

RECORD_TIMEOUT = 30.0
"""Seconds for which a transaction is held open for the journal, before it is given up and repeated."""

PAUSE = 1.0
"""Seconds before what the machine could not do now is tried again."""

T = TypeVar("T")


@dataclass(slots=True)
class Context:
    """One engine process's surroundings of its loops."""

    journal: Journal
    writer: StateWriter
    clock: Clock
    source: Source
    positions: Positions
    horizon: Horizon = field(default_factory=Horizon)
    head: int = 0  # the journal's head when it was last seen
    on_change: Callable[[], None] = lambda: None  # something was settled that `caught_up` may wait for

    async def record_once(self, events: Sequence[AnyEvent]) -> None:
        """Record events with derived ids, those that are not recorded yet."""
        records = [encode(event) for event in events]
        for first in range(0, len(records), RECORDS):
            await self.journal.append_once(records[first : first + RECORDS])

    def recorder(self) -> Callable[[Sequence[AnyEvent]], None]:
        """`record_once` for the writer's thread, to be called inside a transaction, before it commits."""
        loop = asyncio.get_running_loop()

        def record(events: Sequence[AnyEvent]) -> None:
            future = asyncio.run_coroutine_threadsafe(self.record_once(events), loop)
            try:
                future.result(RECORD_TIMEOUT)
            except TimeoutError as error:
                future.cancel()
                raise Unavailable("the journal did not answer in time") from error

        return record

    async def persist(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        """The result of `do`, repeated until the machine can do it."""
        while True:
            try:
                return await do()
            except Exception as error:
                if not passing(error):
                    raise
                log.warning("%s has to wait: %s", what, error)
            await self.clock.sleep(PAUSE)
