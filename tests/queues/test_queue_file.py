"""The file under the queues: what shares a transaction, who waits for a turn, what is flushed, and how long the log gets."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from heliograph.errors import Unavailable
from heliograph.queues import file as queue_file
from heliograph.queues.file import QueueFile


@pytest.fixture
def file(tmp_path: Path) -> Iterator[QueueFile]:
    with closing(QueueFile(tmp_path)) as opened:
        yield opened


def note(name: str) -> Callable[[apsw.Connection], str]:
    """Work that writes a row, and tells in which thread."""

    def work(connection: apsw.Connection) -> str:
        connection.execute("INSERT INTO deleted VALUES ('a', ?, 1)", (name,))
        return threading.current_thread().name

    return work


def noted(connection: apsw.Connection) -> list[Any]:
    return [name for (name,) in connection.execute("SELECT name FROM deleted ORDER BY name")]


async def test_brief_work_is_done_on_the_loop_and_other_work_in_the_thread(file: QueueFile) -> None:
    here = threading.current_thread().name
    assert await file.briefly(note("1"), durable=False) == here
    assert await file.briefly(note("2")) == here
    assert await file.do(note("3")) == "queues"
    assert file.look(noted) == ["1", "2", "3"]


async def test_brief_work_of_one_turn_shares_a_transaction_and_fails_alone(file: QueueFile) -> None:
    def fail(connection: apsw.Connection) -> None:
        note("failed")(connection)
        raise TypeError("a fault of ours")

    def seen_by_others(_: apsw.Connection) -> list[Any]:
        return file.look(noted)

    first, failed, seen = await asyncio.gather(
        file.briefly(note("first")), file.briefly(fail), file.briefly(seen_by_others), return_exceptions=True
    )
    assert isinstance(first, str) and isinstance(failed, TypeError)
    assert seen == [], "nothing was committed before all had been done"
    assert file.look(noted) == ["first"]


async def test_more_than_a_turn_takes_is_done_in_the_next(
    file: QueueFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_file, "BRIEF_AT_ONCE", 3)
    names = [str(n) for n in range(10, 20)]
    await asyncio.gather(*(file.briefly(note(name), durable=False) for name in names))
    assert file.look(noted) == names


async def test_brief_work_that_finds_the_file_taken_leaves_the_loop_free(file: QueueFile) -> None:
    other = apsw.Connection(str(file.path))
    other.execute("BEGIN IMMEDIATE")
    waiting = [asyncio.create_task(file.briefly(note(name), durable=False)) for name in "ab"]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    other.execute("COMMIT")
    assert await asyncio.gather(*waiting) == ["queues", "queues"]
    other.close()


async def test_what_still_waits_is_done_before_the_file_is_closed(tmp_path: Path) -> None:
    file = QueueFile(tmp_path)
    waiting = [asyncio.create_task(file.briefly(note("a"))), asyncio.create_task(file.do(note("b")))]
    await asyncio.sleep(0)
    file.close()
    await asyncio.gather(*waiting)
    with closing(QueueFile(tmp_path)) as again:
        assert again.look(noted) == ["a", "b"]


@pytest.mark.parametrize("way", ["briefly", "do"])
async def test_what_cannot_be_flushed_is_refused(
    file: QueueFile, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    ask = file.briefly if way == "briefly" else file.do
    with pytest.raises(Unavailable, match="Input/output error"):
        await ask(note("lost, perhaps"))
    assert await ask(note("need not be flushed"), durable=False)
    monkeypatch.undo()
    assert await ask(note("flushed"))


async def test_the_log_begins_anew_when_it_has_grown(
    file: QueueFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing has to be flushed; and while somebody reads an old state it goes on growing."""
    monkeypatch.setattr(queue_file, "LOG_PAGES", 20)

    async def pages_after(name: str) -> int:
        for n in range(200):
            await file.briefly(note(f"{name}{n}"), durable=False)
            await file.do(lambda _: None, durable=False)  # the thread has seen to the log
        return _bytes(f"{file.path}-wal") // queue_file.PAGE_BYTES

    assert await pages_after("a") < 100, "200 transactions of a page or two each"
    reader = apsw.Connection(str(file.path))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM deleted").fetchall() == [(200,)]
    grown = await pages_after("b")
    assert grown > 200
    reader.execute("COMMIT")
    reader.close()
    assert await pages_after("c") < grown + 10, "it is not shortened, but no longer grows"


async def test_a_log_that_cannot_be_moved_holds_up_nobody(
    file: QueueFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A connection to a disk on which there is no room."""

        def wal_checkpoint(self, **_: int) -> None:
            raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(queue_file, "LOG_PAGES", 1)
    with monkeypatch.context() as changed:
        changed.setattr(file, "_tidying", Full())
        await file.do(note("a"))
        await file.briefly(note("b"))
    assert await file.do(noted) == ["a", "b"]


def _bytes(path: str) -> int:
    return Path(path).stat().st_size


def test_processes_that_make_the_file_at_once_do_not_meet(tmp_path: Path) -> None:
    """As the threads here do, over and over: SQLite does not wait where two give a new file its log."""
    failures: list[BaseException] = []

    def run(place: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            QueueFile(place).close()
        except BaseException as error:
            failures.append(error)

    for n in range(20):
        together = threading.Barrier(4)
        threads = [threading.Thread(target=run, args=(tmp_path / str(n), together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
