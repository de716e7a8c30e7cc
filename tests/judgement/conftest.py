"""Judging on real folds and a state in memory: visits in order, as the engine's loops would feed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.engagement import LinkClicked, MessageOpened, ReaderJudged
from heliograph.events.event import AnyEvent, Data, is_derived
from heliograph.events.messages import MessageAttempted, MessageRequested, MessageSent
from heliograph.journal.consumer import Reaction
from heliograph.react import judgement
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.signing import Keyring

ACCOUNT = "000000000001"
START = 1_700_000_000 * SECOND
READERS = Readers()

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"


class Watch:
    """A journal as a list, all folds, and the reaction; a crash between recording and committing can be had."""

    def __init__(self, engine: Engine, reaction: Reaction) -> None:
        self.engine, self.reaction = engine, reaction
        self.events: list[AnyEvent] = []
        self.now = START
        self._ids: set[str] = set()
        self._folded = self._decided = 0

    def say(self, data: Data, *, subject: str = "person:ann", after: float = 0.0) -> AnyEvent:
        """Something happened, so many seconds after the last."""
        self.now += int(after * SECOND)
        event = codec.make(data, account=ACCOUNT, subject=subject, now=self.now)
        self.record([event])
        return event

    def sent(self, message: str = "m1") -> None:
        """A message was asked for, attempted and taken over, a second apart."""
        request = MessageRequested(address="ann@example.com", template="t")
        event = codec.make(request, account=ACCOUNT, subject="person:ann", now=self.now, id=message)
        self.record([event])
        self.say(MessageAttempted(message=message, address="ann@example.com"))
        self.say(MessageSent(message=message, address="ann@example.com"), after=1)
        self.settle()

    def click(
        self,
        link: int = 0,
        *,
        after: float = 0.0,
        message: str = "m1",
        subject: str = "person:ann",
        agent: str = CHROME,
        ip: str = "203.0.113.9",
        **fields: Any,
    ) -> AnyEvent:
        """A link was followed."""
        url = f"https://shop.example/{link}"
        data = LinkClicked(message=message, user_agent=agent, ip=ip, url=url, link=link, **fields)
        return self.say(data, subject=subject, after=after)

    def open(
        self,
        *,
        after: float = 0.0,
        message: str = "m1",
        subject: str = "person:ann",
        agent: str = CHROME,
        ip: str = "203.0.113.9",
        **fields: Any,
    ) -> AnyEvent:
        """The pixel was loaded."""
        data = MessageOpened(message=message, user_agent=agent, ip=ip, method="GET", **fields)
        return self.say(data, subject=subject, after=after)

    def record(self, events: Sequence[AnyEvent]) -> None:
        """Into the journal, derived ids once."""
        for event in events:
            if event.id not in self._ids:
                self._ids.add(event.id)
                self.events.append(codec.decode(codec.encode(event)))
            else:
                assert is_derived(event.id)

    def settle(self, batch: int = 512, *, crash: bool = False) -> None:
        """Until nothing follows; with `crash` each transaction is first recorded and rolled back."""
        while self._decided < len(self.events):
            self._fold()
            news = self.events[self._decided : self._decided + batch]
            mine = [event for event in news if event.kind in self.reaction.kinds]
            for attempt in ("crash", "commit") if crash else ("commit",):
                with self.engine.connect() as connection, connection.begin() as transaction:
                    if mine:
                        self.record(self.reaction.decide(connection, mine, self.now))
                    if attempt == "crash":
                        transaction.rollback()
            self._decided += len(news)
        self._fold()

    def pass_time(self, seconds: float) -> None:
        """Let time go by, timers firing each at its due instant."""
        until = self.now + int(seconds * SECOND)
        assert self.reaction.due is not None
        assert self.reaction.next_due is not None
        self.settle()
        while (due := self.read(self.reaction.next_due)) is not None and due <= until:
            self.now = max(self.now, due)
            with self.engine.begin() as connection:
                self.record(self.reaction.due(connection, self.now))
            self.settle()
        self.now = until

    def verdicts(self, event: AnyEvent) -> list[ReaderJudged]:
        """What was thought of a visit, in order; the last is what counts."""
        self.settle()
        judged = [one.data for one in self.events if isinstance(one.data, ReaderJudged)]
        return [data for data in judged if data.event == event.id]

    def readers(self, event: AnyEvent) -> list[str]:
        """The classes of the verdicts."""
        return [data.reader for data in self.verdicts(event)]

    def rules(self, event: AnyEvent) -> list[str]:
        """The rules of the verdicts."""
        return [data.reason.partition(":")[0] for data in self.verdicts(event)]

    def read(self, query: Callable[[Connection], Any]) -> Any:
        with self.engine.connect() as connection:
            return query(connection)

    def _fold(self) -> None:
        news, self._folded = self.events[self._folded :], len(self.events)
        with self.engine.begin() as connection:
            for fold in FOLDS:
                mine = [event for event in news if event.kind in fold.kinds]
                if mine:
                    fold.apply(connection, mine)


@pytest.fixture
def make_watch() -> Iterator[Callable[..., Watch]]:
    engines: list[Engine] = []

    def make(policy: Policy | None = None) -> Watch:
        account = Account(number=ACCOUNT, store_id="A", policy=policy or Policy())
        directory = Directory([account], [], Keyring({1: b"k" * 32}, 1))
        engines.append(memory_state())
        return Watch(engines[-1], judgement.reaction(directory, READERS))

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def watch(make_watch: Callable[..., Watch]) -> Watch:
    return make_watch()
