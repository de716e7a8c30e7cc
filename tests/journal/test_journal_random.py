"""Whatever is done to it, the journal on disk answers as the one in memory."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journal_records import ACCOUNT, numbered, record

from heliograph.events.event import Record
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.journal.sqlite import SqliteJournal

SUBJECTS = st.sampled_from(["email:a", "email:b", "person:1", "erased:1"])
DATA = st.binary(max_size=30) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace"))
MADE = st.tuples(DATA, st.sampled_from(["a.happened", "b.happened"]), SUBJECTS)
NUMBERS = st.integers(0, 8)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(MADE | NUMBERS, max_size=70)),
        st.tuples(st.just("once"), st.lists(NUMBERS, max_size=8)),
        st.tuples(
            st.just("read"),
            st.integers(-1, 50),
            st.none() | st.frozensets(st.sampled_from(["a.happened", "b.happened", "custom"])),
            st.integers(0, 40),
        ),
        st.tuples(st.just("of"), st.lists(SUBJECTS, max_size=3), st.integers(0, 50), st.integers(0, 40)),
        st.tuples(st.just("redact"), st.lists(SUBJECTS.filter(lambda one: one != "erased:1"), max_size=2)),
        st.tuples(st.just("reopen")),
    ),
    max_size=12,
)


def made(what: tuple[bytes, str, str] | int) -> Record:
    return numbered(what) if isinstance(what, int) else record(what[0], kind=what[1], subject=what[2])


async def act(journal: Journal, step: tuple[Any, ...]) -> object:
    match step:
        case ("append", records):
            return await journal.append(records)
        case ("once", records):
            return list(await journal.append_once(records))
        case ("read", after, kinds, limit):
            return list(await journal.read(after, kinds=kinds, limit=limit))
        case ("of", subjects, after, limit):
            return list(await journal.of(subjects, after=after, limit=limit))
        case ("redact", subjects):
            return await journal.redact(subjects, account=ACCOUNT, replacement="erased:1")
    raise AssertionError(step)


async def compare(steps: list[tuple[Any, ...]], data: Path) -> None:
    model: Journal = MemoryJournal()
    journal = await SqliteJournal.open(data)
    for step in steps:
        if step[0] == "reopen":
            await journal.close()
            journal = await SqliteJournal.open(data)
            continue
        if step[0] in ("append", "once"):
            step = (step[0], [made(what) for what in step[1]])
        assert await act(journal, step) == await act(model, step), step
    assert await journal.read(0) == await model.read(0)
    assert await journal.head() == await model.head()
    await journal.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_any_sequence_of_operations_ends_as_in_memory(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as data:
        asyncio.run(compare(steps, Path(data)))
