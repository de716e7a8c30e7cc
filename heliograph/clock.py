"""Time, passed in. Nobody else asks the operating system what time it is.

Instants are whole microseconds since 1970-01-01 UTC (`int`), durations are seconds (`float`).
`SystemClock` is the real one; `ManualClock` is turned by hand, so that a two-hour retry schedule
is tested in milliseconds.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime
from typing import Annotated, Protocol

from msgspec import Meta

SECOND = 1_000_000  # microseconds

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""An instant as `iso` writes it, where programs read it."""


class Clock(Protocol):
    """What every part that needs time is given."""

    def now(self) -> int:
        """The instant now, in microseconds since the epoch, UTC. May jump when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back: for measuring and for waiting."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until `advance` is called; sleepers wake in the order of their due time."""

    def __init__(self, start: int = 1_700_000_000 * SECOND) -> None:
        self._now = start
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._now / SECOND

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now + int(seconds * SECOND), self._count, future))
        await future

    @property
    def sleeping(self) -> int:
        """How many sleep."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move time on, waking each sleeper at its own due time and letting it run."""
        target = self._now + int(seconds * SECOND)
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await self.settle()
        self._now = max(self._now, target)
        await self.settle()

    @staticmethod
    async def settle(rounds: int = 20) -> None:
        """Let everything that is ready run."""
        for _ in range(rounds):
            await asyncio.sleep(0)


def to_datetime(instant: int) -> datetime:
    """An instant in microseconds as an aware UTC datetime."""
    return datetime.fromtimestamp(instant // SECOND, UTC).replace(microsecond=instant % SECOND)


def from_datetime(value: datetime) -> int:
    """An aware datetime as microseconds since the epoch."""
    if value.tzinfo is None:
        raise ValueError("a datetime without a zone is no instant")
    whole = value.replace(microsecond=0)
    return int(whole.timestamp()) * SECOND + value.microsecond


def iso(instant: int) -> str:
    """RFC 3339, UTC, microseconds: `2026-01-31T12:00:00.000000Z`."""
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
