"""How fast a job may go: no faster than what it asked for is sent, and no faster than its rate. Pure.

Dispatch takes messages in the order of the journal. So what a job has asked for and nobody has sent yet stands in front
of an automation's mail; it is bounded by what was sent during the last second or two, whatever the relay's speed.
"""

from __future__ import annotations

from collections import deque

from heliograph.clock import SECOND
from heliograph.outbound.jobs.options import Rate

SMALLEST, LARGEST = 64, 2_000
"""Messages under way at once, of all jobs together: so many at least, for a relay that was never asked; so many at most."""

BURST = SECOND
"""What a rate makes up for at once after a pause, at most, in microseconds of it."""


class Pace:
    """What was settled lately, in seconds of a monotonic clock; and what may be under way, therefore."""

    def __init__(self, span: float = 1.0) -> None:
        """`span`: seconds over which it is measured."""
        self._span = span
        self._settled: deque[tuple[float, int]] = deque()
        self._sum = 0

    def settled(self, count: int, at: float) -> None:
        """So many messages have an outcome."""
        if count:
            self._settled.append((at, count))
            self._sum += count
        self._trim(at)

    def per_second(self, at: float) -> float:
        """How many messages a second have come to an outcome."""
        self._trim(at)
        return self._sum / self._span

    def window(self, at: float) -> int:
        """How many may be under way: twice of what a second settles, so that it grows while the relay keeps up."""
        self._trim(at)
        return max(SMALLEST, min(LARGEST, 2 * self._sum))

    def _trim(self, at: float) -> None:
        while self._settled and self._settled[0][0] < at - self._span:
            self._sum -= self._settled.popleft()[1]


def allowed(rate: Rate, owed: float, now: int) -> int:
    """How many messages a rate lets go now, when the next one was owed at that instant (microseconds)."""
    return 0 if owed > now else int((now - max(owed, now - BURST)) / rate.interval) + 1


def owed_next(rate: Rate, owed: float, now: int, sent: int) -> float:
    """When the next one is owed after so many were let go now."""
    return max(owed, now - BURST) + sent * rate.interval
