"""The events of a run: what it wants, and the trace by which an operator sees why a message did or did not come.

All ids are derived: of a start from its trigger, of everything after from the run, so that saying it twice
records it once. Pure.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from heliograph.events import codec, subjects
from heliograph.events.definitions import (
    RunCancelled,
    RunFinished,
    RunNoted,
    RunReached,
    RunStarted,
    RunWaiting,
    WebhookRequested,
)
from heliograph.events.event import AnyEvent, Data, Event, Said, derived_id
from heliograph.events.messages import Campaign, MessageRequested
from heliograph.events.people import Customer, PersonUpdated
from heliograph.react.automations.batch import Saved
from heliograph.react.automations.runs import Run, Timer
from heliograph.react.automations.steps import Send, Update
from heliograph.react.state.people import Person
from heliograph.react.state.zones import Zone

T = TypeVar("T", bound=Data)


def started(trigger: AnyEvent, data: RunStarted, person: str, now: int) -> Event[RunStarted]:
    """A person entered an automation. The id of this event is the run's."""
    return codec.follow(
        trigger, data, data.automation, person, now=now, subject=subjects.person(person), at=trigger.at
    )


def wanted(run: Run, step: int, send: Send, address: str, saved: Saved, now: int) -> Event[MessageRequested]:
    """A step's message. The template sees the trigger's properties as `event`."""
    automation = saved.automation
    request = MessageRequested(
        channel=send.channel,
        address=address,
        template=send.template,
        person=run.person,
        campaign=Campaign(id=saved.id, name=automation.name, group=automation.group),
        automation=run.automation,
        run=run.id,
        topic=send.topic or automation.topic,
        transactional=automation.transactional,
        url_append=automation.url_append if send.url_append is None else send.url_append,
        attachments=send.attachments,
        context={"event": run.properties, "automation": run.automation},
    )
    parts = (str(step), address) if send.channel == "push" else (str(step),)
    return _of(run, request, *parts, now=now)


def message_id(run: Run, step: int) -> str:
    """What a step's message is counted under: its id, or for an app's devices the one that they share."""
    return derived_id(run.id, MessageRequested.kind, str(step))


def waiting(
    run: Run,
    timer: Timer,
    path: str,
    now: int,
    *,
    why: str = "",
    zone: Zone | None = None,
    cause: AnyEvent | None = None,
) -> Event[RunWaiting]:
    """The run waits; `cause` where an event made it wait anew, `zone` where a clock on somebody's wall decides."""
    data = RunWaiting(
        run=run.id,
        automation=run.automation,
        step=timer.step,
        until=timer.due,
        why="the wait began again" if cause else why,
        path=path,
        zone=zone.name if zone else "",
        zone_source=zone.source if zone else "",
    )
    if cause is None:
        again = (str(timer.due),) if why else ()  # a message may have to wait more than once
        return _of(run, data, str(timer.step), *again, now=now)
    return codec.follow(cause, data, run.id, now=now, subject=subjects.person(run.person))


def noted(
    run: Run,
    step: int,
    path: str,
    what: str,
    now: int,
    *,
    outcome: str = "",
    why: str = "",
    cause: AnyEvent | None = None,
) -> Event[RunNoted]:
    """Something was decided on the way."""
    data = RunNoted(
        run=run.id, automation=run.automation, step=step, path=path, what=what, outcome=outcome, why=why
    )
    return _of(run, data, str(run.version), str(step), what, now=now, cause=cause)


def updated(run: Run, step: int, update: Update, person: Person, now: int) -> AnyEvent:
    """What is known of the person changes: told as a shop tells it, and by whom."""
    tags = [tag for tag in person.tags if tag not in update.remove_tags]
    customer = Customer(
        id=person.customer_id,
        email=person.email,
        sms_phone_number_e164=person.phone,
        tags=list(dict.fromkeys((*tags, *update.add_tags))),
    )
    said = Said(platform="automation", source=run.automation)
    event = _of(run, PersonUpdated(person=customer, said=said), str(step), now=now)
    if not update.fields:
        return event
    whole = msgspec.to_builtins(event.data)
    whole["person"].update(update.fields)
    return codec.decode(codec.encode(event)._replace(data=msgspec.json.encode(whole)))


def called(run: Run, step: int, url: str, now: int) -> Event[WebhookRequested]:
    """A URL is to be called."""
    data = WebhookRequested(
        run=run.id,
        automation=run.automation,
        step=step,
        url=url,
        person=run.person,
        object=run.object,
        event=run.properties,
    )
    return _of(run, data, str(step), now=now)


def reached(run: Run, by: AnyEvent, now: int) -> Event[RunReached]:
    """The run ended because its goal was reached."""
    data = RunReached(run=run.id, automation=run.automation, goal=by.kind, by=by.id)
    return _of(run, data, now=now, cause=by)


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
