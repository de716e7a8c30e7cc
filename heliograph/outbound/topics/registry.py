"""Topics as the API sees and changes them: read from state, changed by events, and whose they are.

A change is answered when it is on disk and state shows it, so that a program that makes a topic can subscribe to it in its
next line. Where no engine is running state does not follow; then the answer comes after `PATIENCE`: the change is
recorded and counts as soon as there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine, select

from heliograph.accounts.directory import Directory
from heliograph.aws.faults import AwsFault
from heliograph.clock import Clock
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent
from heliograph.events.topics import Topic as TopicData
from heliograph.journal.journal import Journal
from heliograph.journal.positions import FOLD, POSITIONS
from heliograph.outbound.topics.asked import invalid
from heliograph.outbound.topics.names import Named, read_arn
from heliograph.react.state import topics
from heliograph.react.state.topics import Subscription, Topic

PATIENCE = 20.0
"""Seconds that an answer waits for state to show what was recorded: longer than an engine that died needs to be back."""
LOOK = 0.005

_POSITION = select(POSITIONS.c.seq).where(POSITIONS.c.consumer == FOLD, POSITIONS.c.name == topics.FOLD.name)

T = TypeVar("T")


class Registry:
    """Topics and subscriptions. `engine` is state's, read-only."""

    def __init__(self, engine: Engine, journal: Journal, directory: Directory, clock: Clock) -> None:
        self._engine, self._journal = engine, journal
        self.directory, self.clock = directory, clock

    async def look(self, read: Callable[[Connection], T]) -> T:
        """What state says."""
        return await asyncio.to_thread(self._look, read)

    async def change(self, account: str, *data: TopicData) -> None:
        """Record these of an account's topics, and return when state shows them."""
        await self.record([self.event(account, one) for one in data])
        await self.settled()

    async def record(self, events: Sequence[AnyEvent]) -> None:
        """Record events; on disk when this returns."""
        await self._journal.append([codec.encode(event) for event in events])

    async def settled(self) -> bool:
        """Whether state shows everything that is recorded by now; waits for it, no longer than `PATIENCE`."""
        head, end = await self._journal.head(), self.clock.monotonic() + PATIENCE
        while self.clock.monotonic() < end:
            if (await self.look(lambda connection: connection.scalar(_POSITION)) or 0) >= head:
                return True
            await self.clock.sleep(LOOK)
        return False

    def event(self, account: str, data: TopicData) -> AnyEvent:
        """An event about an account's topic, now."""
        subject = subjects.thing("topic", data.topic)
        return codec.make(data, account=account, subject=subject, now=self.clock.now())

    def may(self, caller: str, account: str) -> bool:
        """Whether a caller's key may act for an account: its own, or a sub-account of it (LIT-17)."""
        theirs = self.directory.account(account)
        return caller == account or (theirs is not None and theirs.parent == caller)

    async def topic(self, caller: str, arn: str) -> Topic:
        """The topic of this ARN. Raises `AwsFault`: no ARN, another's topic, no such topic."""
        named = read_arn(arn)
        if named is None or named.subscription:
            raise invalid("TopicArn")
        self.check(caller, named)
        found = await self.look(lambda connection: topics.topic(connection, named.account, named.topic))
        if found is None:
            raise AwsFault("NotFound", "Topic does not exist", status=404)
        return found

    async def subscription(self, arn: str) -> Subscription:
        """The subscription of this ARN. Raises `AwsFault`: no ARN, or there is none. Whose it is, is not asked."""
        named = read_arn(arn)
        if named is None or not named.subscription:
            raise invalid("SubscriptionArn Reason: An ARN must have at least 7 elements")
        now = self.clock.now()
        found = await self.look(lambda connection: topics.subscription(connection, named.subscription))
        gone = found is None or (found.state == "pending" and found.expires < now)
        if found is None or gone or (found.account, found.topic) != (named.account, named.topic):
            raise AwsFault("NotFound", "Subscription does not exist", status=404)
        return found

    def check(self, caller: str, named: Named) -> None:
        """Raise `AwsFault` unless the caller may act for the account that an ARN names."""
        if not self.may(caller, named.account):
            raise AwsFault(
                "AuthorizationError", "The topic is not this account's, nor a sub-account's.", status=403
            )

    def _look(self, read: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return read(connection)
