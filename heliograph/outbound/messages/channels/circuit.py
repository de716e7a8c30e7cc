"""Whether a relay is worth asking: it rests for a while after it failed, longer each time, and is then asked once.

Without it every message would find out by itself that a relay is down, at the cost of a time-out each. Pure but for
what it remembers; `now` is monotonic, in seconds.
"""

from __future__ import annotations

import logging

from prometheus_client import Gauge

from heliograph.outbound.messages.channels.channel import Deferred, InDoubt, Result, Unreachable

log = logging.getLogger("heliograph.relays")

FIRST_REST = 5.0
LONGEST_REST = 300.0
"""Seconds for which a relay rests: doubled each time that it fails again."""
ONE_AT_A_TIME = 30.0
"""Seconds that the message which tries a rested relay has, before another one may."""
PATIENCE = 3
"""Messages in a row that a relay may lose half-way before it rests: one that it stumbles over is no outage."""

RESTING = Gauge(
    "heliograph_relay_resting",
    "1 while a relay is not used because it failed.",
    ["relay"],
    multiprocess_mode="livemax",
)


class Circuit:
    """What is known of one relay. `why`: why it rests. `by_operator`: only an operator can mend it."""

    def __init__(self, name: str, *, alone: bool) -> None:
        self.why = ""
        self.by_operator = False
        self._name = name
        self._patience = PATIENCE if alone else 1
        self._lost = 0
        self._failures = 0
        self._until = 0.0
        self._trying = False

    @property
    def rests(self) -> bool:
        """It failed, and has not worked since."""
        return self._failures > 0

    def resting(self, now: float) -> bool:
        """It rests, and is not to be asked yet."""
        return self.rests and now < self._until

    def admits(self, now: float) -> bool:
        """Whether one more message may try it; after a rest one alone, until it is known how that went."""
        if self.resting(now):
            return False
        if self.rests:
            self._until, self._trying = now + ONE_AT_A_TIME, True
        return True

    def note(self, result: Result, now: float) -> None:
        """What became of a message there."""
        match result:
            case Unreachable(reason, by_operator):
                self._stumbled(reason, now, by_operator=by_operator)
            case InDoubt(reason):
                self._stumbled(reason, now)
            case Deferred(response, _, True):
                self.failed(response, now)
            case _:
                self.works()

    def failed(self, why: str, now: float, *, by_operator: bool = False) -> None:
        """It takes nothing just now."""
        if self._trying or not self.resting(now):  # what fails while it rests was begun before
            rest = min(FIRST_REST * 2 ** min(self._failures, 10), LONGEST_REST)
            level = logging.ERROR if by_operator else logging.WARNING
            log.log(level, "relay %s rests for %g seconds: %s", self._name, rest, why)
            self._failures += 1
            self._until, self._trying = now + rest, False
        self.why, self.by_operator, self._lost = why, by_operator, 0
        RESTING.labels(self._name).set(1)

    def works(self) -> None:
        """It does what it should."""
        if self._failures:
            log.info("relay %s works again", self._name)
            RESTING.labels(self._name).set(0)
        self._failures = self._lost = 0
        self._trying = False
        self.why, self.by_operator = "", False

    def _stumbled(self, why: str, now: float, *, by_operator: bool = False) -> None:
        self._lost += 1
        if by_operator or self.rests or self._lost >= self._patience:
            self.failed(why, now, by_operator=by_operator)
