"""A run goes on: step after step, up to one that waits, or the end. Each step wants something, notes it, or both.

What a step decides is recorded with ids made of the run and the step, so that a decision that is repeated after a
crash wants nothing twice. A person goes through each step of a run at most once: steps lead forward only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from heliograph.events.event import AnyEvent
from heliograph.react.automations import caps, runs, trace
from heliograph.react.automations.batch import Batch, Saved
from heliograph.react.automations.durations import coming
from heliograph.react.automations.plan import arm_of
from heliograph.react.automations.quiet import of_policy, quiet_until
from heliograph.react.automations.recipient import addresses
from heliograph.react.automations.runs import Run, Timer
from heliograph.react.automations.steps import (
    Branch,
    Call,
    End,
    Jump,
    Send,
    Split,
    Update,
    Wait,
    WaitFor,
    WaitUntil,
)
from heliograph.react.automations.today import facts
from heliograph.react.state.conditions import failing
from heliograph.react.state.people import Person
from heliograph.react.state.zones import Zone, zone_of


@dataclass(slots=True)
class Walk:
    """A run on its way. `since`: the instant (microseconds) from which the next wait counts; `first`: it never waited."""

    batch: Batch
    saved: Saved
    run: Run
    person: Person
    since: int
    first: bool = False
    place: int = 0

    def zone(self, named: str | None = None) -> Zone:
        """By whose clock, and how we know it."""
        if named is not None:
            return Zone(named, "the step")
        usual = self.batch.policy(self.run.account).time_zone
        return zone_of(self.batch.connection, self.run.account, self.person, usual)

    def note(self, what: str, *, outcome: str = "", why: str = "") -> None:
        """Put a decision on record."""
        self.batch.out.append(
            trace.noted(self.run, self.place, self.path, what, self.batch.now, outcome=outcome, why=why)
        )

    def wait(self, due: int, *, why: str = "", zone: Zone | None = None) -> None:
        """The run stands in this step until then."""
        timer = Timer(self.run.id, self.place, due)
        runs.wait(self.batch.connection, timer, first=self.first)
        self.batch.out.append(trace.waiting(self.run, timer, self.path, self.batch.now, why=why, zone=zone))

    @property
    def path(self) -> str:
        """Where the step is written."""
        return self.saved.automation.steps[self.place].path


def go_on(
    batch: Batch, saved: Saved, run: Run, step: int, person: Person, since: int, *, first: bool = False
) -> None:
    """Take the steps from this one on; `first` where the run has just begun."""
    walk, steps = Walk(batch, saved, run, person, since, first), saved.automation.steps
    following: int | None = step
    while following is not None and following < len(steps):
        walk.place = following
        do = steps[following].do
        following = _TAKE[type(do)](walk, do)
    if following is not None:
        finish(batch, run)


def finish(batch: Batch, run: Run) -> None:
    """The run came to its end."""
    batch.open_runs.end(run, "finished")
    batch.out.append(trace.finished(run, batch.now))


def end(batch: Batch, run: Run, reason: str, by: AnyEvent | None = None) -> None:
    """The run ends before its end."""
    batch.open_runs.end(run, "cancelled")
    batch.out.append(trace.cancelled(run, reason, batch.now, by))


def _wait(walk: Walk, do: Wait) -> None:
    walk.wait(walk.since + do.microseconds)


def _wait_until(walk: Walk, do: WaitUntil) -> None:
    zone = walk.zone(do.zone)
    walk.wait(coming(do.moment, walk.since, zone.rules), zone=zone)


def _wait_for(walk: Walk, do: WaitFor) -> None:
    walk.wait(walk.since + do.microseconds, why=f"for {' or '.join(do.matching.selector.kinds)}")


def _send(walk: Walk, do: Send) -> int | None:
    batch, run, automation = walk.batch, walk.run, walk.saved.automation
    places = addresses(batch.connection, run.account, walk.person, do.channel)
    if not places:
        walk.note("skipped", why=f"no address for {do.channel} is known")
        return walk.place + 1
    if _is_quiet(walk):
        return None
    capped = None if automation.transactional else _capped(walk)
    if capped is not None:
        walk.note("skipped", why=capped)
        return walk.place + 1
    for address in places:
        batch.out.append(trace.wanted(run, walk.place, do, address, walk.saved, batch.now))
    runs.count_sent(batch.connection, run.id, len(places))
    return walk.place + 1


def _is_quiet(walk: Walk) -> bool:
    """Whether the message has to wait: then the run stands in this step until the quiet is over."""
    automation, batch = walk.saved.automation, walk.batch
    spans = automation.quiet
    if spans is None:
        spans = () if automation.transactional else of_policy(batch.policy(walk.run.account).quiet_hours)
    if not spans:
        return False
    zone = walk.zone()
    until = quiet_until(spans, batch.now, zone.rules)
    if until is not None:
        walk.wait(until, why="quiet hours", zone=zone)
    return until is not None


def _capped(walk: Walk) -> str | None:
    """Why the person gets no more for now; where they do, the message is counted, on however many devices."""
    batch, run, group = walk.batch, walk.run, walk.saved.automation.group or ""
    limits = caps.caps(batch.policy(run.account).message_caps)
    if not limits:
        return None
    reason = caps.exceeded(batch.connection, run.account, limits, run.person, group, batch.now)
    if reason is None:
        message = trace.message_id(run, walk.place)
        caps.want(batch.connection, run.account, limits, run.person, message, group, batch.now)
    return reason


def _branch(walk: Walk, do: Branch) -> int:
    known = facts(walk.batch.connection, walk.saved.automation, walk.run, walk.person, walk.batch.now)
    fails = failing(do.conditions, known)
    walk.note("branch", outcome="then" if fails is None else "else", why=fails or "")
    return walk.place + 1 if fails is None else do.otherwise


def _split(walk: Walk, do: Split) -> int:
    name, place = arm_of(do, walk.run.person, walk.run.automation, walk.path)
    walk.note("split", outcome=name)
    return place


def _update(walk: Walk, do: Update) -> int:
    if not (walk.person.email or walk.person.customer_id or walk.person.phone):
        walk.note("skipped", why="the person has no address, number or phone")
        return walk.place + 1
    walk.batch.out.append(trace.updated(walk.run, walk.place, do, walk.person, walk.batch.now))
    walk.note("updated")
    return walk.place + 1


def _call(walk: Walk, do: Call) -> int:
    walk.batch.out.append(trace.called(walk.run, walk.place, do.url, walk.batch.now))
    return walk.place + 1


def _jump(walk: Walk, do: Jump) -> int:
    return do.to


def _end(walk: Walk, do: End) -> int:
    if do.why:
        walk.note("end", why=do.why)
    return len(walk.saved.automation.steps)


_TAKE: dict[type, Callable[[Walk, Any], int | None]] = {
    Wait: _wait,
    WaitUntil: _wait_until,
    WaitFor: _wait_for,
    Send: _send,
    Branch: _branch,
    Split: _split,
    Update: _update,
    Call: _call,
    Jump: _jump,
    End: _end,
}
"""Each takes its step and says where it goes on; None: the run waits."""
