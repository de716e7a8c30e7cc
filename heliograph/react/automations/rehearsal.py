"""A dry run: who would have got it, had an automation been there. The past is played again, and nothing is recorded.

Folds and the reaction itself run over a state in memory, fed with what the journal holds of one account: so filters,
waits, quiet hours and caps decide as they would have. Nobody answers a message that was never sent: what waits for a
click in it runs into its timeout.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.accounts.directory import Directory
from heliograph.clock import iso
from heliograph.database import memory_state
from heliograph.events import codec, subjects
from heliograph.events.definitions import (
    AutomationRemoved,
    AutomationSaved,
    RunCancelled,
    RunNoted,
    RunStarted,
)
from heliograph.events.event import AnyEvent, Entry
from heliograph.events.messages import MessageRequested
from heliograph.events.people import PersonUpdated
from heliograph.journal.journal import JournalView
from heliograph.react.automations.batch import Batch
from heliograph.react.automations.definition import saving
from heliograph.react.automations.entering import Stays, decide
from heliograph.react.automations.reaction import reaction
from heliograph.react.state import people
from heliograph.react.state.folds import FOLDS

AHEAD = 1000
"""Events folded at once before the time that is asked about."""
AT_ONCE = 200
"""And within it: what a timer reads of its object may be so many events younger than it was."""
SHOWN = 1000
"""Runs that are listed one by one; all are counted."""

_LEFT_OUT = frozenset((AutomationSaved.kind, AutomationRemoved.kind))


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that would have been wanted."""

    at: str
    channel: str
    template: str


class Rehearsed(msgspec.Struct, kw_only=True):
    """One run as it would have been; `ended` in words, empty while it would still be under way."""

    person: str
    email: str | None
    began: str
    object: str = ""
    messages: list[Message] = []
    ended: str = ""


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What would have come of an automation. `not_entered` and `cancelled` count reasons; `runs` lists the first."""

    automation: str
    since: str
    events: int
    """Events that its trigger selects."""
    people: int
    started: int
    messages: dict[str, int]
    """By template."""
    not_entered: dict[str, int]
    cancelled: dict[str, int]
    skipped: dict[str, int]
    runs: list[Rehearsed]


class Stage:
    """The past of one account, played again."""

    def __init__(
        self, directory: Directory, account: str, definition: dict[str, Any] | str, since: int
    ) -> None:
        saved = saving(definition, by="dry run")
        self.name, self.account, self.since = saved.name, account, since
        self._directory = directory
        self._reaction = reaction(directory)
        self._engine = memory_state()
        self._kinds = frozenset(kind for fold in FOLDS for kind in fold.kinds) | self._reaction.kinds
        self._coming: list[AnyEvent] = []
        self._runs: dict[str, Rehearsed] = {}
        self._selected = 0
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("messages", "not_entered", "cancelled", "skipped")
        }
        event = codec.make(saved, account=account, subject=subjects.thing("automation", saved.name), now=0)
        with self._engine.begin() as connection:
            _fold(connection, [event])

    def feed(self, entries: Sequence[Entry]) -> None:
        """What was recorded next, of any account."""
        for entry in entries:
            if entry.account == self.account and entry.kind in self._kinds - _LEFT_OUT:
                self._coming.append(codec.decode(entry))
                most = AHEAD if entry.recorded < self.since else AT_ONCE
                if len(self._coming) >= most:
                    self._play()

    def close(self, now: int) -> Rehearsal:
        """Up to now; what came of it."""
        self._play()
        with self._engine.begin() as connection:
            self._fire(connection, now)
        self._engine.dispose()
        told = list(self._runs.values())
        return Rehearsal(
            automation=self.name,
            since=iso(self.since),
            events=self._selected,
            people=len({one.person for one in told}),
            started=len(told),
            runs=told[:SHOWN],
            **{name: dict(counter) for name, counter in self._counts.items()},
        )

    def _play(self) -> None:
        events, self._coming = self._coming, []
        with self._engine.begin() as connection:
            while events:
                due = self._next_due(connection)
                until = next(
                    (i for i, one in enumerate(events) if due is not None and one.recorded > due), len(events)
                )
                part, events = events[:until], events[until:]
                if part:
                    _fold(connection, part)
                    for event in part:
                        self._decide(connection, event)
                if events:
                    self._fire(connection, events[0].recorded)

    def _decide(self, connection: Connection, event: AnyEvent) -> None:
        if event.recorded < self.since or event.kind not in self._reaction.kinds:
            return
        batch = Batch(connection, self._directory, event.recorded)
        saved = batch.current(self.account)[self.name]
        trigger = saved.automation.trigger
        if trigger.selects(event, batch.said):
            self._selected += 1
            decision = decide(batch, saved, event)
            if isinstance(decision, Stays):
                self._counts["not_entered"][decision.why] += 1
        self._note(connection, self._reaction.decide(connection, [event], event.recorded))

    def _fire(self, connection: Connection, until: int) -> None:
        """Timers, each at its time."""
        while (due := self._next_due(connection)) is not None and due <= until:
            self._note(connection, self._reaction.due(connection, due) if self._reaction.due else ())

    def _next_due(self, connection: Connection) -> int | None:
        return self._reaction.next_due(connection) if self._reaction.next_due else None

    def _note(self, connection: Connection, made: Sequence[AnyEvent]) -> None:
        for event in made:
            data = event.data
            run = self._runs.get(getattr(data, "run", None) or "")
            match data:
                case RunStarted():
                    found = people.find(connection, self.account, person=data.person)
                    email = found.email if found is not None else None
                    self._runs[event.id] = Rehearsed(
                        person=data.person or "", email=email, began=iso(event.at), object=data.object
                    )
                case MessageRequested() if run is not None:
                    self._counts["messages"][data.template] += 1
                    message = Message(at=iso(event.at), channel=data.channel, template=data.template)
                    run.messages = [*run.messages, message]
                case RunCancelled() if run is not None:
                    self._counts["cancelled"][data.reason] += 1
                    run.ended = data.reason
                case RunNoted(what="skipped"):
                    self._counts["skipped"][data.why] += 1
                case PersonUpdated():
                    _fold(connection, [event])
                case _ if run is not None and event.kind in ("run.finished", "run.reached"):
                    run.ended = event.kind.removeprefix("run.")


async def rehearse(journal: JournalView, stage: Stage, now: int) -> Rehearsal:
    """Play the whole journal, up to now, to a stage."""
    after, head = 0, await journal.head()
    while after < head and (entries := await journal.read(after)):
        after = entries[-1].seq
        await asyncio.to_thread(stage.feed, entries)
    return await asyncio.to_thread(stage.close, now)


def _fold(connection: Connection, events: Sequence[AnyEvent]) -> None:
    for fold in FOLDS:
        if mine := [event for event in events if event.kind in fold.kinds]:
            fold.apply(connection, mine)
