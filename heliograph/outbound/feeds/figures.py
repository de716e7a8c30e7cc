"""Each feed's figures at `/metrics` (docs/operations.md): what became of its attempts, how far it is behind, its breaker."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

from heliograph.clock import SECOND
from heliograph.journal.breaker import State
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry

ATTEMPTS = Counter(
    "heliograph_feed_attempts",
    "Attempts of a feed by outcome: delivered, retried, refused, given_up.",
    ["account", "feed", "outcome"],
)
LAG = Gauge(
    "heliograph_feed_lag_seconds",
    "How long ago the oldest event was recorded that a feed has neither told nor put off.",
    ["account", "feed"],
    multiprocess_mode="livemax",
)
BEHIND = Gauge(
    "heliograph_feed_behind_events",
    "Entries of the journal between a feed's place and the end.",
    ["account", "feed"],
    multiprocess_mode="livemax",
)
WAITING = Gauge(
    "heliograph_feed_waiting_events",
    "Events of a feed that are to be tried again.",
    ["account", "feed"],
    multiprocess_mode="livemax",
)
PARKED = Gauge(
    "heliograph_feed_parked_events",
    "Events of a feed that were given up and are kept.",
    ["account", "feed"],
    multiprocess_mode="livemax",
)
BREAKER = Gauge(
    "heliograph_feed_breaker",
    "A feed's circuit breaker: 0 closed, 1 half open, 2 open.",
    ["account", "feed"],
    multiprocess_mode="livemax",
)

STATES: Mapping[State, int] = {"closed": 0, "half_open": 1, "open": 2}


class Counted:
    """One feed's attempts, its counters looked up once."""

    def __init__(self, account: str, feed: str) -> None:
        self._delivered = ATTEMPTS.labels(account, feed, "delivered")
        self._retried = ATTEMPTS.labels(account, feed, "retried")
        self._refused = ATTEMPTS.labels(account, feed, "refused")
        self._given_up = ATTEMPTS.labels(account, feed, "given_up")

    def ended(self, outcome: Outcome) -> None:
        """An attempt ended so."""
        if isinstance(outcome, Delivered):
            self._delivered.inc()
        elif isinstance(outcome, Refused):
            self._refused.inc()
        elif isinstance(outcome, Retry) and outcome.counts:
            self._retried.inc()

    def given_up(self) -> None:
        """The schedule was used up."""
        self._given_up.inc()


def stand(
    account: str,
    feed: str,
    *,
    behind: int,
    waiting_since: int | None,
    breaker: State,
    waiting: int,
    parked: int,
    now: int,
) -> None:
    """How a feed stands now; instants in microseconds."""
    BEHIND.labels(account, feed).set(behind)
    LAG.labels(account, feed).set(0.0 if waiting_since is None else max(0, now - waiting_since) / SECOND)
    BREAKER.labels(account, feed).set(STATES[breaker])
    WAITING.labels(account, feed).set(waiting)
    PARKED.labels(account, feed).set(parked)
