"""Decisions about times and ways. Pure."""

from __future__ import annotations

import hashlib

from heliograph.react.automations.definition import Automation
from heliograph.react.automations.steps import Split


def too_late(automation: Automation, at: int, now: int) -> bool:
    """Whether what happened at `at` is so long ago that whatever comes of a run would be too late to make sense."""
    return now - at - automation.longest > automation.lateness


def postponed(due: int, at: int, microseconds: int) -> int:
    """When a wait ends that begins again at `at`; what happened earlier but came later shortens nothing."""
    return max(due, at + microseconds)


def arm_of(split: Split, person: str, *names: str) -> tuple[str, int]:
    """The arm that is this person's, by name and place: always the same, and each split's shares are its own."""
    seed = "\0".join((person, *names)).encode()
    point = int.from_bytes(hashlib.blake2b(seed, digest_size=8).digest(), "big") / 2**64
    point *= sum(share for _, share, _ in split.arms)
    for name, share, place in split.arms:
        point -= share
        if point < 0:
            return name, place
    name, _, place = split.arms[-1]  # the last bit of a float
    return name, place
