"""An engine that is killed at any moment: nothing is lost, what is promised once is there once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from loops_world import ACCOUNT, FOLLOWED, NOTES, TABLES, following, noting, said
from sqlalchemy import select

from heliograph.clock import SystemClock
from heliograph.database import METADATA, open_state
from heliograph.events.codec import encode, make
from heliograph.events.custom import Custom
from heliograph.journal.consumer import Act, Delivered
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal

EVENTS = 200
CHILD = Path(__file__).parent / "loops_child.py"


async def _fill(data: Path) -> None:
    """An installation that has begun, and then events."""

    async def perform(*_: object) -> Delivered:
        return Delivered()

    engine, clock = open_state(data), SystemClock()
    METADATA.create_all(engine)
    TABLES.create_all(engine)
    journal = await SqliteJournal.open(data)
    loops = Loops(
        journal=journal,
        engine=engine,
        clock=clock,
        folds=[noting(), noting("followed", kinds=FOLLOWED)],
        reactions=[following()],
        acts=[Act("say", FOLLOWED, perform)],
    )
    await loops.prepare()
    await loops.stop()
    events = [
        make(
            Custom(name=str(number)),
            account=ACCOUNT,
            subject=f"person:{number % 5}",
            now=clock.now() + number,
        )
        for number in range(EVENTS)
    ]
    await journal.append([encode(event) for event in events])
    await journal.close()
    engine.dispose()


def _run(data: Path, lines: int | None) -> list[str]:
    """Run an engine; kill it after so many lines, if it is not done by then. What it said."""
    heard = []
    with subprocess.Popen(
        [sys.executable, str(CHILD), str(data)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            heard.append(line.strip())
            if len(heard) == lines:
                child.kill()
                break
        heard += [line.strip() for line in child.stdout]
    return heard


async def test_an_engine_that_is_killed_again_and_again_loses_nothing_and_decides_once(
    tmp_path: Path,
) -> None:
    await _fill(tmp_path)
    dice = random.Random(3)  # noqa: S311 - the same throws each time
    heard: list[str] = []
    for _ in range(4):
        heard += _run(tmp_path, dice.randrange(1, 120))
    last = _run(tmp_path, None)
    assert last[-1] == "done"
    performed = Counter(heard + last)
    assert all(performed[str(number)] >= 2 for number in range(EVENTS))  # the event itself and its answer
    journal = await SqliteJournal.open(tmp_path)
    entries = await journal.read(0, limit=10 * EVENTS)
    await journal.close()
    answers = [said(entry.data) for entry in entries if entry.kind in FOLLOWED]
    assert answers == [str(number) for number in range(EVENTS)]
    with open_state(tmp_path).begin() as connection:
        notes = connection.execute(select(NOTES.c.fold, NOTES.c.id, NOTES.c.subject, NOTES.c.place)).all()
    place = Counter[tuple[str, str]]()
    expected = []
    for entry in entries:
        fold = "followed" if entry.kind in FOLLOWED else "notes"
        expected.append((fold, entry.id, entry.subject, place[fold, entry.subject]))
        place[fold, entry.subject] += 1
    assert sorted(map(tuple, notes)) == sorted(expected)


async def test_an_engine_that_ended_well_repeats_nothing(tmp_path: Path) -> None:
    await _fill(tmp_path)
    first = _run(tmp_path, None)
    second = _run(tmp_path, None)
    assert len(first) == 2 * EVENTS + 1
    assert second == ["done"]
