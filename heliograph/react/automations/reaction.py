"""The rim of automations: events and due timers come in, runs begin, go on and end, messages are wanted.

An anonymous cart begins nothing and leaves no trace (S3: most carts are anonymous); so does what comes too late
(`lateness`). When a wait is over the definition is read as it is then, and so is the object: a cart that an order
has closed, or that is no longer worth a mail, is not written about. Every id is derived, so a decision that is
repeated after a crash records nothing twice.

What machines do as well as people (opens, clicks, votes, looks at pictures) waits in `held` for its `reader.judged`
and is acted on when that says that a person did it; a later verdict that says otherwise ends the runs it began.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.errors import BadRequest
from heliograph.events import codec
from heliograph.events.custom import Custom
from heliograph.events.definitions import RunStarted
from heliograph.events.engagement import ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.events.messages import Campaign
from heliograph.events.people import PersonErased, PersonMerged, text_id
from heliograph.journal.consumer import Reaction
from heliograph.journal.state_writer import passing, savepoint
from heliograph.react.automations import chains, held, runs, trace
from heliograph.react.automations.conditions import first, matches
from heliograph.react.automations.definition import Automation, Cancel, Selector, Wait, parse
from heliograph.react.automations.held import Held
from heliograph.react.automations.kinds import JUDGED, TRIGGERS
from heliograph.react.automations.plan import plan, postponed, too_late
from heliograph.react.automations.recipient import imported, reachable, whose
from heliograph.react.automations.runs import Run, Timer
from heliograph.react.automations.today import obstacle
from heliograph.react.state import definitions, people
from heliograph.react.state.reading import happened

log = logging.getLogger("heliograph.automations")

DUE_LIMIT = 200
"""Timers of one transaction; the rest are due still and come at once."""

FAULT_SCHEDULE = (60, 600, 3600)
"""Seconds before a run that failed by a fault of ours is tried again; after the last it is given up."""

SKEW = 3600 * SECOND
"""By how much a cancelling event's clock may be behind the trigger's. What happened earlier than that, like last
year's orders imported today, is not what a run was waiting for."""


class _Saved(NamedTuple):
    """An automation as it was saved, and as it was read."""

    id: int
    version: int
    automation: Automation


class _Batch:
    """One transaction's view: definitions are read once, events are collected."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection, self.now = connection, now
        self.out: list[AnyEvent] = []
        self._saved: dict[str, dict[str, _Saved]] = {}
        self._said: tuple[str, dict[str, Any]] = ("", {})
        self._whose: tuple[str, people.Person | None] = ("", None)

    def saved(self, account: str) -> dict[str, _Saved]:
        """The account's automations by name; those that cannot be read are left out."""
        if account not in self._saved:
            self._saved[account] = {
                row.name: _Saved(row.id, row.version, automation)
                for row in definitions.automations(self.connection, account)
                if (automation := _read(msgspec.json.encode(row.definition))) is not None
            }
        return self._saved[account]

    def said(self, event: AnyEvent) -> dict[str, Any]:
        """What the sender said; decoded once for all automations that ask in a row."""
        if self._said[0] != event.id:
            self._said = event.id, codec.properties(event)
        return self._said[1]

    def whose(self, event: AnyEvent) -> people.Person | None:
        """The event's person, found once for all automations that ask in a row."""
        if self._whose[0] != event.id:
            self._whose = event.id, whose(self.connection, event)
        return self._whose[1]


def _decide(connection: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
    batch = _Batch(connection, now)
    for event in events:
        if isinstance(event.data, PersonErased):
            runs.erase(connection, event.account, event.data.person)
            held.erase(connection, event.account, event.data.person)
            continue
        if isinstance(event.data, PersonMerged):
            runs.merge(connection, event.account, event.data.person, event.data.other)
        if isinstance(event.data, ReaderJudged):
            _judged(batch, event, event.data)
            continue
        _hear(batch, event)
        if event.kind in JUDGED and _waited_for(batch, event):
            held.hold(connection, event, now)
    return batch.out


def _hear(batch: _Batch, event: AnyEvent, *, by_person: bool = False) -> None:
    """Let everybody act who listens to this event: at once who does not ask who did it, and once that is known
    (`by_person`) who does."""
    saved = batch.saved(event.account).values()
    for one in saved:
        for cancel in one.automation.cancel_on:
            if _asks(cancel.selector, event) is by_person and _selects(batch, cancel.selector, event):
                _cancel(batch, one, cancel, event)
    for one in () if imported(event) else saved:
        if _asks(one.automation.trigger, event) is by_person and _selects(
            batch, one.automation.trigger, event
        ):
            _enter(batch, one, event)


def _asks(selector: Selector, event: AnyEvent) -> bool:
    return selector.people and event.kind in JUDGED


def _waited_for(batch: _Batch, event: AnyEvent) -> bool:
    return any(
        selector.people and _selects(batch, selector, event)
        for one in batch.saved(event.account).values()
        for selector in (one.automation.trigger, *(cancel.selector for cancel in one.automation.cancel_on))
    )


def _judged(batch: _Batch, event: AnyEvent, verdict: ReaderJudged) -> None:
    """A verdict came, the first or a better one."""
    waiting = held.find(batch.connection, verdict.event)
    if waiting is not None:
        held.judge(batch.connection, verdict.event, by_person=verdict.by_person)
        if verdict.by_person and not waiting.settling:
            _act(batch, waiting)
    if not verdict.by_person:
        for run in runs.begun_by(batch.connection, event.account, verdict.event):
            if _listens(batch, run):
                _end(batch, run, f"it was no person: {verdict.reason}", event)


def _listens(batch: _Batch, run: Run) -> bool:
    saved = batch.saved(run.account).get(run.automation)
    return saved is not None and saved.automation.trigger.people


def _act(batch: _Batch, waiting: Held) -> None:
    _hear(batch, waiting.event, by_person=True)
    held.release(batch.connection, waiting.event.id)


def _due(connection: Connection, now: int) -> Sequence[AnyEvent]:
    batch = _Batch(connection, now)
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
            _put_off(batch, run, timer)
    return batch.out


def _settled(batch: _Batch, waiting: Held) -> None:
    before = len(batch.out)
    try:
        with savepoint(batch.connection):
            _act(batch, waiting)
    except Exception as error:
        if passing(error):
            raise
        log.exception("what follows from %s could not be decided", waiting.event.id)
        del batch.out[before:]


def _next_due(connection: Connection) -> int | None:
    instants = (runs.next_due(connection), held.next_due(connection))
    return min((instant for instant in instants if instant is not None), default=None)


def _selects(batch: _Batch, selector: Selector, event: AnyEvent) -> bool:
    if event.kind not in selector.kinds:
        return False
    if selector.name is not None and not (
        isinstance(event.data, Custom) and event.data.name == selector.name
    ):
        return False
    return not selector.where or matches(selector.where, batch.said(event))


def _cancel(batch: _Batch, saved: _Saved, cancel: Cancel, event: AnyEvent) -> None:
    person = batch.whose(event) if cancel.match != "object" else None
    about = None
    if cancel.match != "person" and cancel.path is not None:
        about = _scalar_id(first(batch.said(event), cancel.path)) or None
    for run in runs.open_runs(
        batch.connection,
        event.account,
        saved.automation.name,
        person=person.id if person else None,
        object=about,
    ):
        if run.object == about or happened(event) >= run.began - SKEW:
            _end(batch, run, f"{event.kind} came", event)


def _enter(batch: _Batch, saved: _Saved, event: AnyEvent) -> None:
    automation, connection = saved.automation, batch.connection
    person = batch.whose(event)
    address = reachable(person)
    if person is None or address is None or too_late(automation, happened(event), batch.now):
        return
    said = batch.said(event)
    about = _scalar_id(first(said, automation.object)) if automation.object else ""
    if automation.once == "object" and not about:
        return  # without its id two changes of one cart would be two carts
    key = _key(automation, about, event)
    earlier = runs.latest(connection, event.account, automation.name, person.id, key)
    if earlier is not None and earlier.state == "open":
        if automation.restart_on_trigger:
            _begin_wait_again(batch, saved, earlier, event)
        return
    if earlier is not None and _suffices(automation, earlier, event):
        return
    chain = chains.chain(connection, event)
    if automation.name not in chain:
        _begin(batch, saved, event, person.id, about, key, chain, address)


def _begin(
    batch: _Batch,
    saved: _Saved,
    event: AnyEvent,
    person: str,
    about: str,
    key: str,
    chain: list[str],
    address: str,
) -> None:
    name = saved.automation.name
    data = RunStarted(automation=name, version=saved.version, person=person, object=about)
    start = trace.started(event, data, person, batch.now)
    run = Run(
        id=start.id,
        account=event.account,
        automation=name,
        version=saved.version,
        person=person,
        object=about,
        key=key,
        state="open",
        sent=0,
        began=happened(event),
        chain=[*chain, name],
        properties=batch.said(event),
        trigger=event.id,
    )
    runs.begin(batch.connection, run)
    batch.out.append(start)
    _go_on(batch, saved, run, 0, address, happened(event))


def _suffices(automation: Automation, earlier: Run, event: AnyEvent) -> bool:
    """Whether a run that has ended is enough of this key, for good or for now."""
    if not earlier.sent and earlier.state != "finished":
        return False
    return automation.again_after is None or happened(event) < earlier.began + automation.again_after


def _key(automation: Automation, about: str, event: AnyEvent) -> str:
    if automation.once == "person":
        return ""
    if automation.once == "object":
        return f"object:{about}"
    return f"event:{event.id}"


def _begin_wait_again(batch: _Batch, saved: _Saved, run: Run, event: AnyEvent) -> None:
    """An abandonment counts from the last change."""
    runs.retell(batch.connection, run.id, batch.said(event))
    timer = runs.timer(batch.connection, run.id)
    steps = saved.automation.steps
    if timer is None or timer.step >= len(steps):
        return
    step = steps[timer.step]
    if not isinstance(step, Wait):
        return
    due = postponed(timer.due, happened(event), step.microseconds)
    if due == timer.due:
        return
    timer = timer._replace(due=due)
    runs.wait(batch.connection, timer)
    batch.out.append(trace.waiting(run, timer, batch.now, event))


def _wake(batch: _Batch, run: Run, timer: Timer) -> None:
    saved = batch.saved(run.account).get(run.automation)
    if saved is None:
        _end(batch, run, "the automation is not there any more")
        return
    if batch.now - timer.due > saved.automation.lateness:
        _end(batch, run, "it came too late: the engine stood still at its time")
        return
    person = people.find(batch.connection, run.account, person=run.person)
    address = reachable(person)
    if address is None:
        _end(batch, run, "the person cannot be reached any more")
        return
    reason = obstacle(batch.connection, saved.automation, run)
    if reason is not None:
        _end(batch, run, reason)
        return
    _go_on(batch, saved, run, timer.step + 1, address, batch.now)


def _put_off(batch: _Batch, run: Run, timer: Timer) -> None:
    if timer.failures >= len(FAULT_SCHEDULE):
        _end(batch, run, "a fault of ours, see the engine's log")
        return
    due = batch.now + FAULT_SCHEDULE[timer.failures] * SECOND
    runs.wait(batch.connection, timer._replace(due=due, failures=timer.failures + 1))


def _go_on(batch: _Batch, saved: _Saved, run: Run, step: int, address: str, since: int) -> None:
    automation = saved.automation
    following = plan(automation.steps, step)
    campaign = Campaign(id=saved.id, name=automation.name, group=automation.group)
    for index, send in following.sends:
        batch.out.append(
            trace.wanted(run, index, send, address, campaign, automation.transactional, batch.now)
        )
    runs.count_sent(batch.connection, run.id, len(following.sends))
    if following.wait is None:
        runs.end(batch.connection, run.id, "finished")
        batch.out.append(trace.finished(run, batch.now))
        return
    index, microseconds = following.wait
    timer = Timer(run.id, index, since + microseconds)
    runs.wait(batch.connection, timer, first=step == 0)
    batch.out.append(trace.waiting(run, timer, batch.now))


def _end(batch: _Batch, run: Run, reason: str, by: AnyEvent | None = None) -> None:
    runs.end(batch.connection, run.id, "cancelled")
    batch.out.append(trace.cancelled(run, reason, batch.now, by))


def _scalar_id(value: Any) -> str:
    return (text_id(value) or "") if isinstance(value, str | int | float) else ""


@lru_cache(maxsize=1024)
def _read(definition: bytes) -> Automation | None:
    """The automation of a stored definition; one that an older version let through is logged once and rests."""
    try:
        return parse(msgspec.json.decode(definition))
    except BadRequest as error:
        log.warning("an automation cannot be read and rests: %s: %s", error.field, error.message)
        return None


REACTION = Reaction(
    name="automations",
    kinds=TRIGGERS | {PersonErased.kind, ReaderJudged.kind},
    decide=_decide,
    due=_due,
    next_due=_next_due,
)
