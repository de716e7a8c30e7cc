"""Visits that were answered but could not be recorded, for `/metrics`.

Raised only when the journal is full or down, so a labelled counter costs nothing where it matters.
"""

from __future__ import annotations

from prometheus_client import Counter

LOST = Counter(
    "heliograph_lost_visits", "Opens and clicks that were answered but could not be recorded.", ["kind"]
)

OPENS = LOST.labels("message.opened")
CLICKS = LOST.labels("link.clicked")
