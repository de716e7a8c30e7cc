"""What was answered but could not be recorded, for `/metrics`: pixels, pictures and redirects are owed all the same.

Raised only when the journal is full or down, so a labelled counter costs nothing where it matters.
"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from heliograph.errors import Unavailable

log = logging.getLogger("heliograph.web")

LOST = Counter(
    "heliograph_lost_visits",
    "Opens, clicks, votes and looks that were answered but could not be recorded.",
    ["kind"],
)


def lost(kind: str, error: Exception) -> None:
    """Count one event of this kind; what is a fault of ours is logged too."""
    LOST.labels(kind).inc()
    if not isinstance(error, Unavailable | TimeoutError):
        log.error("a visit could not be recorded", exc_info=error)
