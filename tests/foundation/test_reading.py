"""Looks into state over connections that are kept."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import ProgrammingError
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from heliograph.database import FILE, Reading, empty_wal, open_state, sweep_wal


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Engine]:
    engine = open_state(tmp_path)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE facts (value)"))
    yield engine
    engine.dispose()


@pytest.fixture
def reading(tmp_path: Path, state: Engine) -> Iterator[Reading]:
    engine = open_state(tmp_path, read_only=True)
    reading = Reading(engine)
    yield reading
    reading.close()
    engine.dispose()


def add(state: Engine) -> None:
    with state.begin() as connection:
        connection.execute(text("INSERT INTO facts VALUES (1)"))


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM facts")).scalar_one())


def count_without_log(data: Path) -> int:
    """What is in the file itself."""
    copy = data / "copy"
    copy.mkdir()
    (copy / FILE).write_bytes((data / FILE).read_bytes())
    engine = open_state(copy)
    with engine.connect() as connection:
        found = count(connection)
    engine.dispose()
    return found


def test_a_look_shows_state_as_of_one_moment_and_the_next_what_came_since(
    state: Engine, reading: Reading
) -> None:
    with reading.look() as connection:
        assert count(connection) == 0
        add(state)
        assert count(connection) == 0
    with reading.look() as connection:
        assert count(connection) == 1


def test_looks_one_after_another_use_one_connection_and_looks_at_once_one_each(reading: Reading) -> None:
    with reading.look() as first, reading.look() as other:
        assert first is not other
    used = set()
    for _ in range(3):
        with reading.look() as connection:
            used.add(connection)
    assert len(used) == 1 and used <= {first, other}


def test_a_look_that_failed_hinders_no_other(state: Engine, reading: Reading) -> None:
    with pytest.raises(OperationalError), reading.look() as connection:
        connection.execute(text("SELECT * FROM nothing"))
    add(state)
    with reading.look() as connection:
        assert count(connection) == 1


def test_a_look_writes_nothing(reading: Reading) -> None:
    with pytest.raises(OperationalError, match="readonly"), reading.look() as connection:
        connection.execute(text("INSERT INTO facts VALUES (2)"))


def test_nothing_between_looks_keeps_the_write_ahead_log_from_being_emptied(
    tmp_path: Path, state: Engine, reading: Reading
) -> None:
    with reading.look() as connection:
        assert count(connection) == 0
    add(state)
    empty_wal(state)
    assert (tmp_path / f"{FILE}-wal").stat().st_size == 0


def test_the_write_ahead_log_is_moved_into_the_file_beside_a_reader_and_a_writer(
    tmp_path: Path, state: Engine, reading: Reading
) -> None:
    add(state)
    with reading.look() as connection, state.begin() as writing:
        assert count(connection) == 1
        writing.execute(text("INSERT INTO facts VALUES (2)"))
        sweep_wal(state)
    assert count_without_log(tmp_path) == 1


def test_who_forgets_an_engine_lets_its_connections_go(tmp_path: Path) -> None:
    """What commands do that open state and end; Python 3.13 warns of connections that nobody closed."""
    forgotten = open_state(tmp_path)
    with forgotten.connect() as connection:
        held: Any = connection.connection.driver_connection
    held.execute("SELECT 1")
    del forgotten, connection
    gc.collect()
    with pytest.raises(ProgrammingError, match="closed"):
        held.execute("SELECT 1")
