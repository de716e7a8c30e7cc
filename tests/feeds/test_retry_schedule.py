"""Two hours of retries in milliseconds: the real loops, a real journal, a real receiver, a clock turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from feed_world import ACCOUNT, ADMIN, Receiver, event
from sqlalchemy import Engine

from heliograph.clock import ManualClock
from heliograph.events import codec
from heliograph.events.definitions import FeedFailed, FeedSaved
from heliograph.events.event import AnyEvent
from heliograph.events.messages import Campaign, MessageRequested, MessageSent
from heliograph.journal import parked
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_acts
from heliograph.react.state.folds import FOLDS

Receive = Callable[..., Awaitable[Receiver]]

GAPS = (10, 30, 60, 120, 300, 600, 1200, 1800, 2700)  # seconds, as wire-facts RM-15 lists them


@dataclass
class House:
    """An engine process without its process."""

    journal: SqliteJournal
    loops: Loops
    clock: ManualClock
    means: Means
    state: Engine

    async def happen(self, *events: AnyEvent) -> None:
        await self.journal.append([codec.encode(one) for one in events])

    async def serve(self, *receivers: Receiver) -> None:
        """Save a feed for each, fold that, and begin their acts."""
        await self.happen(
            *(
                event(FeedSaved(name=f"feed{number}", dialect="remarkety", endpoint=receiver.url))
                for number, receiver in enumerate(receivers)
            )
        )
        await self.caught_up()
        self.loops.set_acts(feed_acts(self.means))

    async def caught_up(self) -> None:
        async with asyncio.timeout(60):
            await self.loops.caught_up()

    async def recorded(self, kind: str) -> list[AnyEvent]:
        return [codec.decode(entry) for entry in await self.journal.read(0, kinds=frozenset((kind,)))]


@pytest.fixture
async def house(tmp_path: Path, state: Engine, clock: ManualClock, means: Means) -> AsyncIterator[House]:
    journal = await SqliteJournal.open(tmp_path)
    loops = Loops(journal=journal, engine=state, clock=clock, folds=FOLDS, reactions=())
    running = asyncio.create_task(loops.run())
    yield House(journal, loops, clock, replace(means, journal=journal), state)
    await loops.stop(grace=0)
    await running
    await journal.close()


def mail() -> tuple[AnyEvent, AnyEvent]:
    wanted = event(
        MessageRequested(address="john@doe.com", template="cart", campaign=Campaign(id=1, name="Cart"))
    )
    return wanted, event(MessageSent(message=wanted.id, address="john@doe.com"))


async def test_a_dead_receiver_is_asked_for_two_hours_and_then_given_up(
    house: House, receive: Receive
) -> None:
    """RM-15"""
    receiver = await receive(503)
    await house.serve(receiver)
    wanted, sent = mail()
    await house.happen(wanted, sent)
    await receiver.until(1)
    await house.caught_up()
    for attempts, gap in enumerate(GAPS, start=1):
        await house.clock.advance(gap - 1)
        await house.caught_up()
        assert len(receiver.posts) == attempts, f"too early, before {gap} s"
        await house.clock.advance(1)
        await receiver.until(attempts + 1)
        await house.caught_up()
    await house.clock.advance(24 * 3600)
    await house.caught_up()
    assert len(receiver.posts) == len(GAPS) + 1
    assert len({(post.body, post.headers["X-Event-Hmac-SHA256"]) for post in receiver.posts}) == 1
    assert {post.headers["X-Heliograph-Event"] for post in receiver.posts} == {sent.id}
    (failed,) = await house.recorded("feed.failed")
    assert failed.data == FeedFailed(name="feed0", reason="answered 503: why?", event=sent.id, attempts=10)
    assert [notice.data.address for notice in await house.recorded("message.requested")][1:] == [ADMIN]
    with house.state.connect() as connection:
        (case,) = parked.find(connection)
    assert (case.case.event, case.attempts) == (sent.id, 10)


async def test_a_receiver_that_comes_back_gets_what_it_missed(house: House, receive: Receive) -> None:
    """RM-15"""
    receiver = await receive(503, "reset", 200)
    await house.serve(receiver)
    wanted, sent = mail()
    await house.happen(wanted, sent)
    await receiver.until(1)
    await house.caught_up()
    for attempts, gap in ((2, 10), (3, 30)):
        await house.clock.advance(gap)
        await receiver.until(attempts)
        await house.caught_up()
    await house.clock.advance(24 * 3600)
    await house.caught_up()
    assert len(receiver.posts) == 3
    assert not await house.recorded("feed.failed")


async def test_what_a_receiver_refuses_is_parked_at_once(house: House, receive: Receive) -> None:
    """RM-15: no retry after 4xx, no mail either; an operator sees it parked."""
    receiver = await receive(410)
    await house.serve(receiver)
    await house.happen(*mail())
    await receiver.until(1)
    await house.caught_up()
    await house.clock.advance(24 * 3600)
    await house.caught_up()
    assert len(receiver.posts) == 1
    with house.state.connect() as connection:
        (case,) = parked.find(connection)
    assert case.why == "answered 410: why?"
    assert not await house.recorded("feed.failed")


async def test_a_silent_receiver_delays_only_itself(house: House, receive: Receive) -> None:
    """However slow this machine is: the clock by which the silent one is given up is turned by nobody."""
    silent, quick = await receive("hang"), await receive(200)
    await house.serve(silent, quick)
    mails = [mail() for _ in range(40)]
    await house.happen(*(one for pair in mails for one in pair))
    await quick.until(40, seconds=60)
    assert len(silent.posts) < 40
    assert len({post.headers["X-Heliograph-Event"] for post in quick.posts}) == 40
    assert {event.account for event in (one for pair in mails for one in pair)} == {ACCOUNT}


async def test_a_failing_feed_tells_nothing_of_the_mail_about_itself(house: House, receive: Receive) -> None:
    """The chain ends: the notice is sent, and no webhook tells so."""
    receiver = await receive(*[503] * 10, 200)
    await house.serve(receiver)
    await house.happen(*mail())
    await receiver.until(1)
    await house.caught_up()
    for attempts, gap in enumerate(GAPS, start=2):
        await house.clock.advance(gap)
        await receiver.until(attempts)
        await house.caught_up()
    notice = (await house.recorded("message.requested"))[-1]
    await house.happen(event(MessageSent(message=notice.id, address=ADMIN)))
    await house.caught_up()
    await house.clock.advance(24 * 3600)
    await house.caught_up()
    assert len(receiver.posts) == 10
