"""Votes as percentages that add up (PER-11)."""

from __future__ import annotations

from collections.abc import Sequence


def percents(counts: Sequence[int]) -> list[int]:
    """Whole percentages that sum to 100, by the largest remainder (Hamilton's method); all 0 without any vote.

    Equal remainders go to the larger count, then to the earlier option; in whole numbers, so no rounding decides.
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    shares = [count * 100 // total for count in counts]
    order = sorted(
        range(len(counts)), key=lambda option: (-(counts[option] * 100 % total), -counts[option], option)
    )
    for option in order[: 100 - sum(shares)]:
        shares[option] += 1
    return shares
