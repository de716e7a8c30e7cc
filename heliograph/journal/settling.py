"""What follows from the outcome of an attempt: nothing, another attempt later, or parking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.events.event import AnyEvent
from heliograph.journal import parked
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Retry, Skipped
from heliograph.journal.context import Context, log
from heliograph.journal.isolating import last_line, plain
from heliograph.journal.parked import Case, Parked, Waiting

MOST_AFTER = 86_400.0
"""Seconds: the longest wait that the world may ask for."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt at a case. `event` is None where it is still to be read from the journal."""

    case: Case
    event: AnyEvent | None
    number: int  # which attempt this is, from 1
    spared: int  # how many before it the schedule does not count
    has_row: bool  # the case has a row of its own
    ended: bool = False  # its outcome is known, and being written
    task: asyncio.Task[None] | None = None


class Done(NamedTuple):
    """There is nothing left to do."""


class Again(NamedTuple):
    """Another attempt after so many seconds."""

    seconds: float
    why: str


class GiveUp(NamedTuple):
    """Park it. `exhausted`: the schedule is used up, which the act wants to be told."""

    why: str
    exhausted: bool


def verdict(outcome: Outcome, schedule: Sequence[float], attempts: int) -> Done | Again | GiveUp:
    """What follows from the outcome of attempt number `attempts` of this schedule."""
    match outcome:
        case Delivered() | Skipped():
            return Done()
        case Refused(why):
            return GiveUp(plain(why), exhausted=False)
        case Retry(why, after, _):
            if attempts > len(schedule):
                return GiveUp(plain(why), exhausted=True)
            wait = schedule[attempts - 1] if after is None else min(max(after, 0.0), MOST_AFTER)
            return Again(wait, plain(why))
        case _:
            assert_never(outcome)


async def perform(act: Act, event: AnyEvent, number: int) -> Outcome:
    """The act's outcome. What it raises is a bug of ours, and a reason to try again by the schedule."""
    try:
        outcome: object = await act.perform(event, number)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Retry("the attempt was cancelled from within")
    except Exception as error:
        log.exception("the act %s failed at event %s", act.name, event.id)
        return Retry(last_line(error))
    if isinstance(outcome, Delivered | Retry | Refused | Skipped):
        if isinstance(outcome, Delivered) and outcome.detail:
            log.debug("%s delivered event %s: %s", act.name, event.id, outcome.detail)
        return outcome
    return Retry(f"the act answered {outcome!r}, which is no outcome")


async def settle(context: Context, act: Act, attempt: Attempt, outcome: Outcome) -> int | None:
    """Write what follows. Returns the instant of the next attempt, if there will be one."""
    attempt.ended = True
    case, number, spared = attempt.case, attempt.number, attempt.spared
    match verdict(outcome, act.schedule, number - spared):
        case Done():
            if attempt.has_row:
                await _write(context, lambda connection: parked.settle(connection, case.who, case.seq))
            return None
        case Again(seconds, why):
            due = context.clock.now() + int(seconds * SECOND)
            uncounted = isinstance(outcome, Retry) and not outcome.counts
            waiting = Waiting(case, number, spared + uncounted, due, why)
            await _write(context, lambda connection: parked.put_off(connection, waiting))
            return due
        case GiveUp(why, exhausted):
            if exhausted and attempt.event is not None and act.gave_up is not None:
                await _tell(context, act.name, act.gave_up, attempt.event, why, number)
            given_up = Parked(case, number, why, context.clock.now())
            await _write(context, lambda connection: parked.park(connection, given_up))
            log.error("%s gave up event %s after %d attempts: %s", act.name, case.event, number, why)
            return None


async def _write(context: Context, function: Callable[[Connection], None]) -> None:
    await context.persist("an outcome", lambda: context.writer.run(function))


async def _tell(
    context: Context,
    name: str,
    gave_up: Callable[[AnyEvent, str, int], Sequence[AnyEvent]],
    event: AnyEvent,
    why: str,
    number: int,
) -> None:
    """Let the act say what its giving up means, once, and record that; a bug there does not undo the parking."""
    try:
        events = gave_up(event, why, number)
        await context.persist("what was given up", lambda: context.record_once(events))
    except Exception:
        log.exception("the act %s could not say that it gave up event %s", name, event.id)
