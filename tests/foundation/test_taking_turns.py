"""Files that two processes write: who comes second waits for the first, and takes the first moment that is free."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlalchemy import text

from heliograph import database
from heliograph.database import open_state
from heliograph.errors import Unavailable
from heliograph.queues.file import QueueFile


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when somebody has had to wait for his turn."""
    happened = threading.Event()
    waiting = database.wait_for_turn

    def noted(tries: int) -> bool:
        happened.set()
        return waiting(tries)

    for module in ("heliograph.database", "heliograph.queues.file"):
        monkeypatch.setattr(f"{module}.wait_for_turn", noted)
    return happened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up after a few tries."""
    monkeypatch.setattr(database, "_QUICK_TRIES", 2)
    monkeypatch.setattr(database, "_SLOW_TRIES", 1)


def _written(data: Path) -> None:
    with open_state(data).begin() as connection:
        connection.execute(text("CREATE TABLE written (x)"))


def _held(other: sqlite3.Connection | apsw.Connection) -> Callable[[], None]:
    """Begin a transaction as another process would; what ends it."""
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")

    def end() -> None:
        other.execute("COMMIT")
        other.close()

    return end


def _state_held(data: Path) -> Callable[[], None]:
    return _held(sqlite3.connect(data / "state.db", isolation_level=None, check_same_thread=False))


def test_whoever_writes_state_waits_until_another_has_written(asked: threading.Event, tmp_path: Path) -> None:
    end = _state_held(tmp_path)
    writing = threading.Thread(target=_written, args=(tmp_path,))
    writing.start()
    assert asked.wait(60) and writing.is_alive()
    end()
    writing.join(60)
    with closing(sqlite3.connect(tmp_path / "state.db")) as state:
        assert state.execute("SELECT count(*) FROM written").fetchall() == [(0,)]


def test_state_that_another_never_leaves_is_given_up(impatient: None, tmp_path: Path) -> None:
    end = _state_held(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        _written(tmp_path)
    end()


async def test_an_operation_on_queues_waits_until_another_process_has_written(
    asked: threading.Event, tmp_path: Path
) -> None:
    with closing(QueueFile(tmp_path)) as file:
        end = _held(apsw.Connection(str(file.path)))
        work = asyncio.create_task(file.do(_count))
        assert await asyncio.to_thread(asked.wait, 60) and not work.done()
        end()
        assert await work == 0


async def test_queues_that_another_process_never_leaves_are_unavailable(
    impatient: None, tmp_path: Path
) -> None:
    with closing(QueueFile(tmp_path)) as file:
        end = _held(apsw.Connection(str(file.path)))
        with pytest.raises(Unavailable, match="cannot be written now"):
            await file.do(_count)
        end()
        assert await file.do(_count) == 0, "the next one comes through"


def test_somebody_waits_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    tries = 0
    while database.wait_for_turn(tries):
        tries += 1
    assert sum(slept) == pytest.approx(30, abs=0.1)
    assert max(slept[:100]) < 0.001, "nearly every transaction is over by then"


def _count(connection: apsw.Connection) -> int:
    return len(connection.execute("SELECT 1 FROM queues").fetchall())


@pytest.mark.parametrize("driver", ["sqlite3", "apsw"])
def test_who_opens_a_new_file_waits_for_who_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str
) -> None:
    """SQLite answers at once that it is locked: to give it a write-ahead log would need more than a turn."""
    path, waited = tmp_path / database.FILE, list[int]()
    other: Any = (
        apsw.Connection(str(path)) if driver == "apsw" else sqlite3.connect(path, isolation_level=None)
    )
    other.execute("CREATE TABLE facts (id INTEGER)")
    other.execute("BEGIN IMMEDIATE")

    def wait(tries: int) -> bool:
        waited.append(tries)
        other.execute("COMMIT")
        return True

    monkeypatch.setattr(database, "wait_for_turn", wait)
    if driver == "apsw":
        opened = apsw.Connection(str(path))
        database.write_ahead(opened)
        assert opened.pragma("journal_mode") == "wal"
        opened.close()
    else:
        engine = open_state(tmp_path)
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        engine.dispose()
    assert waited == [0]
    other.close()
