"""Judging on real folds and a state in memory: visits in order, as the engine's loops would feed them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from event_line import ACCOUNT, Line
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.engagement import LinkClicked, MessageOpened, ReaderJudged
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import MessageAttempted, MessageRequested, MessageSent
from heliograph.react import judgement
from heliograph.readers import Readers
from heliograph.signing import Keyring

READERS = Readers()

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"


class Watch(Line):
    """A line under the judgement, with visits to say on it."""

    def say(
        self, data: Data, *, subject: str = "person:ann", at: int | None = None, after: float = 0.0
    ) -> AnyEvent:
        """Something happened, so many seconds after the last."""
        self.now += int(after * SECOND)
        event = codec.make(data, account=ACCOUNT, subject=subject, now=self.now, at=at)
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

    def settle(self, batch: int = 512, *, crash: bool = False) -> list[AnyEvent]:
        """Until nothing follows any more; with `crash` each transaction is first recorded and rolled back."""
        before = len(self.events)
        while crash and self._decided < len(self.events):
            self.decide(batch, crash=True)
            self.decide(batch)
        super().settle(batch)
        return self.events[before:]

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


@pytest.fixture
def make_watch(make_state: Callable[[], Engine]) -> Callable[..., Watch]:
    def make(policy: Policy | None = None) -> Watch:
        account = Account(number=ACCOUNT, store_id="A", policy=policy or Policy())
        directory = Directory([account], [], Keyring({1: b"k" * 32}, 1))
        return Watch(make_state(), judgement.reaction(directory, READERS))

    return make


@pytest.fixture
def watch(make_watch: Callable[..., Watch]) -> Watch:
    return make_watch()
