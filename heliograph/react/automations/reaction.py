"""The rim of automations: events and due timers come in, runs begin, go on and end, messages are wanted.

An anonymous cart begins nothing and leaves no trace (S3: most carts are anonymous); so does what comes too late
(`lateness`). When a wait is over the object and the person are read as they are then: a cart that an order has closed,
or that is no longer worth a mail, is not written about. Runs finish on the version that they began, unless they were
migrated. Every id is derived, so a decision that is repeated after a crash records nothing twice.

What machines do as well as people (opens, clicks, votes, looks at pictures) waits in `held` for its `reader.judged`
and is acted on when that says that a person did it; a later verdict that says otherwise ends the runs it began.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from heliograph.accounts.directory import Directory
from heliograph.clock import SECOND
from heliograph.events.definitions import AutomationSaved
from heliograph.events.engagement import ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.events.messages import (
    MessageCancelled,
    MessageRenderFailed,
    MessageRequested,
    MessageSuppressed,
)
from heliograph.events.people import PersonErased, PersonMerged
from heliograph.journal.consumer import Reaction
from heliograph.journal.state_writer import passing, savepoint
from heliograph.react.automations import caps, held, runs, trace
from heliograph.react.automations.batch import Batch, Saved
from heliograph.react.automations.entering import enter, scalar_id
from heliograph.react.automations.held import Held
from heliograph.react.automations.kinds import HEARD, JUDGED
from heliograph.react.automations.migrating import migrate
from heliograph.react.automations.recipient import unreachable
from heliograph.react.automations.runs import Run, Timer
from heliograph.react.automations.selecting import Matching
from heliograph.react.automations.steps import Send, WaitFor
from heliograph.react.automations.today import obstacle
from heliograph.react.automations.walking import end, go_on
from heliograph.react.state import messages, people
from heliograph.react.state.conditions import values
from heliograph.react.state.reading import happened

log = logging.getLogger("heliograph.automations")

NAME = "automations"

KINDS = HEARD | {PersonErased.kind, ReaderJudged.kind, AutomationSaved.kind}

DUE_LIMIT = 200
"""Timers of one transaction; the rest are due still and come at once."""

FAULT_SCHEDULE = (60, 600, 3600)
"""Seconds before a run that failed by a fault of ours is tried again; after the last it is given up."""

SKEW = 3600 * SECOND
"""By how much a cancelling event's clock may be behind the trigger's. What happened earlier than that, like last
year's orders imported today, is not what a run was waiting for."""

_CAME_TO_NOTHING = (MessageSuppressed, MessageRenderFailed, MessageCancelled)


def reaction(directory: Directory) -> Reaction:
    """The automations, by the accounts' settings as `directory` has them."""
    return Reaction(
        name=NAME,
        kinds=KINDS,
        decide=partial(_decide, directory),
        due=partial(_due, directory),
        next_due=_next_due,
    )


def _decide(
    directory: Directory, connection: Connection, events: Sequence[AnyEvent], now: int
) -> Sequence[AnyEvent]:
    batch = Batch(connection, directory, now)
    for event in events:
        match event.data:
            case PersonErased(person=person):
                _forget(connection, event.account, person)
                batch.open_runs.forget()
            case ReaderJudged() as verdict:
                _judged(batch, event, verdict)
            case AutomationSaved() as saved:
                if saved.migrate:
                    migrate(batch, event, saved)
            case _:
                _take(batch, event)
    return batch.out


def _take(batch: Batch, event: AnyEvent) -> None:
    if isinstance(event.data, PersonMerged):
        runs.merge(batch.connection, event.account, event.data.person, event.data.other)
        caps.merge(batch.connection, event.account, event.data.person, event.data.other)
        batch.open_runs.forget()
    _count(batch, event)
    listening = batch.listening(event)
    if not listening:
        return
    _hear(batch, event, listening)
    if event.kind in JUDGED and _waited_for(batch, event, listening):
        held.hold(batch.connection, event, batch.now)


def _count(batch: Batch, event: AnyEvent) -> None:
    """What others want (jobs, the API) counts for frequency caps too; what came to nothing does not."""
    data = event.data
    limits = caps.caps(batch.policy(event.account).message_caps)
    if not limits:
        return
    if isinstance(data, MessageRequested):
        if data.person and data.automation is None and not (data.transactional or data.is_test):
            group = data.campaign.group or "" if data.campaign else ""
            caps.want(batch.connection, event.account, limits, data.person, event.id, group, event.recorded)
    elif isinstance(data, _CAME_TO_NOTHING):
        caps.drop(batch.connection, data.message)


def _forget(connection: Connection, account: str, person: str) -> None:
    for part in (runs, held, caps):
        part.erase(connection, account, person)


def _hear(batch: Batch, event: AnyEvent, listening: Sequence[Saved], *, by_person: bool = False) -> None:
    """Let everybody act who listens to this event: at once who does not ask who did it, and once that is known
    (`by_person`) who does. First runs end, then they go on, then new ones begin."""
    for saved in listening:
        for cancel in saved.automation.cancel_on:
            if _wants(batch, cancel, event, by_person):
                for run in _found(batch, saved, cancel, event):
                    end(batch, run, f"{event.kind} came", event)
        for goal in saved.automation.goals:
            if _wants(batch, goal, event, by_person):
                for run in _found(batch, saved, goal, event):
                    batch.open_runs.end(run, "reached")
                    batch.out.append(trace.reached(run, event, batch.now))
        _go_on_for(batch, saved, event, by_person)
    for saved in listening:
        trigger = saved.automation.trigger
        if saved.current and trigger.asks(event) is by_person and trigger.selects(event, batch.said):
            enter(batch, saved, event)


def _wants(batch: Batch, matching: Matching, event: AnyEvent, by_person: bool) -> bool:
    selector = matching.selector
    return selector.asks(event) is by_person and selector.selects(event, batch.said)


def _go_on_for(batch: Batch, saved: Saved, event: AnyEvent, by_person: bool) -> None:
    """Runs that wait for this event go on."""
    for place, path, wait in saved.automation.waits:
        if not _wants(batch, wait.matching, event, by_person):
            continue
        for run in _found(batch, saved, wait.matching, event):
            timer = runs.timer(batch.connection, run.id)
            person = people.find(batch.connection, run.account, person=run.person)
            if timer is None or timer.step != place or person is None:
                continue
            batch.out.append(
                trace.noted(run, place, path, "event", batch.now, outcome=event.kind, cause=event)
            )
            go_on(batch, saved, run, wait.on_event, person, batch.now)


def _found(batch: Batch, saved: Saved, matching: Matching, event: AnyEvent) -> list[Run]:
    """The open runs of this version that the event finds. Those about its object first: they may be younger than what it
    tells, for a product or an order has its own clock."""
    account, match, opened = event.account, matching.match, batch.open_runs
    version = saved.automation.name, saved.version
    objects = set[str]()
    if match != "person" and matching.path is not None:
        objects = {scalar_id(value) for value in values(batch.said(event), matching.path)} - {""}
    found: list[Run] = []
    if match in ("any", "object"):
        for one in sorted(objects):
            found += opened.about(account, version, one)
    theirs: Sequence[Run] = ()
    if match in ("any", "person", "both") and (person := batch.whose(event)) is not None:
        theirs = opened.of_person(account, version, person.id)
    elif match == "message" and (message := getattr(event.data, "message", None)):
        sent = messages.find(batch.connection, account, message)
        theirs = opened.of_id(account, version, sent.run) if sent is not None and sent.run else ()
    if match == "both":
        theirs = [run for run in theirs if run.object in objects]
    known = {run.id for run in found}
    found += [run for run in theirs if run.id not in known and happened(event) >= run.began - SKEW]
    return [run for run in found if matching.meant(run.properties, batch.said(event))]


def _waited_for(batch: Batch, event: AnyEvent, listening: Sequence[Saved]) -> bool:
    return any(
        selector.people and selector.selects(event, batch.said)
        for saved in listening
        for selector in saved.automation.listens
    )


def _judged(batch: Batch, event: AnyEvent, verdict: ReaderJudged) -> None:
    """A verdict came, the first or a better one."""
    waiting = held.find(batch.connection, verdict.event)
    if waiting is not None:
        held.judge(batch.connection, verdict.event, by_person=verdict.by_person)
        if verdict.by_person and not waiting.settling:
            _act(batch, waiting)
    if not verdict.by_person:
        for run in runs.begun_by(batch.connection, event.account, verdict.event):
            saved = batch.version_of(run)
            if saved is not None and saved.automation.trigger.people:
                end(batch, run, f"it was no person: {verdict.reason}", event)


def _act(batch: Batch, waiting: Held) -> None:
    _hear(batch, waiting.event, batch.listening(waiting.event), by_person=True)
    held.release(batch.connection, waiting.event.id)


def _due(directory: Directory, connection: Connection, now: int) -> Sequence[AnyEvent]:
    batch = Batch(connection, directory, now)
    for waiting in held.settle(connection, now, DUE_LIMIT):
        if waiting.by_person:
            _settled(batch, waiting)
    for run, timer in runs.due(connection, now, DUE_LIMIT):
        before = len(batch.out)
        try:
            with savepoint(connection):
                _wake(batch, run, timer)
        except Exception as error:
            if passing(error):
                raise
            log.exception("the run %s of %s could not go on", run.id, run.automation)
            del batch.out[before:]
            batch.open_runs.forget()
            _put_off(batch, run, timer)
    return batch.out


def _settled(batch: Batch, waiting: Held) -> None:
    before = len(batch.out)
    try:
        with savepoint(batch.connection):
            _act(batch, waiting)
    except Exception as error:
        if passing(error):
            raise
        log.exception("what follows from %s could not be decided", waiting.event.id)
        del batch.out[before:]
        batch.open_runs.forget()


def _next_due(connection: Connection) -> int | None:
    instants = (runs.next_due(connection), held.next_due(connection))
    return min((instant for instant in instants if instant is not None), default=None)


def _wake(batch: Batch, run: Run, timer: Timer) -> None:
    """A wait is over: the run goes on, unless something is in the way now."""
    saved = batch.version_of(run)
    if saved is None:
        end(batch, run, "the automation is not there any more")
        return
    automation = saved.automation
    if batch.now - timer.due > automation.lateness:
        end(batch, run, "it came too late: the engine stood still at its time")
        return
    person = people.find(batch.connection, run.account, person=run.person)
    if person is None or unreachable(batch.connection, run.account, person, automation.channels):
        end(batch, run, "the person cannot be reached any more")
        return
    reason = obstacle(batch.connection, automation, run, person, batch.now)
    if reason is not None:
        end(batch, run, reason)
        return
    step = automation.steps[timer.step]
    following = timer.step + 1
    if isinstance(step.do, Send):  # it waited for the end of quiet hours
        following = timer.step
    elif isinstance(step.do, WaitFor):
        batch.out.append(trace.noted(run, timer.step, step.path, "timeout", batch.now))
        following = step.do.on_timeout
    go_on(batch, saved, run, following, person, batch.now)


def _put_off(batch: Batch, run: Run, timer: Timer) -> None:
    if timer.failures >= len(FAULT_SCHEDULE):
        end(batch, run, "a fault of ours, see the engine's log")
        return
    due = batch.now + FAULT_SCHEDULE[timer.failures] * SECOND
    runs.wait(batch.connection, timer._replace(due=due, failures=timer.failures + 1))
