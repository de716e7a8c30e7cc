"""Split tests: who gets which template, and which of them has won. Pure.

The same person gets the same template of the same job, whatever address they are listed under and however often it is
asked; shares are of people, so they are met as closely as chance allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from heliograph.outbound.jobs.options import Split
from heliograph.react.state.jobs import Figures


def template_for(split: Split, job: str, who: str) -> str | None:
    """The template for this person or address; None for those who wait for the winner."""
    digest = blake2b(f"{job}\0{who}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = int.from_bytes(digest) / 2**64 * 100
    for variant in split.variants:
        place -= variant.share
        if place < 0:
            return variant.template
    return None


def winner(split: Split, figures: Mapping[str, Figures]) -> str:
    """The template with most opens or clicks for each message that was sent; of equals the first."""

    def score(template: str) -> float:
        found = figures.get(template)
        if found is None or not found.messages:
            return 0.0
        return (found.clicks if split.by == "clicks" else found.opens) / found.messages

    return max((variant.template for variant in split.variants), key=score)
