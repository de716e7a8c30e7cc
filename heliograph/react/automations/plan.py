"""What a run does next. Pure: from a step on, the messages that are wanted now, and the wait after them."""

from __future__ import annotations

from typing import NamedTuple

from heliograph.react.automations.definition import Automation, Send, Step, Wait


class Plan(NamedTuple):
    """`sends`: step and message, wanted at once. `wait`: the step that waits and its microseconds; None: the
    run is finished."""

    sends: tuple[tuple[int, Send], ...]
    wait: tuple[int, int] | None


def plan(steps: tuple[Step, ...], start: int) -> Plan:
    """From step `start` up to the next wait, or the end."""
    sends: list[tuple[int, Send]] = []
    for index, step in enumerate(steps[start:], start):
        if isinstance(step, Wait):
            return Plan(tuple(sends), (index, step.microseconds))
        sends.append((index, step))
    return Plan(tuple(sends), None)


def too_late(automation: Automation, at: int, now: int) -> bool:
    """Whether a run triggered by what happened at `at` would want its first message too late to make sense."""
    due = at
    for step in automation.steps:
        if isinstance(step, Send):
            break
        due += step.microseconds
    return now - due > automation.lateness


def postponed(due: int, at: int, microseconds: int) -> int:
    """When a wait ends that begins again at `at`; what happened earlier but came later shortens nothing."""
    return max(due, at + microseconds)
