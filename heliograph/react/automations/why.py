"""Why did or didn't this person get it? Every run of theirs with its trace, and of every event that began none the reason.

A run's trace is read from the journal: it is what was decided. Why no run began is decided again by the code that
decides (`entering`), with what is known today of the person: nothing was recorded of it, for most of what happens
begins nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, func, select

from heliograph.accounts.directory import Directory
from heliograph.clock import iso
from heliograph.errors import NotFound
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.journal.journal import JournalView
from heliograph.react.automations import runs
from heliograph.react.automations.batch import Batch, Saved
from heliograph.react.automations.entering import Again, Stays, decide
from heliograph.react.automations.recipient import imported
from heliograph.react.automations.runs import Run
from heliograph.react.state import people
from heliograph.react.state.conditions import failing
from heliograph.react.state.definitions import AUTOMATION_VERSIONS
from heliograph.react.state.people import Person

LOOKED_AT = 5000
"""Events of a person that are looked at, the newest."""

PAGE = 500

_QUIET_FIELDS = frozenset(
    ("run", "automation", "message", "channel", "address", "person", "context", "campaign", "event")
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a trace: when (RFC 3339), the event, and what it says in words."""

    at: str
    event: str
    kind: str
    says: str


class RunTold(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its state, since when, what it is about, in which step it waits and until when, and its trace."""

    id: str
    version: int
    state: str
    began: str
    object: str = ""
    trigger: str = ""
    waits_in: str | None = None
    waits_until: str | None = None
    trace: list[Said] = []


class NotEntered(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a kind that begins runs, and why it began none."""

    at: str
    event: str
    kind: str
    why: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer in a sentence, the runs, and what began none; the newest first."""

    automation: str
    person: str
    answer: str
    runs: list[RunTold]
    not_entered: list[NotEntered]


async def explain(
    journal: JournalView, state: Engine, directory: Directory, account: str, name: str, person: Person
) -> Explanation:
    """Why this person did or did not get what an automation sends. Raises `NotFound` where there is no such one."""
    with state.connect() as connection:
        references = people.subjects(connection, account, person.id)
    events = await _events(journal, account, references)
    with state.connect() as connection:
        batch = Batch(connection, directory, 0)
        saved = batch.current(account).get(name)
        theirs = [one for one in runs.of_person(connection, account, person.id) if one.automation == name]
        if saved is None and not theirs:
            raise NotFound(f"There is no automation {name!r}.", field="name")
        told = [_run(batch, run, events) for run in reversed(theirs)]
        stayed = _not_entered(batch, saved, theirs, events) if saved is not None else []
    return Explanation(
        automation=name, person=person.id, answer=_answer(told, stayed), runs=told, not_entered=stayed
    )


async def _events(journal: JournalView, account: str, references: Sequence[str]) -> list[AnyEvent]:
    found: list[AnyEvent] = []
    before: int | None = None
    while len(found) < LOOKED_AT:
        page = await journal.latest(references, account=account, before=before, limit=PAGE)
        found += [codec.decode(entry) for entry in page]
        if len(page) < PAGE:
            break
        before = page[-1].seq
    return found


def _run(batch: Batch, run: Run, events: Sequence[AnyEvent]) -> RunTold:
    timer, saved = runs.timer(batch.connection, run.id), batch.version_of(run)
    mine = {run.id} | {event.id for event in events if getattr(event.data, "run", None) == run.id}
    lines = [event for event in events if event.id in mine or getattr(event.data, "message", None) in mine]
    where = saved.automation.steps[timer.step].path if timer is not None and saved is not None else None
    return RunTold(
        id=run.id,
        version=run.version,
        state=run.state,
        began=iso(run.began),
        object=run.object,
        trigger=run.trigger,
        waits_in=where,
        waits_until=None if timer is None else iso(timer.due),
        trace=[Said(at=iso(one.at), event=one.id, kind=one.kind, says=says(one)) for one in reversed(lines)],
    )


def says(event: AnyEvent) -> str:
    """What an event of a trace says, in words: its fields that are not known from where it stands."""
    fields = msgspec.structs.asdict(event.data)
    told = {name: value for name, value in fields.items() if value and name not in _QUIET_FIELDS}
    if isinstance(until := told.get("until"), int):
        told["until"] = iso(until)
    return ", ".join(f"{name} {_text(value)}" for name, value in told.items())


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else text[:197] + "..."


def _not_entered(
    batch: Batch, saved: Saved, theirs: Sequence[Run], events: Sequence[AnyEvent]
) -> list[NotEntered]:
    began = {run.trigger for run in theirs}
    since = _first_saved(batch.connection, events[0].account, saved.automation.name) if events else 0
    found = []
    for event in events:
        if saved.automation.trigger.named(event) and event.id not in began:
            why = _why(batch, saved, event, since)
            found.append(NotEntered(at=iso(event.at), event=event.id, kind=event.kind, why=why))
    return found


def _why(batch: Batch, saved: Saved, event: AnyEvent, since: int) -> str:
    if event.recorded < since:
        return "the automation was not there yet"
    if imported(event):
        return "an import said it"
    fails = failing(saved.automation.trigger.where, batch.said(event))
    if fails is not None:
        return f"trigger.where: {fails}"
    batch.now = event.recorded
    match decide(batch, saved, event):
        case Stays(why):
            return why
        case Again(run):
            return f"the run {run.id} was under way"
    if saved.automation.trigger.asks(event):
        return "it is not known that a person did it"
    return (
        "today it would begin a run: the person or the automation was another then, or it is not decided yet"
    )


def _first_saved(connection: Connection, account: str, name: str) -> int:
    table = AUTOMATION_VERSIONS.c
    first = select(func.min(table.saved)).where(table.account == account, table.name == name)
    return connection.scalar(first) or 0


def _answer(told: Sequence[RunTold], stayed: Sequence[NotEntered]) -> str:
    if told:
        last = told[0]
        telling = next((line for line in reversed(last.trace) if line.says), None)
        wanted = sum(line.kind == "message.requested" for run in told for line in run.trace)
        latest = f"; its last word: {telling.kind} {telling.says}" if telling else ""
        counted = f"{_counted(len(told), 'run')}, {_counted(wanted, 'message')} wanted"
        return f"{counted}. The last run is {last.state}{latest}."
    if stayed:
        return f"No run ever began. The last event that could have begun one did not: {stayed[0].why}."
    return "Nothing happened to this person that begins a run."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
