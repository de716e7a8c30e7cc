"""Acts in one process that follow the folds of another: here two sets of loops on one journal and one state."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from loops_world import NOTES, SAID, Performer, World, following, noting, settled, soon
from sqlalchemy import Connection

from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Fold
from heliograph.journal.following import SOCKET
from heliograph.journal.loops import Loops


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / SOCKET


class Slow:
    """A fold that waits to be let on, in the thread that writes state."""

    def __init__(self) -> None:
        self.open, self.begun = threading.Event(), threading.Event()

    def fold(self) -> Fold:
        return Fold("slow", SAID, (NOTES,), self._apply)

    def _apply(self, _: Connection, __: Sequence[AnyEvent]) -> None:
        self.begun.set()
        assert self.open.wait(60)


async def test_an_act_that_follows_performs_each_event_once_and_in_order(world: World, socket: Path) -> None:
    performer = Performer()
    async with (
        world.running([noting()], leads=socket),
        world.running(acts=[performer.act(concurrency=1)], led_by=socket) as follower,
    ):
        names = [f"n{number}" for number in range(300)]
        for first in range(0, 300, 30):
            await world.say(*names[first : first + 30])
        await performer.until(300)
        await settled(follower)
    assert performer.names == names


async def test_what_is_decided_where_the_folds_are_is_acted_on_elsewhere(world: World, socket: Path) -> None:
    performer = Performer()
    act = performer.act(kinds=frozenset(("product.viewed",)))
    async with (
        world.running([noting()], [following()], leads=socket),
        world.running(acts=[act], led_by=socket),
    ):
        await world.say("one", "two")
        await performer.until(2)
    assert performer.names == ["one", "two"]


async def test_an_act_sees_nothing_before_every_fold_of_the_other_process_has(
    world: World, socket: Path
) -> None:
    performer, slow = Performer(), Slow()
    async with (
        world.running([noting(), slow.fold()], leads=socket),
        world.running(acts=[performer.act()], led_by=socket),
    ):
        await world.say("one")
        await asyncio.to_thread(slow.begun.wait)
        await asyncio.sleep(0.05)  # what must not happen has no event
        assert not performer.made
        slow.open.set()
        await performer.until(1)


async def test_without_the_folds_process_nothing_is_performed_and_all_of_it_when_it_is_back(
    world: World, socket: Path
) -> None:
    performer = Performer()
    async with world.running(acts=[performer.act()], led_by=socket) as follower:
        async with world.running([noting()], leads=socket):
            await world.say("one")
            await performer.until(1)
        await soon(lambda: follower._context.horizon.seq == 0)
        await world.say("two")
        await asyncio.sleep(0.05)
        assert performer.names == ["one"]
        async with world.running([noting()], leads=socket):
            await performer.until(2)
    assert performer.names == ["one", "two"]


async def test_a_fold_starts_over_only_when_acts_elsewhere_have_ended(world: World, socket: Path) -> None:
    """They asked state before it is emptied."""
    performer = Performer()
    fold = noting()
    async with (
        world.running([fold], leads=socket) as leader,
        world.running(acts=[performer.act()], led_by=socket) as follower,
    ):
        performer.open.clear()
        await world.say("one")
        await performer.until(1)
        remembered = world.notes()
        leader.replay(fold)
        await soon(lambda: follower._context.horizon.seq == 0)
        await world.say("two")
        await asyncio.sleep(0.05)
        assert world.notes() == remembered and performer.names == ["one"], "it still waits for the act"
        performer.open.set()
        await performer.until(2)
        await settled(follower)
    assert [note[0] for note in world.notes()] != [] and performer.names == ["one", "two"]


async def test_forgetting_waits_for_acts_elsewhere_and_empties_their_memory(
    world: World, socket: Path
) -> None:
    """STD-7: what was erased in the journal is held by nobody, neither at once nor by what was under way."""
    performer, forgot = Performer(), list[list[str]]()
    async with (
        world.running([noting()], leads=socket) as leader,
        world.running(
            acts=[performer.act()], led_by=socket, on_forget=lambda: forgot.append([*performer.ended])
        ) as follower,
    ):
        performer.open.clear()
        await world.say("one")
        await performer.until(1)
        generation = follower._context.source.generation
        forgetting = asyncio.create_task(leader.forget())
        await soon(lambda: follower._context.source.generation > generation)
        assert not forgetting.done() and forgot == [[]]
        performer.open.set()
        await forgetting
        assert forgot == [[], ["one"]]


async def test_asking_a_follower_that_goes_away_ends(world: World, socket: Path) -> None:
    performer = Performer()
    async with world.running([noting()], leads=socket) as leader:
        async with world.running(acts=[performer.act()], led_by=socket):
            performer.open.clear()
            await world.say("one")
            await performer.until(1)
            forgetting = asyncio.create_task(leader.forget())
            await asyncio.sleep(0.02)
            assert not forgetting.done()
        await asyncio.wait_for(forgetting, 60)


def test_only_acts_may_follow(world: World, socket: Path) -> None:
    with pytest.raises(ValueError, match="only acts"):
        Loops(journal=world.journal, engine=world.engine, clock=world.clock, folds=[noting()], led_by=socket)
