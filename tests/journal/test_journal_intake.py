"""What waits for the disk: who goes first, and that everybody is told."""

from __future__ import annotations

import asyncio

import pytest
from journal_records import record

from heliograph.errors import JournalFull, Unavailable
from heliograph.journal.intake import MOST_BYTES, MOST_ROWS, Intake, Line, Parcel, size_of


def parcel(name: str, *, rows: int = 1, size: int = 100, of: int = 1) -> Parcel[str]:
    return Parcel([name] * of, rows, size, lambda _: None)


def names(parcels: list[Parcel[str]]) -> list[str]:
    return [parcel.items[0] for parcel in parcels]


def test_small_and_large_ones_take_turns() -> None:
    line: Line[str] = Line()
    for number in range(3):
        line.add(parcel(f"batch {number}", rows=900, size=900_000))
    for number in range(3):
        line.add(parcel(f"pixel {number}"))
    assert names(line.take()) == ["pixel 0", "pixel 1", "pixel 2"]
    line.add(parcel("pixel 3"))
    assert names(line.take()) == ["batch 0", "batch 1"]
    assert names(line.take()) == ["pixel 3"]
    assert names(line.take()) == ["batch 2"]
    assert not line
    assert line.take() == []
    for name in ("pixel 4", "pixel 5"):
        line.add(parcel(name))
        assert names(line.take()) == [name], "nobody waits for a turn that nobody takes"


def test_what_is_taken_at_once_is_bounded() -> None:
    line: Line[str] = Line()
    for number in range(100):
        line.add(parcel(f"turn {number}", rows=90, of=90))
    while line:
        assert sum(one.rows for one in line.take()) <= MOST_ROWS
    for number in range(20):
        line.add(parcel(f"batch {number}", rows=100, size=MOST_BYTES // 3))
    while line:
        assert sum(one.size for one in line.take()) <= MOST_BYTES


def test_large_ones_are_not_kept_waiting_by_many_small_ones() -> None:
    line: Line[str] = Line()
    line.add(parcel("batch", rows=MOST_ROWS * 3))
    for number in range(100):
        line.add(parcel(f"turn {number}", rows=90, of=90))
    assert "batch" in names(line.take()) + names(line.take())


async def test_one_turn_of_the_loop_is_one_parcel_and_large_appends_their_own() -> None:
    handed: list[Parcel[int]] = []
    intake: Intake[int] = Intake(handed.append, queue_limit=10_000, queue_bytes=1 << 30)
    futures = [intake.put(number, 1, 300) for number in range(10)]
    futures.append(intake.put(10, 1000, 300_000))
    await asyncio.sleep(0)
    assert [one.items for one in handed] == [[10], list(range(10))]
    assert [one.large for one in handed] == [True, False]
    assert intake.rows == 1010
    handed[0].settle([[True, False]])
    handed[1].settle([None] * 9 + [ValueError("no")])
    assert await futures[10] == [True, False]
    assert await asyncio.gather(*futures[:9]) == [None] * 9
    with pytest.raises(ValueError, match="no"):
        await futures[9]
    assert intake.rows == intake.size == 0


async def test_it_is_full_by_number_or_by_bytes_and_empties_again() -> None:
    handed: list[Parcel[int]] = []
    intake: Intake[int] = Intake(handed.append, queue_limit=3, queue_bytes=1000)
    first = intake.put(1, 2, 500)
    with pytest.raises(JournalFull) as refusal:
        intake.put(2, 2, 10)
    assert refusal.value.retry_after == 1
    with pytest.raises(JournalFull):
        intake.put(2, 1, 501)
    assert intake.refused == 2
    await asyncio.sleep(0)
    handed[0].fail(Unavailable("the disk is full"))
    with pytest.raises(Unavailable, match="disk"):
        await first
    intake.put(3, 5, 5000)
    intake.shut("closing")
    with pytest.raises(Unavailable, match="closing"):
        intake.put(4, 1, 1)
    intake.shut(None)


async def test_draining_returns_when_everybody_was_told() -> None:
    handed: list[Parcel[int]] = []
    intake: Intake[int] = Intake(handed.append, queue_limit=10, queue_bytes=1000)
    await intake.drained()
    future = intake.put(1, 1, 1)
    drained = asyncio.create_task(intake.drained())
    await asyncio.sleep(0)
    assert len(handed) == 1
    assert not drained.done()
    handed[0].settle([None])
    await drained
    assert future.done()


def test_the_envelope_counts_as_well() -> None:
    assert size_of([record(b"x" * 50)]) == 350
    assert size_of([record(b"x" * 50), record(b"x")]) == 651
