"""Whether an event begins a run: a decision with its reason, so that "why did this person not get it" is answered by
the very code that decides (`why`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from heliograph.events.definitions import RunStarted
from heliograph.events.event import AnyEvent
from heliograph.events.people import text_id
from heliograph.react.automations import chains, runs, trace
from heliograph.react.automations.batch import Batch, Saved
from heliograph.react.automations.definition import Automation
from heliograph.react.automations.plan import postponed, too_late
from heliograph.react.automations.recipient import imported, unreachable
from heliograph.react.automations.runs import Run
from heliograph.react.automations.steps import Wait
from heliograph.react.automations.walking import go_on
from heliograph.react.state.conditions import failing, first
from heliograph.react.state.facts import Facts
from heliograph.react.state.people import Person
from heliograph.react.state.reading import happened


class Enters(NamedTuple):
    """A run begins: of whom, about what, under which key, and through which automations it came."""

    person: Person
    object: str
    key: str
    chain: list[str]


class Again(NamedTuple):
    """The run of this key is under way, and this is its trigger once more."""

    run: Run


class Stays(NamedTuple):
    """No run begins, and why."""

    why: str


Decision = Enters | Again | Stays


def decide(batch: Batch, saved: Saved, event: AnyEvent) -> Decision:
    """What becomes of an event that the trigger selects. Changes nothing."""
    automation, connection = saved.automation, batch.connection
    person = batch.whose(event)
    if person is None:
        return Stays("nobody is known by what the event names")
    reason = unreachable(connection, event.account, person, automation.channels)
    if reason is not None:
        return Stays(reason)
    if too_late(automation, happened(event), batch.now):
        return Stays("it happened too long ago: later than `lateness` allows")
    about = scalar_id(first(batch.said(event), automation.object)) if automation.object else ""
    if automation.once == "object" and not about:
        # Without its id two changes of one cart would be two carts.
        return Stays(f"the event does not name its object: {automation.object} is not there")
    key = key_of(automation, about, event, batch.said(event))
    earlier = runs.latest(connection, event.account, automation.name, person.id, key)
    if earlier is not None and earlier.state == "open":
        return Again(earlier)
    if earlier is not None and _suffices(automation, earlier, event):
        return Stays(f"the run {earlier.id} was enough for once: {automation.once}")
    if automation.who:
        fails = failing(automation.who, Facts(connection, event.account, person, batch.now))
        if fails is not None:
            return Stays(f"trigger.who: {fails}")
    chain = chains.chain(connection, event)
    if automation.name in chain:
        return Stays("the automation led to this event itself")
    return Enters(person, about, key, chain)


def enter(batch: Batch, saved: Saved, event: AnyEvent) -> None:
    """Begin a run, or the wait of the one under way, where the event has it so."""
    if imported(event):
        return
    match decide(batch, saved, event):
        case Enters() as enters:
            _begin(batch, saved, event, enters)
        case Again(run) if saved.automation.restart_on_trigger:
            _begin_wait_again(batch, run, event)
        case _:
            pass


def _begin(batch: Batch, saved: Saved, event: AnyEvent, enters: Enters) -> None:
    name, person = saved.automation.name, enters.person
    data = RunStarted(automation=name, version=saved.version, person=person.id, object=enters.object)
    start = trace.started(event, data, person.id, batch.now)
    run = Run(
        id=start.id,
        account=event.account,
        automation=name,
        version=saved.version,
        person=person.id,
        object=enters.object,
        key=enters.key,
        state="open",
        sent=0,
        began=happened(event),
        chain=[*enters.chain, name],
        properties=batch.said(event),
        trigger=event.id,
    )
    batch.open_runs.begin(run)
    batch.out.append(start)
    go_on(batch, saved, run, 0, person, happened(event), first=True)


def _begin_wait_again(batch: Batch, run: Run, event: AnyEvent) -> None:
    """An abandonment counts from the last change."""
    batch.open_runs.retell(run, batch.said(event))
    saved, timer = batch.version_of(run), runs.timer(batch.connection, run.id)
    if saved is None or timer is None:
        return
    step = saved.automation.steps[timer.step]
    if not isinstance(step.do, Wait):
        return
    due = postponed(timer.due, happened(event), step.do.microseconds)
    if due == timer.due:
        return
    timer = timer._replace(due=due)
    runs.wait(batch.connection, timer)
    batch.out.append(trace.waiting(run, timer, step.path, batch.now, cause=event))


def _suffices(automation: Automation, earlier: Run, event: AnyEvent) -> bool:
    """Whether a run that has ended is enough of this key, for good or for now."""
    if not earlier.sent and earlier.state == "cancelled":
        return False
    return automation.again_after is None or happened(event) < earlier.began + automation.again_after


def key_of(automation: Automation, about: str, event: AnyEvent, said: Mapping[str, Any]) -> str:
    """What there is one run at a time of, beside the person."""
    if automation.once == "person":
        return ""
    if automation.once == "object":
        part = scalar_id(first(said, automation.part)) if automation.part else ""
        return f"object:{about}/{part}" if part else f"object:{about}"
    return f"event:{event.id}"


def scalar_id(value: Any) -> str:
    """An id as text; empty where it is none."""
    return (text_id(value) or "") if isinstance(value, str | int | float) else ""
