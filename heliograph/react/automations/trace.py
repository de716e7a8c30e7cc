"""The events of a run: what it wants, and the trace by which an operator sees why a message did or did not come.

All ids are derived: of a start from its trigger, of everything after from the run, so that saying it twice
records it once. Pure.
"""

from __future__ import annotations

from typing import TypeVar

from heliograph.events import codec, subjects
from heliograph.events.definitions import RunCancelled, RunFinished, RunStarted, RunWaiting
from heliograph.events.event import AnyEvent, Data, Event, derived_id
from heliograph.events.messages import Campaign, MessageRequested
from heliograph.react.automations.definition import Send
from heliograph.react.automations.runs import Run, Timer

T = TypeVar("T", bound=Data)


def started(trigger: AnyEvent, data: RunStarted, person: str, now: int) -> Event[RunStarted]:
    """A person entered an automation. The id of this event is the run's."""
    return codec.follow(
        trigger, data, data.automation, person, now=now, subject=subjects.person(person), at=trigger.at
    )


def wanted(
    run: Run, step: int, send: Send, address: str, campaign: Campaign, transactional: bool, now: int
) -> Event[MessageRequested]:
    """A step's message. The template sees the trigger's properties as `event`."""
    request = MessageRequested(
        channel=send.channel,
        address=address,
        template=send.template,
        person=run.person,
        campaign=campaign,
        automation=run.automation,
        run=run.id,
        transactional=transactional,
        context={"event": run.properties, "automation": run.automation},
    )
    return _of(run, request, str(step), now=now)


def waiting(run: Run, timer: Timer, now: int, cause: AnyEvent | None = None) -> Event[RunWaiting]:
    """The run waits; `cause` where an event made it wait anew."""
    data = RunWaiting(
        run=run.id,
        automation=run.automation,
        step=timer.step,
        until=timer.due,
        why="the wait began again" if cause else "",
    )
    if cause is None:
        return _of(run, data, str(timer.step), now=now)
    return codec.follow(cause, data, run.id, now=now, subject=subjects.person(run.person))


def cancelled(run: Run, reason: str, now: int, cause: AnyEvent | None = None) -> Event[RunCancelled]:
    """The run ended before its end, by an event or because it had become pointless."""
    data = RunCancelled(run=run.id, automation=run.automation, by=cause.id if cause else None, reason=reason)
    return _of(run, data, now=now, cause=cause)


def finished(run: Run, now: int) -> Event[RunFinished]:
    """The run came to its end."""
    return _of(run, RunFinished(run=run.id, automation=run.automation), now=now)


def _of(run: Run, data: T, *parts: str, now: int, cause: AnyEvent | None = None) -> Event[T]:
    return codec.make(
        data,
        account=run.account,
        subject=subjects.person(run.person),
        now=now,
        cause=cause.id if cause else run.id,
        id=derived_id(run.id, data.kind, *parts),
    )
