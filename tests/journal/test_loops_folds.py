"""Folds: together, once, never stopped by one event, and replayed to the same state."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from loops_world import NOTES, SAID, World, in_time, name_of, noting, settled, soon
from sqlalchemy import Connection, insert, select

from heliograph.errors import OperatorError
from heliograph.events.event import AnyEvent
from heliograph.journal import parked, positions, replaying
from heliograph.journal.consumer import Act, Delivered, Fold, Reaction
from heliograph.journal.positions import ACT, FOLD, Who
from heliograph.journal.replaying import replay
from heliograph.journal.state_writer import StateWriter


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_fold_remembers_what_is_said_in_the_order_of_each_subject(world: World) -> None:
    async with world.running([noting()]) as loops:
        for number in range(300):
            await world.say(str(number), subject=f"person:{number % 7}")
        await settled(loops)
    told = {entry.id: (entry.subject, entry.seq) for entry in world.journal.entries}
    by_place = sorted(world.notes(), key=lambda note: (note[1], note[2]))
    assert [note[0] for note in by_place] == sorted(told, key=told.__getitem__)


async def test_folds_in_one_place_share_a_transaction_with_their_positions(world: World) -> None:
    async with world.running([noting("a"), noting("b")]) as loops:
        await world.say("x", "y")
        await settled(loops)
        await world.say("z")
        await settled(loops)
    found = world.ask(positions.load)
    assert found == {Who(FOLD, "a"): 3, Who(FOLD, "b"): 3}
    assert [len(world.notes(fold)) for fold in ("a", "b")] == [3, 3]


async def test_a_fold_waits_for_the_disk_only_where_the_events_may_be_gone(world: World) -> None:
    """Retention removes what is old and folded: so that must not be taken back by a power cut."""
    flushed = []

    def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
        flushed.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2)

    await world.say("long ago")
    await world.clock.advance(2 * 3600)
    async with world.running([Fold("watching", SAID, (), apply)]) as loops:
        await settled(loops)
        await world.say("now")
        await settled(loops)
    assert flushed == [True, False]


async def test_a_commit_that_fails_is_made_again_and_nothing_is_remembered_twice(world: World) -> None:
    async with world.running([noting()]) as loops:
        await settled(loops)
        world.fail_commit = 1
        await world.say("x")
        await soon(lambda: not world.fail_commit)
        await in_time(world, lambda: loops.lag()[Who(FOLD, "notes")] == 0 and loops.head == 1)
        await settled(loops)
    assert len(world.notes()) == 1


async def test_a_bad_event_is_parked_and_the_next_ones_are_remembered(world: World) -> None:
    async with world.running([noting(bad=lambda name: name == "bad"), noting("other")]) as loops:
        await world.say(*"abcde", "bad", *"fgh")
        await settled(loops)
    assert len(world.notes()) == 8
    assert len(world.notes("other")) == 9
    (one,) = world.ask(parked.find)
    assert one.case.who == Who(FOLD, "notes")
    assert one.case.seq == 6
    assert one.case.event == world.journal.entries[5].id
    assert "ZeroDivisionError: bad" in one.why
    assert "loops_world.py" in one.why
    assert world.ask(positions.load)[Who(FOLD, "notes")] == 9


async def test_a_fold_that_fails_at_everything_does_not_stop_the_others(world: World) -> None:
    async with world.running([noting(bad=lambda _: True), noting("other")]) as loops:
        await world.say(*map(str, range(50)))
        await settled(loops)
    assert world.ask(parked.count) == {Who(FOLD, "notes"): 50}
    assert len(world.notes("other")) == 50


async def test_what_a_parked_event_says_about_people_stays_out_of_the_account(world: World) -> None:
    """A statement's values are a person's data; NUL and lone surrogates would break the parking itself."""

    def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
        if name_of(events[0]) == "twice":
            row = {"fold": "f", "id": "kim@example.com"}
            connection.execute(insert(NOTES), [row, row])
        raise ValueError("nul \0 and \ud800 surrogate")

    async with world.running([Fold("f", SAID, (NOTES,), apply)]) as loops:
        await world.say("twice")
        await world.say("strange")
        await settled(loops)
    strange, twice = world.ask(parked.find)
    assert "kim@example.com" not in twice.why and "IntegrityError" in twice.why
    assert "nul \\0 and \\ud800 surrogate" in strange.why


async def test_a_new_fold_is_caught_up_by_itself_and_then_goes_with_the_others(world: World) -> None:
    async with world.running([noting("old")]) as loops:
        await world.say(*map(str, range(500)))
        await settled(loops)
    given: list[int] = []

    def apply(_: Connection, events: Sequence[AnyEvent]) -> None:
        given.append(len(events))

    async with world.running([noting("old"), Fold("new", SAID, (), apply)]) as loops:
        await world.say("x")
        await settled(loops)
        assert sum(given) == 501
        given.clear()
        await world.say("y", "z")
        await settled(loops)
        assert given == [2]
    assert len(world.notes("old")) == 503


async def test_a_replayed_fold_remembers_the_same_and_nothing_else_is_touched(world: World) -> None:
    dice = random.Random(7)  # noqa: S311 - the same throws each time
    async with world.running([noting(), noting("other")]) as loops:
        for number in range(400):
            await world.say(str(number), subject=f"person:{dice.randrange(20)}")
        await settled(loops)
    live, other = world.notes(), world.notes("other")
    # `other` shares the table only in this test: what is emptied is the fold's own.
    fold = Fold("notes", SAID, (), noting().apply)
    writer = StateWriter(world.engine)
    progress: list[tuple[int, int]] = []
    world.ask(lambda connection: connection.execute(NOTES.delete().where(NOTES.c.fold == "notes")))
    applied = await replay(
        fold,
        journal=world.journal,
        writer=writer,
        clock=world.clock,
        progress=lambda at, head: progress.append((at, head)),
    )
    await writer.close()
    assert applied == 400
    assert progress[-1] == (400, 400)
    assert world.notes() == live
    assert world.notes("other") == other
    assert world.ask(positions.load)[Who(FOLD, "other")] == 400


async def test_a_replay_empties_the_tables_and_forgets_what_was_parked(world: World) -> None:
    async with world.running([noting(bad=lambda name: name == "bad")]) as loops:
        await world.say("a", "bad", "c")
        await settled(loops)
    world.ask(lambda connection: connection.execute(insert(NOTES).values(fold="notes", id="stale")))
    writer = StateWriter(world.engine)
    await replay(noting(), journal=world.journal, writer=writer, clock=world.clock)
    await writer.close()
    assert [note[0] for note in world.notes()] == sorted(entry.id for entry in world.journal.entries)
    assert world.ask(parked.count) == {}


async def test_only_a_fold_can_be_replayed(world: World) -> None:
    async def perform(*_: object) -> Delivered:
        return Delivered()

    writer = StateWriter(world.engine)
    for other in (Act("send", SAID, perform), Reaction("decide", SAID, lambda *_: ())):
        with pytest.raises(TypeError, match="only a fold can be replayed"):
            await replay(other, journal=world.journal, writer=writer, clock=world.clock)
        with pytest.raises(TypeError, match="only a fold can be replayed"):
            world.ask(lambda connection, other=other: replaying.start_over(connection, other))
    await writer.close()


async def test_a_replay_asked_for_while_the_engine_runs_is_done_by_it(world: World) -> None:
    async with world.running([noting(), noting("other")]) as loops:
        await world.say(*map(str, range(100)))
        await settled(loops)
        world.ask(lambda connection: connection.execute(NOTES.update().values(place=-1)))
        world.ask(lambda connection: replaying.ask_replay(connection, noting()))
        await in_time(world, lambda: not world.ask(replaying.asked))
        await world.say("x")
        await settled(loops)
    assert sorted(place for _, _, place in world.notes()) == list(range(101))


async def test_a_fold_reset_by_somebody_else_is_noticed_and_fed_again(world: World) -> None:
    async with world.running([noting()]) as loops:
        await world.say("a", "b")
        await settled(loops)
        world.ask(lambda connection: replaying.start_over(connection, noting()))
        await world.say("c")
        await settled(loops)
    assert sorted(place for _, _, place in world.notes()) == [0, 1, 2]


async def test_a_replay_beside_an_engine_says_what_to_do(world: World) -> None:
    await world.say(*map(str, range(10)))
    writer = StateWriter(world.engine)

    def interfere(_: int, __: int) -> None:
        world.ask(lambda connection: connection.execute(positions.POSITIONS.update().values(seq=0)))

    with pytest.raises(OperatorError, match="an engine is running"):
        await replay(noting(), journal=world.journal, writer=writer, clock=world.clock, progress=interfere)
    await writer.close()


async def test_folds_survive_a_restart_without_repeating(world: World) -> None:
    given: list[str] = []

    def apply(_: Connection, events: Sequence[AnyEvent]) -> None:
        given.extend(name_of(event) for event in events)

    fold = Fold("f", SAID, (), apply)
    async with world.running([fold]) as loops:
        await world.say("a", "b")
        await settled(loops)
    async with world.running([fold]) as loops:
        await world.say("c")
        await settled(loops)
    assert given == ["a", "b", "c"]


async def test_events_that_no_fold_wants_move_positions_too(world: World) -> None:
    fold = Fold("f", frozenset(("order.created",)), (), lambda *_: None)
    async with world.running([fold]) as loops:
        await world.say("a", "b")
        await settled(loops)
        assert loops.lag() == {Who(FOLD, "f"): 0}
    assert world.ask(lambda c: c.execute(select(positions.POSITIONS.c.seq)).scalar()) == 2
    assert Who(ACT, "f") not in world.ask(positions.load)
