"""Reactions: decided once, on a state that is at least as new; timers that neither get lost nor run ahead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from loops_world import (
    FOLLOWED,
    NOTES,
    SAID,
    TIMERS,
    World,
    following,
    in_time,
    name_of,
    noting,
    settled,
    soon,
    waking,
)
from sqlalchemy import Connection, func, insert, select

from heliograph.clock import SECOND, ManualClock
from heliograph.errors import JournalFull
from heliograph.events.codec import make
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent
from heliograph.journal import parked, positions
from heliograph.journal.consumer import Fold, Reaction
from heliograph.journal.positions import REACTION, Who

HOUR = 3600.0


class SetClock(ManualClock):
    """A clock whose wall time can be set, as an operator or NTP sets a machine's."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0

    def now(self) -> int:
        return super().now() + self.offset

    def set(self, seconds: float) -> None:
        """Set the wall clock forward (or back): sleepers sleep on."""
        self.offset += int(seconds * SECOND)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def set_clock(world: World) -> SetClock:
    world.clock = clock = SetClock()
    return clock


async def test_a_reaction_answers_each_event_once_and_in_order(world: World) -> None:
    names = [str(number) for number in range(1200)]
    async with world.running([noting()], [following()]) as loops:
        for first in range(0, 1200, 100):
            await world.say(*names[first : first + 100])
        await settled(loops)
    assert world.journal.names() == names
    causes = [entry.cause for entry in world.journal.entries if entry.kind in FOLLOWED]
    assert causes == [entry.id for entry in world.journal.entries if entry.kind in SAID]


async def test_a_reaction_is_given_no_event_that_a_fold_has_not_remembered(world: World) -> None:
    gate, seen = threading.Event(), []

    def slow(_: Connection, events: Sequence[AnyEvent]) -> None:
        gate.wait(60)

    def decide(connection: Connection, events: Sequence[AnyEvent], _: int) -> Sequence[AnyEvent]:
        count = connection.execute(select(func.count()).select_from(NOTES)).scalar_one()
        seen.append((len(events), count))
        return ()

    folds = [noting(), Fold("slow", SAID, (), slow)]
    async with world.running(folds, [Reaction("look", SAID, decide)]) as loops:
        await world.say("a", "b")
        await asyncio.sleep(0.02)
        assert not seen
        gate.set()
        await settled(loops)
    assert seen and all(count >= 2 for _, count in seen)


async def test_a_crash_between_recording_and_committing_repeats_the_decision_and_records_it_once(
    world: World,
) -> None:
    """The commit fails right after the journal took the answer: the change of the table is gone, the answer is
    not, and the engine dies before it can try again."""
    decided: list[str] = []
    plain = following()

    def decide(connection: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
        decided.extend(name_of(event) for event in events)
        world.fail_commit = 1 if len(decided) == 1 else 0
        connection.execute(insert(TIMERS).values(cause=events[0].id, due=1))
        return plain.decide(connection, events, now)

    async with world.running([], [Reaction("follow", SAID, decide)]):
        await world.say("a")
        await soon(lambda: world.journal.names() == ["a"] and not world.fail_commit)
        assert world.ask(lambda c: c.execute(select(TIMERS)).all()) == []
        world.power = False
    async with world.running([], [Reaction("follow", SAID, decide)]) as loops:
        await settled(loops)
    assert decided == ["a", "a"]
    assert world.journal.names() == ["a"]
    assert len(world.ask(lambda c: c.execute(select(TIMERS)).all())) == 1


async def test_a_full_journal_makes_a_reaction_wait_and_parks_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.running([], [following()]) as loops:
        await world.say("a")
        await settled(loops)
        await world.say("b")
        world.journal.refuse = JournalFull("too much waits")
        await in_time(world, lambda: "has to wait" in caplog.text)
        world.journal.refuse = None
        await in_time(world, lambda: "b" in world.journal.names())
        await settled(loops)
    assert world.journal.names() == ["a", "b"]
    assert world.ask(parked.count) == {}


async def test_a_bad_event_is_parked_for_the_reaction_and_the_next_ones_are_answered(world: World) -> None:
    async with world.running([], [following(bad=lambda name: name == "bad"), following("calm")]) as loops:
        await world.say(*"abc", "bad", *"de")
        await settled(loops)
    (one,) = world.ask(parked.find)
    assert (one.case.who, one.case.seq) == (Who(REACTION, "follow"), 4)
    assert sorted(world.journal.names()) == sorted(["a", "b", "c", "d", "e"] * 2 + ["bad"])


async def test_an_answer_whose_id_cannot_be_made_again_is_parked(world: World) -> None:
    def decide(_: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
        return [make(Custom(name="x"), account=events[0].account, subject="person:1", now=now)]

    async with world.running([], [Reaction("careless", SAID, decide)]) as loops:
        await world.say("a")
        await settled(loops)
    (one,) = world.ask(parked.find)
    assert "can be made again" in one.why
    assert world.journal.names("custom") == ["a"]


async def test_a_parked_event_can_be_put_back_once_the_reaction_is_mended(world: World) -> None:
    who = Who(REACTION, "follow")
    async with world.running([], [following(bad=lambda name: name == "bad")]) as loops:
        await world.say("bad", "good")
        await settled(loops)
    async with world.running([], [following()]) as loops:
        assert world.ask(lambda c: parked.retry(c, who, 1, now=world.clock.now())) == 1
        await in_time(world, lambda: "bad" in world.journal.names())
        await settled(loops)
    assert world.journal.names() == ["good", "bad"]
    assert world.ask(parked.count) == {}
    assert world.ask(parked.earliest) == {}


async def test_a_reaction_seen_for_the_first_time_begins_at_the_head(world: World) -> None:
    """A new automation must not write to a year of customers."""
    await world.say("past")
    async with world.running([noting()], [following()]) as loops:
        await world.say("now")
        await settled(loops)
    assert world.journal.names() == ["now"]


async def test_prepared_before_the_doors_open_nothing_is_taken_for_the_past(world: World) -> None:
    async with world.running([noting()], [following()]):
        pass
    await world.say("early")
    async with world.running([noting()], [following()]) as loops:
        await settled(loops)
    assert world.journal.names() == ["early"]


async def test_where_nothing_was_decided_the_place_is_written_later(world: World) -> None:
    idle = Who(REACTION, "idle")
    async with world.running([], [Reaction("idle", SAID, lambda *_: ())]) as loops:
        await world.say("a")
        await soon(lambda: loops.lag()[idle] == 0 and loops.head == 1)
        assert world.ask(positions.load)[idle] == 0
        await in_time(world, lambda: world.ask(positions.load)[idle] == 1)


async def test_timers_that_come_due_shortly_after_others_fire_together(world: World) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        for _ in range(3):
            await world.say("a")
            await settled(loops)
            await world.clock.advance(0.02)
        await world.clock.advance(HOUR - 0.06)
        await settled(loops)
        assert world.journal.names() == ["woken"]
        await world.clock.advance(0.049)
        await settled(loops)
        assert world.journal.names() == ["woken"]
        await world.clock.advance(0.001)
        await settled(loops)
        assert world.journal.names() == ["woken"] * 3


async def test_a_timer_fires_when_it_is_due_and_not_before(world: World) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        await world.say("a")
        await settled(loops)
        await world.clock.advance(HOUR - 0.001)
        await settled(loops)
        assert world.journal.names() == []
        await world.clock.advance(0.001)
        await settled(loops)
        assert world.journal.names() == ["woken"]


async def test_a_nearer_timer_wakes_the_loop_earlier(world: World) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        await world.say("3600")
        await settled(loops)
        await world.say("60")
        await settled(loops)
        await world.clock.advance(60)
        await settled(loops)
        assert world.journal.names() == ["woken"]


async def test_a_timer_that_came_due_while_the_engine_was_down_fires_after_the_events_before_it(
    world: World,
) -> None:
    async with world.running([], [waking(60)]) as loops:
        await world.say("a")
        await settled(loops)
    await world.say("cancel")
    await world.clock.advance(HOUR)
    async with world.running([noting()], [waking(60)]) as loops:
        await settled(loops)
    assert world.journal.names() == []


async def test_timers_fire_as_of_the_instant_at_which_they_were_seen_to_be_due(world: World) -> None:
    """What was recorded after that instant may concern those that came due meanwhile: they are for later."""
    began, asked, stuck = world.clock.now(), list[int](), False
    plain = waking(10)

    def due(connection: Connection, now: int) -> Sequence[AnyEvent]:
        asked.append(now)
        assert plain.due is not None
        return plain.due(connection, now)

    def apply(*_: object) -> None:
        if stuck:
            raise MemoryError

    fold = Fold("stuck", SAID, (), apply)
    timers = Reaction("wake", SAID, plain.decide, due, plain.next_due)
    async with world.running([fold], [timers]) as loops:
        await world.say("10", "20")
        await settled(loops)
        stuck = True
        await world.say("3600")
        for _ in range(30):
            await world.clock.advance(1)
            await asyncio.sleep(0.02)  # ten seconds of the clock are time enough to see what is due
        assert not asked
        stuck = False
        await in_time(world, lambda: world.journal.names() == ["woken", "woken"])
        await settled(loops)
    assert asked[0] - began < 20 * SECOND


async def test_timers_survive_a_restart(world: World) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        await world.say("a")
        await settled(loops)
    async with world.running([], [waking(HOUR)]) as loops:
        await settled(loops)
        await world.clock.advance(HOUR)
        await settled(loops)
    assert world.journal.names() == ["woken"]


async def test_a_clock_set_forward_fires_timers_within_seconds(world: World, set_clock: SetClock) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        await world.say("a")
        await settled(loops)
        await set_clock.settle()  # the loop is asleep
        set_clock.set(HOUR)
        await set_clock.advance(5)
        await settled(loops)
    assert world.journal.names() == ["woken"]


async def test_a_clock_set_back_neither_fires_early_nor_loses_a_timer(
    world: World, set_clock: SetClock
) -> None:
    async with world.running([], [waking(HOUR)]) as loops:
        await world.say("a")
        await settled(loops)
        await set_clock.settle()  # the loop is asleep
        set_clock.set(-HOUR)
        await set_clock.advance(HOUR + 60)  # by then the first sleep would have ended
        await settled(loops)
        assert world.journal.names() == []
        await set_clock.advance(HOUR - 60)
        await settled(loops)
    assert world.journal.names() == ["woken"]


async def test_timers_that_fail_are_tried_again_and_events_go_on(world: World) -> None:
    broken = True
    plain = waking(10)

    def due(connection: Connection, now: int) -> Sequence[AnyEvent]:
        if broken:
            raise ZeroDivisionError
        assert plain.due is not None
        return plain.due(connection, now)

    async with world.running([], [Reaction("wake", SAID, plain.decide, due, plain.next_due)]) as loops:
        await world.say("a")
        await settled(loops)
        await world.clock.advance(10)
        await settled(loops)
        await world.say("b")
        await settled(loops)
        assert len(world.ask(lambda c: c.execute(select(TIMERS)).all())) == 2
        broken = False
        await world.clock.advance(30)
        await settled(loops)
    assert world.journal.names() == ["woken", "woken"]


async def test_timers_that_are_due_but_never_dealt_with_do_not_spin(world: World) -> None:
    asked: list[int] = []

    def due(_: Connection, now: int) -> Sequence[AnyEvent]:
        asked.append(now)
        return ()

    idle = Reaction("idle", SAID, lambda *_: (), due, lambda _: 1)
    async with world.running([], [idle]) as loops:
        await world.say("a")
        await settled(loops)
        await asyncio.sleep(0.02)
    assert len(asked) <= 2
