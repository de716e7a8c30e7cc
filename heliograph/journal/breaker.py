"""A circuit breaker: whether an act whose receiver fails is given fresh events.

After so many events have failed in a row it opens: fresh events stay where they are, before the act's place in the journal, and
nothing of them is lost or counted. What has failed already goes on by its schedule. From time to time one fresh event
is let through (half open): when it succeeds the breaker closes, else it waits longer. A refusal is an answer, so it
closes the breaker too: the receiver is there.
"""

from __future__ import annotations

from typing import Literal

from heliograph.clock import SECOND
from heliograph.journal.consumer import Delivered, Outcome, Refused, Skipped

State = Literal["closed", "half_open", "open"]

PROBES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each further probe; the last is repeated."""


class Breaker:
    """One act's. `after`: how many events that fail in a row open it, however often each is tried; 0: it never opens."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.state: State = "closed"
        self.probe_at: int | None = None
        self._failing: set[int] = set()
        self._probes = 0

    def admits(self, now: int) -> bool:
        """Whether a fresh event may begin."""
        return self.state == "closed" or (
            self.state == "open" and self.probe_at is not None and now >= self.probe_at
        )

    def begun(self) -> None:
        """A fresh event begins: while the breaker is open it is the probe."""
        if self.state == "open":
            self.state, self.probe_at = "half_open", None

    def note(self, seq: int, outcome: Outcome, now: int) -> None:
        """How an attempt at the event in this place ended; `now` in microseconds."""
        if isinstance(outcome, Delivered | Refused):
            self.state, self.probe_at = "closed", None
            self._failing.clear()
            self._probes = 0
        elif isinstance(outcome, Skipped):
            if self.state == "half_open":  # it asked nobody: the next one is the probe
                self.state, self.probe_at = "open", now
        elif outcome.counts:
            self._failing.add(seq)
            if self.state == "half_open" or (
                self.state == "closed" and self.after and len(self._failing) >= self.after
            ):
                wait = PROBES[min(self._probes, len(PROBES) - 1)]
                self.state, self.probe_at = "open", now + int(wait * SECOND)
                self._probes += 1
