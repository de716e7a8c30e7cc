"""What wakes a loop: something moved, or an instant came. And the horizon that wakes them all.

A loop does everything it can, then waits for its bell; ringing twice is ringing once. Due times are instants
of the wall clock, which may be set back or forward, so a bell sleeps towards its instant in short slices of
monotonic time and looks at the clock after each: it rings when the clock says so, never because it slept.
"""

from __future__ import annotations

import asyncio

from heliograph.clock import SECOND, Clock

SLICE = 5.0
"""Seconds: how late at most a timer fires when the machine's clock is set forward over its instant."""


class Bell:
    """One loop's bell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()
        self._due: int | None = None
        self._sleeper: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Wake the loop, or let it not fall asleep."""
        self._rung.set()

    def clear(self) -> None:
        """What rang so far is being seen to."""
        self._rung.clear()

    async def wait(self) -> None:
        """Return when it has rung since it was cleared."""
        await self._rung.wait()

    def at(self, due: int | None) -> None:
        """Ring at this instant (microseconds), and no more at the one that was set before; None: at none."""
        if due == self._due:
            return
        self._due = due
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._sleeper = None if due is None else asyncio.get_running_loop().create_task(self._sleep(due))

    def close(self) -> None:
        """Ring at no instant any more."""
        self.at(None)

    async def _sleep(self, due: int) -> None:
        while (left := due - self._clock.now()) > 0:
            await self._clock.sleep(min(left / SECOND, SLICE))
        self._due = self._sleeper = None
        self._rung.set()


class Horizon:
    """Up to which event all folds have remembered: reactions and acts are given nothing beyond it."""

    def __init__(self) -> None:
        self.seq = 0
        self._bells: set[Bell] = set()

    def watch(self, bell: Bell) -> None:
        """Ring this bell whenever the horizon moves."""
        self._bells.add(bell)

    def unwatch(self, bell: Bell) -> None:
        """Ring it no more."""
        self._bells.discard(bell)

    def move(self, seq: int) -> None:
        """The horizon is here now; it goes back when a fold starts over."""
        if seq == self.seq:
            return
        self.seq = seq
        for bell in self._bells:
            bell.ring()
