"""How far behind each consumer is, for `/metrics`: said by whichever process feeds it."""

from __future__ import annotations

from prometheus_client import Gauge

from heliograph.journal.loops import Loops

LAG = Gauge(
    "heliograph_lag_events",
    "Entries of the journal that a consumer has not handled yet.",
    ["kind", "consumer"],
    multiprocess_mode="livemax",
)


def say(loops: Loops) -> None:
    """Say it as it is now."""
    for who, behind in loops.lag().items():
        LAG.labels(who.consumer, who.name).set(behind)
