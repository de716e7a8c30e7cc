"""What came of a vote: counts and percentages (PER-10, PER-11). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliograph.outbound.images.polls import percents
from heliograph.react.state.images import Tally


def votes(options: int, tallies: Mapping[int, Tally]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report's attributes, every option in them, and as `meta` how often each link was followed by anybody:
    machines, and people who changed their minds, too."""
    places = range(1, options + 1)
    counts = [tallies.get(place, Tally()).votes for place in places]
    attributes: dict[str, Any] = {"totalClicks": sum(counts)}
    for place, count, percent in zip(places, counts, percents(counts), strict=True):
        attributes[f"option_{place}"] = {"clickCount": count, "clickPercent": percent}
    followed = {f"option_{place}": tallies.get(place, Tally()).clicks for place in places}
    return attributes, {"recordedClicks": {"total": sum(followed.values()), **followed}}
