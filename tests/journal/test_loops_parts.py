"""The parts of the loops, each by itself: the writer of state, verdicts, the source, the bell."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops_world import ACCOUNT, NOTES, TABLES, WatchedJournal
from sqlalchemy import Connection, Engine, event, insert, select
from sqlalchemy.exc import OperationalError

from heliograph.clock import SECOND, ManualClock
from heliograph.database import memory_state, open_state
from heliograph.errors import Unavailable
from heliograph.events.codec import encode, make
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent, Record
from heliograph.journal import isolating, source
from heliograph.journal.bell import Bell
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry, Skipped
from heliograph.journal.memory import MemoryJournal
from heliograph.journal.settling import Again, Done, GiveUp, verdict
from heliograph.journal.source import Source
from heliograph.journal.state_writer import UNFLUSHED, StateWriter, passing, savepoint

KIND = frozenset(("custom",))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_state(tmp_path)
    TABLES.create_all(engine)
    return engine


def noted(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(NOTES.c.id).order_by(NOTES.c.id)).scalars())


def note(name: str, fail: Exception | None = None) -> Callable[[Connection], str]:
    """What notes a name, and then perhaps fails."""

    def write(connection: Connection) -> str:
        connection.execute(insert(NOTES).values(fold="f", id=name))
        if fail is not None:
            raise fail
        return name

    return write


def flushes(connection: Connection) -> bool:
    """Whether what is committed is on disk then (sqlite.org/pragma.html#pragma_synchronous: 2 is FULL)."""
    return bool(connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2)


async def test_what_waits_shares_one_transaction_and_each_answer_finds_its_asker(engine: Engine) -> None:
    writer, commits = StateWriter(engine), list[int]()
    begun, gate = threading.Event(), threading.Event()
    event.listen(engine, "commit", lambda _: commits.append(1))

    def hold(_: Connection) -> bool:
        begun.set()
        return gate.wait(60)

    first = asyncio.create_task(writer.run(hold))
    await asyncio.to_thread(begun.wait, 60)
    rest = [asyncio.create_task(writer.run(note(str(number)))) for number in range(20)]
    await asyncio.sleep(0)
    gate.set()
    assert await first
    assert await asyncio.gather(*rest) == [str(number) for number in range(20)]
    await writer.close()
    assert len(commits) == 2
    assert len(noted(engine)) == 20


async def test_what_is_asked_for_in_one_turn_shares_one_transaction(engine: Engine) -> None:
    writer, commits = StateWriter(engine), list[int]()
    event.listen(engine, "commit", lambda _: commits.append(1))
    await asyncio.gather(*(writer.run(note(str(number))) for number in range(5)))
    await writer.close()
    assert len(commits) == 1


async def test_what_can_be_made_again_waits_for_no_disk_and_what_cannot_flushes_all(engine: Engine) -> None:
    writer = StateWriter(engine)
    alone = await writer.run(flushes, durable=False)
    together = await asyncio.gather(writer.run(flushes, durable=False), writer.run(flushes))
    after = await writer.run(flushes, durable=False)
    await writer.close()
    assert (alone, together, after) == (False, [True, True], False)


async def test_a_power_cut_takes_back_a_few_transactions_at_most(engine: Engine) -> None:
    writer = StateWriter(engine)
    found = [await writer.run(flushes, durable=False) for _ in range(UNFLUSHED + 2)]
    await writer.close()
    assert found == [False] * UNFLUSHED + [True, False]


async def test_one_that_fails_takes_no_other_with_it(engine: Engine) -> None:
    writer = StateWriter(engine)
    found = await asyncio.gather(
        writer.run(note("a")),
        writer.run(note("b", KeyError("b"))),
        writer.run(note("c")),
        return_exceptions=True,
    )
    await writer.close()
    assert [type(one) for one in found] == [str, KeyError, str]
    assert noted(engine) == ["a", "c"]


async def test_a_commit_that_fails_is_nobodys_success(engine: Engine) -> None:
    writer = StateWriter(engine)

    def fail(_: Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(engine, "commit", fail)
    found = await asyncio.gather(writer.run(note("a")), writer.run(note("b")), return_exceptions=True)
    assert [type(one) for one in found] == [Unavailable, Unavailable]
    event.remove(engine, "commit", fail)
    assert await writer.run(note("c")) == "c"
    await writer.close()
    assert noted(engine) == ["c"]


async def test_nothing_is_written_after_the_database_gave_up_the_transaction(engine: Engine) -> None:
    """SQLite rolls a transaction back by itself when the disk is full: what follows would commit line by line."""
    writer = StateWriter(engine)

    def full_disk(connection: Connection) -> None:
        connection.execute(insert(NOTES).values(fold="f", id="lost"))
        connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr]  # as SQLite does then
        raise sqlite3.OperationalError("database or disk is full")

    def nested(connection: Connection) -> None:
        with savepoint(connection):
            full_disk(connection)

    for function in (full_disk, nested):
        with pytest.raises(Unavailable):
            await writer.run(function)
    assert await writer.run(note("next")) == "next"
    await writer.close()
    assert noted(engine) == ["next"]


async def test_closing_finishes_what_was_handed_over_and_takes_no_more(engine: Engine) -> None:
    writer = StateWriter(engine)
    last = [asyncio.create_task(writer.run(note(str(number)))) for number in range(5)]
    await asyncio.sleep(0)
    await writer.close()
    assert [await one for one in last] == ["0", "1", "2", "3", "4"]
    with pytest.raises(RuntimeError, match="closed"):
        await writer.run(note("late"))


def test_a_full_disk_passes_and_a_wrong_statement_does_not(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(OperationalError) as wrong:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    assert not passing(wrong.value)
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    assert passing(OperationalError("INSERT", {}, full))
    assert passing(Unavailable("busy"))
    assert not passing(ZeroDivisionError())


@pytest.mark.parametrize(
    ("outcome", "attempt", "follows"),
    [
        (Delivered("250"), 1, Done()),
        (Skipped(), 1, Done()),
        (Refused("410"), 1, GiveUp("410", exhausted=False)),
        (Retry("503"), 1, Again(10, "503")),
        (Retry("503"), 2, Again(60, "503")),
        (Retry("503"), 3, GiveUp("503", exhausted=True)),
        (Retry("429", after=2.0), 2, Again(2.0, "429")),
        (Retry("429", after=2.0), 3, GiveUp("429", exhausted=True)),
        (Retry("429", after=0.0), 1, Again(0.0, "429")),
        (Retry("429", after=-5.0), 1, Again(0.0, "429")),
        (Retry("429", after=float("inf")), 1, Again(86_400.0, "429")),
        (Retry("\ud800\0"), 1, Again(10, "\\ud800\\0")),
    ],
)
def test_what_follows_from_an_outcome(outcome: Outcome, attempt: int, follows: Done | Again | GiveUp) -> None:
    assert verdict(outcome, (10, 60), attempt) == follows


@given(st.sets(st.integers(0, 40)), st.integers(1, 40))
def test_exactly_the_bad_events_are_found_and_the_others_given_in_order(bad: set[int], number: int) -> None:
    events = [
        make(Custom(name=str(place)), account=ACCOUNT, subject="x:1", now=place) for place in range(number)
    ]
    given_, failed = [], []

    def give(some: Sequence[AnyEvent]) -> None:
        if any(one.at in bad for one in some):
            raise ValueError
        given_.extend(one.at for one in some)

    engine = memory_state()
    with engine.begin() as connection:
        isolating.feed(connection, events, give, lambda one, _: failed.append(one.at))
    assert given_ == [place for place in range(number) if place not in bad]
    assert failed == sorted(place for place in bad if place < number)


async def test_no_event_is_blamed_when_the_database_gave_up_the_transaction(engine: Engine) -> None:
    blamed: list[AnyEvent] = []
    one = make(Custom(name="x"), account=ACCOUNT, subject="x:1", now=1)

    def work(connection: Connection) -> None:
        def give(_: Sequence[AnyEvent]) -> None:
            connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr]  # as SQLite does
            raise sqlite3.OperationalError("database or disk is full")

        isolating.feed(connection, [one], give, lambda event, _: blamed.append(event))

    writer = StateWriter(engine)
    with pytest.raises(Unavailable):
        await writer.run(work)
    await writer.close()
    assert not blamed


async def test_recent_events_are_taken_from_memory_and_older_ones_from_the_journal() -> None:
    journal, said = MemoryJournal(), [str(number) for number in range(100)]
    await journal.append([_record(name) for name in said])
    kept = Source(journal)
    entries = await journal.read(60)
    kept.push(60, entries, [None] * len(entries))
    assert [one.seq for one in (await kept.take(70, KIND, 80, 100)).events] == list(range(71, 81))
    assert [one.seq for one in (await kept.take(0, KIND, 80, 10)).events] == list(range(1, 11))
    assert (await kept.take(0, KIND, 80, 1000)).reached == 80
    assert (await kept.take(90, frozenset(("order.created",)), 100, 10)) == ([], 100)
    assert (await kept.take(99, KIND, 100, 10)).events[0].event.id == entries[-1].id


@pytest.mark.parametrize(("entries", "size", "left"), [(10, 1 << 20, 10), (1000, 2_000, 14)])
async def test_what_is_kept_is_bounded(
    monkeypatch: pytest.MonkeyPatch, entries: int, size: int, left: int
) -> None:
    """By number and by bytes. What is there no more is asked of the journal, which has lost it in this test."""
    monkeypatch.setattr(source, "KEPT_ENTRIES", entries)
    monkeypatch.setattr(source, "KEPT_BYTES", size)
    journal = WatchedJournal()
    kept = Source(journal)
    await journal.append([_record(f"{place:0100d}") for place in range(100)])
    for at, entry in enumerate(await journal.read(0)):
        kept.push(at, [entry], [None])
    journal.gone = set(range(101))
    recent = await kept.take(100 - left // 2, KIND, 100, 1000)
    assert [one.seq for one in recent.events] == list(range(100 - left // 2 + 1, 101))
    assert (await kept.take(100 - 2 * left - 1, KIND, 100, 1000)).events == []


async def test_a_bell_rings_at_its_instant_and_can_be_set_anew() -> None:
    clock = ManualClock()
    bell = Bell(clock)
    bell.at(clock.now() + 100 * SECOND)
    bell.at(clock.now() + 50 * SECOND)
    waiting = asyncio.create_task(bell.wait())
    await clock.settle()
    await clock.advance(49.9)
    assert not waiting.done()
    await clock.advance(0.1)
    assert waiting.done()
    bell.clear()
    bell.at(clock.now() + 10 * SECOND)
    bell.close()
    again = asyncio.create_task(bell.wait())
    await clock.settle()
    await clock.advance(1000)
    assert not again.done()
    again.cancel()


def _record(name: str) -> Record:
    return encode(make(Custom(name=name), account=ACCOUNT, subject="x:1", now=1))
