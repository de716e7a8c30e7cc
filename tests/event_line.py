"""A line of events under one reaction: real folds on a state in memory, fed as the engine's loops would feed them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.event import AnyEvent, Data, is_derived
from heliograph.journal.consumer import Reaction
from heliograph.react.state.folds import FOLDS

ACCOUNT = "000000000001"
START = 1_700_000_000 * SECOND


class Line:
    """A journal as a list, all folds, and one reaction; each step of a crash can be had."""

    def __init__(self, engine: Engine, reaction: Reaction) -> None:
        self.engine, self.reaction = engine, reaction
        self.events: list[AnyEvent] = []
        self.now = START
        self._ids: set[str] = set()
        self._folded = self._decided = 0

    def say(self, data: Data, *, subject: str = "account:1", at: int | None = None) -> AnyEvent:
        """Something happened, a second after the last."""
        self.now += SECOND
        event = codec.make(data, account=ACCOUNT, subject=subject, now=self.now, at=at)
        self.record([event])
        return event

    def record(self, events: Sequence[AnyEvent]) -> None:
        """Into the journal, derived ids once."""
        for event in events:
            if event.id not in self._ids:
                self._ids.add(event.id)
                self.events.append(codec.decode(codec.encode(event)))
            else:
                assert is_derived(event.id)

    def fold(self) -> None:
        """All folds, up to the head."""
        news, self._folded = self.events[self._folded :], len(self.events)
        with self.engine.begin() as connection:
            for fold in FOLDS:
                mine = [event for event in news if event.kind in fold.kinds]
                if mine:
                    fold.apply(connection, mine)

    def decide(self, batch: int = 512, *, crash: bool = False) -> Sequence[AnyEvent]:
        """One transaction of the reaction; with `crash` its events are recorded and its rows are not."""
        self.fold()
        news = self.events[self._decided : self._decided + batch]
        with self.engine.connect() as connection, connection.begin() as transaction:
            mine = [event for event in news if event.kind in self.reaction.kinds]
            made = self.reaction.decide(connection, mine, self.now) if mine else []
            self.record(made)
            if crash:
                transaction.rollback()
                return made
        self._decided += len(news)
        return made

    def settle(self, batch: int = 512) -> list[AnyEvent]:
        """Until nothing follows any more; what followed."""
        before = len(self.events)
        while self._decided < len(self.events):
            self.decide(batch)
        self.fold()
        return self.events[before:]

    def pass_time(self, seconds: float, *, crash: bool = False) -> list[AnyEvent]:
        """Let time go by, timers firing each at its due instant; what followed."""
        self.settle()
        before, until = len(self.events), self.now + int(seconds * SECOND)
        while (due := self.read(self.reaction.next_due)) is not None and due <= until:
            self.now = max(self.now, due)
            self.fire(crash=crash)
            if crash:
                self.fire()
            self.settle()
        self.now = until
        return self.events[before:]

    def fire(self, *, crash: bool = False) -> Sequence[AnyEvent]:
        """One transaction of timers."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            made = self.reaction.due(connection, self.now)
            self.record(made)
            if crash:
                transaction.rollback()
        return made

    def read(self, query: Callable[[Connection], Any]) -> Any:
        with self.engine.connect() as connection:
            return query(connection)
