"""Counting on the hot path: plain integers that are handed to Prometheus once a second.

A labelled counter of the client library costs more than a pixel's signature; a dictionary does not. With
several processes the library keeps its values in files of one directory, so `/metrics` shows the sum.
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import Counter as PrometheusCounter

REQUESTS = PrometheusCounter(
    "heliograph_requests", "Requests answered, by first path segment and status.", ["route", "status"]
)
BROKEN = PrometheusCounter("heliograph_request_errors", "Requests that failed by a fault of ours.", ["route"])


class Counts:
    """One worker's tally since the last flush."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, int]] = Counter()
        self.broken: Counter[str] = Counter()

    def flush(self) -> None:
        """Hand the tally over and begin anew."""
        answered, self.answered = self.answered, Counter()
        broken, self.broken = self.broken, Counter()
        for (route, status), number in answered.items():
            REQUESTS.labels(route, str(status)).inc(number)
        for route, number in broken.items():
            BROKEN.labels(route).inc(number)
