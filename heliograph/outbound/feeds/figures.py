"""Each feed's figures at `/metrics` (docs/operations.md): what became of its attempts, how far it is behind, its breaker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge

from heliograph.clock import SECOND
from heliograph.journal.breaker import State
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry

ATTEMPTS = PrometheusCounter(
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


class Attempts:
    """What became of attempts since they were last shown; one per process that delivers. Plain integers, since a counter that
    processes share asks the system at each step who it is."""

    def __init__(self) -> None:
        self._ended: Counter[tuple[str, str, str]] = Counter()

    def ended(self, account: str, feed: str, outcome: Outcome) -> None:
        """An attempt ended so."""
        if isinstance(outcome, Delivered):
            self._ended[account, feed, "delivered"] += 1
        elif isinstance(outcome, Refused):
            self._ended[account, feed, "refused"] += 1
        elif isinstance(outcome, Retry) and outcome.counts:
            self._ended[account, feed, "retried"] += 1

    def given_up(self, account: str, feed: str) -> None:
        """The schedule was used up."""
        self._ended[account, feed, "given_up"] += 1

    def show(self) -> None:
        """Hand them over to Prometheus and begin anew."""
        ended, self._ended = self._ended, Counter()
        for of, number in ended.items():
            ATTEMPTS.labels(*of).inc(number)


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
