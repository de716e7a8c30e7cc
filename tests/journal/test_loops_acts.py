"""Acts: in order of start, at least once, by their schedule, and none in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from loops_world import ACCOUNT, FOLLOWED, SAID, Performer, World, in_time, name_of, noting, settled, soon
from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.errors import OperatorError
from heliograph.events.codec import encode, make
from heliograph.events.event import AnyEvent
from heliograph.events.people import PersonErased
from heliograph.journal import parked, positions, replaying
from heliograph.journal.consumer import Fold, Refused, Retry, Skipped
from heliograph.journal.parked import Case, Parked
from heliograph.journal.positions import ACT, FOLD, Who

SEND = Who(ACT, "send")
SCHEDULE = (10, 30, 60, 120, 300, 600, 1200, 1800, 2700)
"""RM-15: growing gaps over two hours."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def position(world: World, who: Who = SEND) -> int:
    return int(world.ask(positions.load)[who])


async def test_events_begin_in_their_order(world: World) -> None:
    performer = Performer()
    names = [str(number) for number in range(500)]
    async with world.running([noting()], acts=[performer.act()]) as loops:
        await world.say(*names)
        await settled(loops)
    assert performer.made == [(name, 1) for name in names]
    assert position(world) == 500


async def test_one_at_a_time_is_strictly_in_order(world: World) -> None:
    performer = Performer()
    async with world.running(acts=[performer.act(concurrency=1)]) as loops:
        performer.open.clear()
        await world.say("a", "b")
        await performer.until(1)
        await asyncio.sleep(0.01)
        assert performer.names == ["a"]
        performer.open.set()
        await settled(loops)
    assert performer.ended == ["a", "b"]


async def test_no_more_than_its_concurrency_is_performed_at_once(world: World) -> None:
    performer = Performer()
    performer.open.clear()
    async with world.running(acts=[performer.act(concurrency=3)]) as loops:
        await world.say(*"abcdef")
        await performer.until(3)
        await asyncio.sleep(0.01)
        assert len(performer.made) == 3
        performer.open.set()
        await settled(loops)
    assert len(performer.made) == 6


async def test_an_act_is_given_nothing_that_a_fold_has_not_remembered(world: World) -> None:
    performer = Performer()
    broken = True
    tried: list[int] = []

    def apply(_: Connection, events: Sequence[AnyEvent]) -> None:
        tried.append(len(events))
        if broken:
            raise MemoryError  # the machine's fault: the fold waits

    async with world.running([Fold("late", SAID, (), apply)], acts=[performer.act()]) as loops:
        await world.say("a")
        await soon(lambda: bool(tried))
        assert performer.made == []
        broken = False
        await in_time(world, lambda: len(tried) > 1)
        await settled(loops)
    assert performer.names == ["a"]


async def test_an_act_waits_for_the_fold_that_is_furthest_behind(world: World) -> None:
    performer = Performer()
    tried: list[int] = []
    broken = True

    def apply(_: Connection, events: Sequence[AnyEvent]) -> None:
        tried.append(len(events))
        if broken and len(tried) > 1:
            raise MemoryError

    async with world.running([noting()], acts=[performer.act()]) as loops:
        await world.say(*map(str, range(200)))
        await settled(loops)
        performer.made.clear()
    async with world.running([noting(), Fold("new", SAID, (), apply)], acts=[performer.act()]) as loops:
        await world.say("a")
        await in_time(world, lambda: len(tried) > 3)
        assert loops.lag()[Who(FOLD, "notes")] == 0
        assert performer.made == []
        broken = False
        await in_time(world, lambda: loops.lag()[Who(FOLD, "new")] == 0)
        await settled(loops)
    assert performer.names == ["a"]


async def test_an_act_seen_for_the_first_time_begins_at_the_head(world: World) -> None:
    await world.say("past")
    performer = Performer()
    async with world.running([noting()], acts=[performer.act()]) as loops:
        await world.say("now")
        await settled(loops)
    assert performer.names == ["now"]


async def test_an_act_begins_where_it_says(world: World) -> None:
    await world.say("a", "b", "c")
    performer = Performer()
    async with world.running([noting()], acts=[performer.act(since=1)]) as loops:
        await settled(loops)
    assert performer.names == ["b", "c"]


async def test_what_was_recorded_since_an_act_was_born_is_its_however_late_it_is_seen(world: World) -> None:
    """Nothing is told of what was before, and nothing is lost that came while nobody looked who is to be told."""
    await world.say("a", "b")
    await world.clock.advance(1)
    born = world.clock.now()
    await world.say("c")
    await world.clock.advance(1)
    await world.say("d")
    early, late = Performer(), Performer()
    async with world.running([noting()], acts=[early.act("early", born=born)]) as loops:
        await settled(loops)
        loops.set_acts([early.act("early", born=born), late.act("late", born=born + SECOND)])
        await settled(loops)
    assert (early.names, late.names) == (["c", "d"], ["d"])


async def test_a_restart_goes_on_where_it_was(world: World) -> None:
    first, second = Performer(), Performer()
    async with world.running([noting()], acts=[first.act()]) as loops:
        await world.say("a", "b")
        await settled(loops)
    await world.say("c")
    async with world.running([noting()], acts=[second.act()]) as loops:
        await settled(loops)
    assert second.names == ["c"]


async def test_what_was_not_settled_before_a_crash_is_performed_again(world: World) -> None:
    first, second = Performer(), Performer()
    async with world.running([noting()], acts=[first.act()]) as loops:
        await world.say("a")
        await settled(loops)
        first.open.clear()
        await world.say("b", "c")
        await first.until(3)
        world.power = False
    async with world.running([noting()], acts=[second.act()]) as loops:
        await settled(loops)
    assert second.made == [("b", 1), ("c", 1)]


async def test_what_has_a_row_is_not_performed_as_fresh_after_a_crash(world: World) -> None:
    """The position stands before `slow`; `later` and `never` behind it are settled by their rows."""
    first = Performer(by_name={"later": Retry("busy"), "never": Refused("no such receiver")})
    second = Performer()
    async with world.running([noting()], acts=[first.act()]):
        first.open.clear()
        await world.say("slow")
        await first.until(1)
        first.open = asyncio.Event()
        first.open.set()
        await world.say("later", "never")
        await soon(lambda: bool(world.ask(parked.count)) and bool(world.ask(parked.earliest)))
        world.power = False
    async with world.running([noting()], acts=[second.act()]) as loops:
        await settled(loops)
        assert second.made == [("slow", 1)]
        await world.clock.advance(10)
        await settled(loops)
    assert second.made == [("slow", 1), ("later", 2)]


async def test_a_two_hour_schedule_is_kept_to_the_second(world: World) -> None:
    """RM-15"""
    performer = Performer(*[Retry("503")] * 10)
    async with world.running([noting()], acts=[performer.act(schedule=SCHEDULE)]) as loops:
        await world.say("a")
        await settled(loops)
        for number, gap in enumerate(SCHEDULE, start=1):
            assert performer.made == [("a", attempt) for attempt in range(1, number + 1)]
            await world.clock.advance(gap - 0.001)
            await settled(loops)
            assert len(performer.made) == number
            await world.clock.advance(0.001)
            await settled(loops)
        assert len(performer.made) == 10
        assert performer.given_up == [("a", "503", 10)]
        await world.clock.advance(7200)
        await settled(loops)
    assert len(performer.made) == 10
    (one,) = world.ask(parked.find)
    assert (one.case.who, one.case.seq, one.attempts, one.why) == (SEND, 1, 10, "503")
    assert world.journal.names() == ["gave up a"]
    assert world.ask(parked.earliest) == {}


async def test_the_world_may_say_when_to_come_back(world: World) -> None:
    performer = Performer(Retry("429", after=2.5), Retry("429", after=float("inf")))
    async with world.running(acts=[performer.act()]) as loops:
        await world.say("a")
        await settled(loops)
        await world.clock.advance(2.5)
        await settled(loops)
        assert len(performer.made) == 2
        (due,) = world.ask(parked.earliest).values()
        assert due == world.clock.now() + 86_400 * SECOND


async def test_retries_survive_a_restart(world: World) -> None:
    first, second = Performer(Retry("503")), Performer()
    async with world.running([noting()], acts=[first.act()]) as loops:
        await world.say("a")
        await settled(loops)
    async with world.running([noting()], acts=[second.act()]) as loops:
        await settled(loops)
        assert second.made == []
        await world.clock.advance(10)
        await settled(loops)
    assert second.made == [("a", 2)]


async def test_what_is_refused_is_parked_at_once_and_not_called_given_up(world: World) -> None:
    performer = Performer(Refused("410 Gone"))
    async with world.running(acts=[performer.act()]) as loops:
        await world.say("a", "b")
        await settled(loops)
    assert performer.names == ["a", "b"]
    assert performer.given_up == []
    (one,) = world.ask(parked.find)
    assert (one.case.seq, one.attempts, one.why) == (1, 1, "410 Gone")


async def test_a_skipped_event_leaves_nothing(world: World) -> None:
    performer = Performer(Skipped())
    async with world.running(acts=[performer.act()]) as loops:
        await world.say("a")
        await settled(loops)
    assert position(world) == 1
    assert world.ask(parked.count) == {} == world.ask(parked.earliest)


async def test_what_an_act_does_not_want_is_settled_without_an_attempt(world: World) -> None:
    performer = Performer()
    act = performer.act(wants=lambda event: name_of(event).startswith("mine"))
    async with world.running([noting()], acts=[act]) as loops:
        await world.say("other", "mine 1", "another", "mine 2", "third")
        await settled(loops)
    assert performer.names == ["mine 1", "mine 2"] and position(world) == 5


async def test_what_was_read_for_an_act_that_wanted_less_is_read_again_for_one_that_wants_more(
    world: World,
) -> None:
    performer = Performer()
    few = performer.act(concurrency=1, wants=lambda event: name_of(event).startswith("mine"))
    async with world.running([noting()], acts=[few]) as loops:
        performer.open.clear()
        await world.say("mine 1", "mine 2", "other")
        await performer.until(1)
        loops.set_acts([performer.act(concurrency=1)])
        performer.open.set()
        await settled(loops)
    assert performer.names == ["mine 1", "mine 2", "other"]


async def test_an_act_that_cannot_say_what_it_wants_is_asked_to_perform(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: AnyEvent) -> bool:
        raise ZeroDivisionError

    performer = Performer()
    async with world.running([noting()], acts=[performer.act(wants=fails)]) as loops:
        await world.say("one")
        await settled(loops)
    assert performer.names == ["one"] and "could not say whether it wants" in caplog.text


async def test_an_act_prepares_what_it_wants_of_what_was_read_before_any_of_it_begins(world: World) -> None:
    performer = Performer()
    prepared: list[tuple[list[str], int]] = []

    def prepare(events: Sequence[AnyEvent]) -> None:
        prepared.append(([name_of(event) for event in events], len(performer.made)))

    act = performer.act(wants=lambda event: name_of(event).startswith("mine"), prepare=prepare)
    async with world.running([noting()], acts=[act]) as loops:
        await world.say("other", "mine 1", "another", "mine 2")
        await settled(loops)
    assert prepared == [(["mine 1", "mine 2"], 0)] and performer.names == ["mine 1", "mine 2"]


async def test_an_act_that_cannot_prepare_performs_all_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: Sequence[AnyEvent]) -> None:
        raise ZeroDivisionError

    performer = Performer()
    async with world.running([noting()], acts=[performer.act(prepare=fails)]) as loops:
        await world.say("one")
        await settled(loops)
    assert performer.names == ["one"] and "could not prepare" in caplog.text


async def test_an_exception_is_tried_again_by_the_schedule_and_then_parked(world: World) -> None:
    performer = Performer(by_name={"a": KeyError("cart")})
    async with world.running(acts=[performer.act(schedule=(10,))]) as loops:
        await world.say("a")
        await settled(loops)
        await world.say("b")
        await world.clock.advance(10)
        await settled(loops)
    assert sorted(performer.made) == [("a", 1), ("a", 2), ("b", 1)]
    (one,) = world.ask(parked.find)
    assert one.why == "KeyError: 'cart'"


async def test_no_outcome_and_a_cancellation_from_within_are_tried_again_too(world: World) -> None:
    performer = Performer(None, asyncio.CancelledError())  # what a careless act does
    async with world.running(acts=[performer.act(concurrency=1)]) as loops:
        await world.say("a", "b", "c")
        await settled(loops)
        await world.clock.advance(10)
        await settled(loops)
    assert sorted(performer.made) == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 1)]


async def test_giving_up_that_fails_parks_all_the_same(world: World) -> None:
    def gave_up(*_: object) -> list[object]:
        raise ZeroDivisionError

    performer = Performer(Retry("no"))
    async with world.running(acts=[performer.act(schedule=(), gave_up=gave_up)]) as loops:
        await world.say("a")
        await settled(loops)
    assert world.ask(parked.count) == {SEND: 1}


async def test_a_slow_act_does_not_delay_another(world: World) -> None:
    slow, quick = Performer(), Performer()
    slow.open.clear()
    async with world.running([noting()], acts=[slow.act("slow", concurrency=1), quick.act("quick")]) as loops:
        await world.say(*map(str, range(200)))
        await quick.until(200)
        assert len(slow.made) == 1
        assert loops.lag()[Who(ACT, "slow")] == 200
        slow.open.set()
        await settled(loops)
        assert loops.lag() == {Who(FOLD, "notes"): 0, Who(ACT, "slow"): 0, Who(ACT, "quick"): 0}


async def test_failing_rows_take_no_more_than_half_of_the_places(world: World) -> None:
    performer = Performer(*[Retry("503")] * 40)
    async with world.running(acts=[performer.act(concurrency=4, schedule=(10, 10_000))]) as loops:
        await world.say(*[f"old {number}" for number in range(40)])
        await settled(loops)
        performer.made.clear()
        performer.open.clear()
        await world.clock.advance(10)
        await performer.until(2)
        await world.say(*[f"new {number}" for number in range(40)])
        await performer.until(4)
        await asyncio.sleep(0.01)
        assert [name[:3] for name in performer.names] == ["old", "old", "new", "new"]
        performer.open.set()
        await settled(loops)
    assert len(performer.made) == 80


async def test_with_one_place_rows_and_fresh_events_take_turns(world: World) -> None:
    performer = Performer(*[Retry("503")] * 5)
    async with world.running(acts=[performer.act(concurrency=1)]) as loops:
        await world.say(*[f"old {number}" for number in range(5)])
        await settled(loops)
        performer.made.clear()
        performer.open.clear()
        await world.clock.advance(10)
        await performer.until(1)
        await world.say(*[f"new {number}" for number in range(5)])
        await soon(lambda: loops._context.horizon.seq == 10)
        performer.open.set()
        await settled(loops)
    assert [name[:3] for name in performer.names] == ["old", "new"] * 5


async def test_stopping_gives_what_is_under_way_its_grace(world: World) -> None:
    performer = Performer()
    async with world.running([noting()], acts=[performer.act(concurrency=1)]) as loops:
        await world.say("a")
        await settled(loops)
        performer.open.clear()
        await world.say("b", "c")
        await performer.until(2)
        stopping = asyncio.create_task(loops.stop(grace=30))
        await world.clock.settle()
        await world.clock.advance(29)
        assert not stopping.done()
        performer.open.set()
        await stopping
    assert performer.ended == ["a", "b"]
    assert position(world) == 2


async def test_a_stuck_performance_is_cancelled_after_the_grace_and_stays_unsettled(world: World) -> None:
    stuck, next_time = Performer(), Performer()
    async with world.running([noting()], acts=[stuck.act()]) as loops:
        await world.say("a")
        await settled(loops)
        stuck.open.clear()
        await world.say("b")
        await stuck.until(2)
        stopping = asyncio.create_task(loops.stop(grace=30))
        await world.clock.settle()
        await world.clock.advance(30)
        await asyncio.wait_for(stopping, 60)
    assert stuck.ended == ["a"]
    assert position(world) == 1
    async with world.running([noting()], acts=[next_time.act()]) as loops:
        await settled(loops)
    assert next_time.made == [("b", 1)]


async def test_acts_come_and_go_while_it_runs(world: World) -> None:
    old, new = Performer(), Performer()
    async with world.running([noting()], acts=[old.act("old")]) as loops:
        await world.say("a")
        await settled(loops)
        loops.set_acts([new.act("new", since=0)])
        await world.say("b")
        await settled(loops)
        assert (old.names, new.names) == (["a"], ["a", "b"])
        loops.set_acts([old.act("old"), new.act("new")])
        await settled(loops)
        assert old.names == ["a", "b"]


async def test_an_act_that_is_removed_ends_what_it_began_and_is_not_doubled_when_it_returns(
    world: World,
) -> None:
    first, second = Performer(), Performer()
    first.open.clear()
    async with world.running(acts=[first.act(concurrency=1)]) as loops:
        await world.say("a", "b")
        await first.until(1)
        loops.set_acts([])
        loops.set_acts([second.act(concurrency=1)])
        await asyncio.sleep(0.01)
        assert second.names == []
        first.open.set()
        await settled(loops)
    assert (first.names, second.names) == (["a"], ["b"])


async def test_an_act_that_is_replaced_goes_on_with_the_new_kinds(world: World) -> None:
    first, second = Performer(), Performer()
    async with world.running(acts=[first.act(kinds=frozenset(("order.created",)))]) as loops:
        await world.say("a")
        await settled(loops)
        loops.set_acts([second.act()])
        await world.say("b")
        await settled(loops)
    assert (first.names, second.names) == ([], ["b"])


async def test_what_was_read_for_the_kinds_before_is_not_performed_for_the_new_ones(world: World) -> None:
    first, second = Performer(), Performer()
    first.open.clear()
    async with world.running(acts=[first.act(concurrency=1)]) as loops:
        await world.say("a", "b", "c")
        await first.until(1)
        loops.set_acts([second.act(kinds=FOLLOWED)])
        first.open.set()
        await settled(loops)
    assert (first.names, second.names) == (["a"], [])


async def test_two_acts_of_one_name_are_refused(world: World) -> None:
    async with world.running() as loops:
        with pytest.raises(ValueError, match="two of send"):
            loops.set_acts([Performer().act(), Performer().act()])


async def test_a_long_performance_does_not_hold_the_position_for_ever(world: World) -> None:
    """What a crash repeats is bounded: the straggler has a row, the thousand behind it are settled."""
    first, second = Performer(), Performer()
    async with world.running([noting()], acts=[first.act(concurrency=2)]) as loops:
        first.open.clear()
        await world.say("slow")
        await first.until(1)
        held, first.open = first.open, asyncio.Event()
        first.open.set()
        await world.say(*map(str, range(1_200)))
        await first.until(1_201)
        await soon(lambda: loops.lag()[SEND] < 200)
        await loops.stop(grace=0)
        assert not held.is_set()
    assert position(world) > 1_000
    async with world.running([noting()], acts=[second.act()]) as loops:
        await settled(loops)
    assert ("slow", 1) in second.made
    assert len(second.made) < 200


async def test_a_straggler_that_ends_leaves_no_row(world: World) -> None:
    performer = Performer()
    async with world.running(acts=[performer.act(concurrency=2)]) as loops:
        performer.open.clear()
        await world.say("slow")
        await performer.until(1)
        held, performer.open = performer.open, asyncio.Event()
        performer.open.set()
        await world.say(*map(str, range(1_200)))
        await soon(lambda: bool(world.ask(parked.earliest)))
        held.set()
        await settled(loops)
    assert performer.names.count("slow") == 1
    assert world.ask(parked.earliest) == {}


async def test_a_parked_case_can_be_looked_at_put_back_and_dropped(world: World) -> None:
    performer = Performer(*[Retry("503")] * 4)
    async with world.running(acts=[performer.act(schedule=(10,))]) as loops:
        await world.say("a", "b")
        await settled(loops)
        await world.clock.advance(10)
        await settled(loops)
        assert world.ask(parked.count) == {SEND: 2}
        case = world.ask(lambda c: parked.look(c, SEND, 1))
        assert case is not None and case.case.event == world.journal.entries[0].id
        assert world.ask(lambda c: parked.drop(c, SEND, 2)) == 1
        assert world.ask(lambda c: parked.retry(c, SEND, now=world.clock.now())) == 1
        await in_time(world, lambda: ("a", 3) in performer.made)
        await settled(loops)
    assert world.ask(parked.count) == {} == world.ask(parked.earliest)
    assert performer.made[-1] == ("a", 3)


async def test_a_case_that_was_put_back_has_the_whole_schedule_before_it(world: World) -> None:
    performer = Performer(*[Retry("503")] * 3)
    async with world.running(acts=[performer.act(schedule=(10,))]) as loops:
        await world.say("a")
        await settled(loops)
        await world.clock.advance(10)
        await settled(loops)
        world.ask(lambda c: parked.retry(c, SEND, 1, now=world.clock.now()))
        await in_time(world, lambda: ("a", 3) in performer.made)
        await settled(loops)
        assert world.ask(parked.count) == {}
        await world.clock.advance(10)
        await settled(loops)
    assert performer.made == [("a", 1), ("a", 2), ("a", 3), ("a", 4)]


async def test_what_a_fold_could_not_remember_is_replayed_not_retried(world: World) -> None:
    case = Case(Who(FOLD, "people"), 1, "id", "1")
    world.ask(lambda c: parked.park(c, Parked(case, 1, "why", 0)))
    with pytest.raises(OperatorError, match="heliograph replay people"):
        world.ask(lambda c: parked.retry(c, case.who, 1, now=0))


async def test_nothing_is_performed_while_a_fold_starts_over(world: World) -> None:
    """A mail must not go out because the suppressions are being folded again."""
    performer = Performer(Retry("503"))
    broken = False
    tried: list[int] = []

    def apply(_: Connection, events: Sequence[AnyEvent]) -> None:
        tried.append(len(events))
        if broken:
            raise MemoryError

    fold = Fold("suppressions", SAID, (), apply)
    async with world.running([fold, noting()], acts=[performer.act()]) as loops:
        await world.say("a")
        await settled(loops)
        broken = True
        loops.replay(fold)
        await world.say("b")
        await world.clock.advance(11)
        await in_time(world, lambda: len(tried) > 3)
        assert performer.made == [("a", 1)]
        broken = False
        await in_time(world, lambda: len(performer.made) == 3)
        await settled(loops)
    assert sorted(performer.made) == [("a", 1), ("a", 2), ("b", 1)]


async def test_a_replay_waits_for_what_is_under_way(world: World) -> None:
    performer = Performer()
    performer.open.clear()
    fold = noting()
    async with world.running([fold], acts=[performer.act()]) as loops:
        await world.say("a")
        await performer.until(1)
        world.ask(lambda connection: replaying.ask_replay(connection, fold))
        for _ in range(12):
            await world.clock.advance(0.5)
            await asyncio.sleep(0.002)
        assert len(world.notes()) == 1
        assert world.ask(replaying.asked) == ["notes"]
        performer.open.set()
        await in_time(world, lambda: not world.ask(replaying.asked))
        await settled(loops)
    assert len(world.notes()) == 1


async def test_what_waits_for_an_act_is_erased_with_the_person(world: World) -> None:
    """Events read before an erasure are read again: they are erased in the journal, and so for the act."""
    performer = Performer()
    performer.open.clear()
    async with world.running([noting()], acts=[performer.act(concurrency=1)]) as loops:
        await world.say("a", "b", "c")
        await performer.until(1)
        await soon(lambda: loops.lag()[Who(FOLD, "notes")] == 0)
        await world.journal.redact(["person:1"], account=ACCOUNT, replacement="erased:1")
        erased = make(PersonErased(person="1"), account=ACCOUNT, subject="erased:1", now=world.clock.now())
        await world.journal.append([encode(erased)])
        await soon(lambda: loops._context.horizon.seq == 4)
        performer.open.set()
        await settled(loops)
    assert performer.names == ["a", "None", "None"]


async def test_a_row_whose_event_was_erased_says_nothing_of_it(world: World) -> None:
    performer = Performer(Retry("503"))
    async with world.running(acts=[performer.act()]) as loops:
        await world.say("a")
        await settled(loops)
        await world.journal.redact(["person:1"], account=ACCOUNT, replacement="erased:1")
        await world.clock.advance(10)
        await settled(loops)
    assert performer.made == [("a", 1), ("None", 2)]


async def test_a_row_whose_event_is_in_the_journal_no_more_is_parked(world: World) -> None:
    performer = Performer(Retry("503"))
    async with world.running(acts=[performer.act()]) as loops:
        await world.say("a")
        await settled(loops)
        world.journal.gone = {1}
        await world.clock.advance(10)
        await settled(loops)
    (one,) = world.ask(parked.find)
    assert one.why == "the event is in the journal no more"
    assert performer.made == [("a", 1)]


async def test_an_act_loop_that_dies_begins_again_and_harms_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    performer, other = Performer(), Performer()
    async with world.running([noting()], acts=[performer.act(), other.act("other")]) as loops:
        await world.say("a")
        await settled(loops)
        loops.set_acts([performer.act(kinds=1), other.act("other")])  # a bug: nothing can be in 1
        await world.say("b")
        await soon(lambda: "begun again" in caplog.text)
        await other.until(2)
        loops.set_acts([performer.act(), other.act("other")])
        await world.clock.advance(1)
        await settled(loops)
    assert performer.names == other.names == ["a", "b"]
