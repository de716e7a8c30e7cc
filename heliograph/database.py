"""The state database: one schema, SQLAlchemy Core, SQLite by default; its migrations run at start.

Each part declares its own tables on `METADATA`. What folds remember can be emptied and replayed; what acts
must not forget (positions, timers, retries), accounts and keys live beside it in the same file. Readers in
web workers and the one writer in the engine do not block each other (WAL).

Instants are integers in microseconds; documents are JSON.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import apsw
import msgspec
from sqlalchemy import (
    URL,
    Connection,
    Delete,
    Engine,
    Insert,
    MetaData,
    Select,
    Update,
    create_engine,
    event,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Compiled
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FILE = "state.db"

WRITING_CACHE_KIB, READING_CACHE_KIB = 65_536, 8_192
"""Pages that a connection keeps. SQLite throws a reader's away whenever somebody else has written, which is all the time; and
a process may have a dozen readers."""

_QUICK_TRIES, _QUICK_SECONDS = 100, 0.0005
_SLOW_TRIES, _SLOW_SECONDS = 6_000, 0.005
"""How often a writer looks whether the other has ended: nearly always he has within 50 ms."""


def _dumps(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_DIALECT = sqlite.dialect(paramstyle="named", json_serializer=_dumps, json_deserializer=msgspec.json.decode)

STATEMENTS = 512
"""Statements that a connection keeps prepared: a round of folds and reactions asks some two hundred different ones."""


def open_state(data: Path, *, read_only: bool = False) -> Engine:
    """The engine on a data directory's state. Writers commit durably (`synchronous=FULL`), unless they say otherwise
    (`flush_commits`)."""
    engine = create_engine(
        URL.create("sqlite", database=str(data / FILE)),
        poolclass=QueuePool,
        json_serializer=_dumps,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False, "timeout": 30, "cached_statements": STATEMENTS},
    )
    _prepare(engine, read_only=read_only)
    return engine


_WRITE_AHEAD = "PRAGMA journal_mode = WAL"


def wait_for_turn(tries: int) -> bool:
    """Wait a moment for another process's transaction on a file that several write, this having been done `tries` times
    before; False after some 30 seconds: it is given up. It has the shape of SQLite's busy handler.

    SQLite's own sleeps up to 100 ms at a time, and so through the gaps between the other's transactions: beside a writer
    that leaves 2 ms between transactions of 20 ms, one of 1 ms came seconds late; so it does within 80 ms.
    """
    if tries >= _QUICK_TRIES + _SLOW_TRIES:
        return False
    time.sleep(_QUICK_SECONDS if tries < _QUICK_TRIES else _SLOW_SECONDS)
    return True


def write_ahead(connection: apsw.Connection) -> None:
    """Give a file a write-ahead log as soon as nobody else holds it: of a new file that is a change, for which SQLite itself does
    not wait, and processes that start at once meet in it. Raises `apsw.BusyError` after some 30 seconds."""
    _in_turn(connection, _WRITE_AHEAD)


def memory_state() -> Engine:
    """A state of its own in memory, schema and all: for tests of folds and reactions."""
    engine = create_engine(
        "sqlite://",
        poolclass=StaticPool,
        json_serializer=_dumps,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False},
    )
    _prepare(engine)
    METADATA.create_all(engine)
    return engine


def sweep_wal(engine: Engine) -> None:
    """Move what is in the write-ahead log into the file, beside whoever reads and writes, and waiting for nobody. The log
    begins anew with the commit that fills it, which has so much less left to move: else all writers stood still
    meanwhile, for 170 ms where 32 MB waited for a busy disk and 50 after a sweep."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        cursor.close()
    finally:
        connection.close()


def empty_wal(engine: Engine, *, patience: int = 200) -> None:
    """Move everything into the file and empty the write-ahead log, so that what was erased is in neither. Waits up
    to `patience` milliseconds for readers; what is not done then is done the next time."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        (usual,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {patience:d}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout = {usual:d}")
        cursor.close()
    finally:
        connection.close()


CHUNKS = (1, 6, 30, 100, 300, 1_000)
"""Values in one statement, so that of each there are a few; what is missing to a chunk repeats the last value."""


def flush_commits(connection: Connection, durable: bool) -> None:
    """Whether this connection's next transactions are on disk when they are committed. Where not, a power cut may take
    back the latest of them, all after the last that was flushed, by whatever process; nothing else does."""
    execute(connection, f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}", ())


def changes(connection: Connection) -> int:
    """How many rows this connection has ever inserted, updated and deleted."""
    driver: Any = connection.connection.driver_connection
    return int(driver.total_changes)


class Query:
    """A SELECT that is put together once and asked by the driver's cursor: for what is asked for every message, since
    SQLAlchemy spends ten times as long around a look into an index as the look takes. Values and rows are those of the
    statement's columns."""

    def __init__(self, statement: Select[Any]) -> None:
        made = statement.compile(dialect=_DIALECT)
        self._text = str(made)
        self._fixed = _fixed(made)
        self._columns = _Columns(statement)

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """All rows, for these values of the statement's parameters. Raises what SQLAlchemy would."""
        found = execute(connection, self._text, {**self._fixed, **values}).fetchall()
        return self._columns.read(found)

    def row(self, connection: Connection, **values: object) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        found = self.rows(connection, **values)
        return found[0] if found else None

    def value(self, connection: Connection, **values: object) -> Any:
        """The first column of the first row; None where there is none."""
        found = self.rows(connection, **values)
        return found[0][0] if found else None


class QueryOfMany:
    """As `Query`, where rows have one of many values: of the expanding parameter `wanted`, the statement's only one."""

    def __init__(self, statement: Select[Any]) -> None:
        self._made = statement.compile(dialect=_DIALECT)
        self._fixed = _fixed(self._made)
        self._columns = _Columns(statement)
        self._texts: dict[int, str] = {}

    def rows(
        self, connection: Connection, wanted: Iterable[object], **values: object
    ) -> list[tuple[Any, ...]]:
        """All rows of these values, in no order."""
        distinct = list(dict.fromkeys(wanted))
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(distinct), CHUNKS[-1]):
            some = distinct[start : start + CHUNKS[-1]]
            size = next(size for size in CHUNKS if size >= len(some))
            some += some[-1:] * (size - len(some))
            places = {f"wanted_{place}": value for place, value in enumerate(some, 1)}
            found += execute(connection, self._text(size), {**self._fixed, **values, **places}).fetchall()
        return self._columns.read(found)

    def _text(self, size: int) -> str:
        if size not in self._texts:
            values = dict.fromkeys(self._made.params) | {"wanted": [None] * size}
            self._texts[size] = self._made.construct_expanded_state(values).statement
        return self._texts[size]


class _Columns:
    """What the columns of a SELECT are in Python."""

    def __init__(self, statement: Select[Any]) -> None:
        kinds = [column.type.dialect_impl(_DIALECT) for column in statement.selected_columns]
        processors = [kind.result_processor(_DIALECT, None) for kind in kinds]
        self._readers = [(place, read) for place, read in enumerate(processors) if read is not None]

    def read(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [self._row(row) for row in rows] if self._readers else rows

    def _row(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        read = list(row)
        for place, reader in self._readers:
            read[place] = reader(read[place])
        return tuple(read)


class Change:
    """An INSERT, UPDATE or DELETE that is put together once and carried out by the driver's cursor, as `Query` asks. Both
    methods return how many rows were changed."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        made = statement.compile(dialect=_DIALECT)
        self._text = str(made)
        self._fixed = _fixed(made)
        kinds = {str(name): bind.type.dialect_impl(_DIALECT) for name, bind in made.binds.items()}
        processors = {name: kind.bind_processor(_DIALECT) for name, kind in kinds.items()}
        self._writers = {name: write for name, write in processors.items() if write is not None}

    def run(self, connection: Connection, **values: object) -> int:
        """For these values of the statement's parameters. Raises what SQLAlchemy would."""
        return execute(connection, self._text, self._written(values)).rowcount

    def many(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
        """For each of these rows of values."""
        return execute_many(connection, self._text, [self._written(row) for row in rows]).rowcount

    def _written(self, values: Mapping[str, object]) -> dict[str, object]:
        written = {**self._fixed, **values}
        for name, write in self._writers.items():
            written[name] = write(written[name])
        return written


def execute(
    connection: Connection, statement: str, values: Mapping[str, object] | Sequence[object]
) -> sqlite3.Cursor:
    """Have the driver's cursor carry out a statement. Raises what SQLAlchemy would."""
    driver: Any = connection.connection.dbapi_connection
    try:
        return cast(sqlite3.Cursor, driver.execute(statement, values))
    except sqlite3.Error as error:
        raise _as_raised(statement, values, error) from error


def execute_many(
    connection: Connection, statement: str, rows: Sequence[Mapping[str, object] | Sequence[object]]
) -> sqlite3.Cursor:
    """As `execute`, for each row of values."""
    driver: Any = connection.connection.dbapi_connection
    try:
        return cast(sqlite3.Cursor, driver.executemany(statement, rows))
    except sqlite3.Error as error:
        raise _as_raised(statement, rows, error) from error


def _fixed(made: Compiled) -> dict[str, Any]:
    """The values that are in the statement itself."""
    return {name: value for name, value in made.params.items() if value is not None}


def _as_raised(statement: str, values: Any, error: sqlite3.Error) -> BaseException:
    return DBAPIError.instance(statement, values, error, sqlite3.Error, hide_parameters=True)


class Reading:
    """State in short looks, over connections that are kept: for what is looked up for every message, since SQLAlchemy's
    pool and transaction around a look take many times as long as the look. Any thread may look; a connection is used
    by one look at a time, and as many are kept as ever looked at once. `engine`: of a state that is only read."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._idle: list[Connection] = []

    @contextlib.contextmanager
    def look(self) -> Iterator[Connection]:
        """All that is asked of it shows state as of one moment. A look that failed leaves its connection behind."""
        connection = self._idle.pop() if self._idle else self.engine.connect()
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
        try:
            yield connection
        except BaseException:
            connection.close()  # rolled back on its way to the pool
            raise
        driver.commit()
        self._idle.append(connection)

    def close(self) -> None:
        """Give the connections back to the engine's pool."""
        while self._idle:
            self._idle.pop().close()


def _prepare(engine: Engine, *, read_only: bool = False) -> None:
    held = set[sqlite3.Connection]()  # by nothing that holds the engine, so that who forgets it lets them go
    weakref.finalize(engine, _let_go, held).atexit = False

    @event.listens_for(engine.pool, "close")
    def _closed(connection: Any, _: Any) -> None:
        held.discard(connection)

    # pysqlite begins transactions lazily and would let a read-then-write deadlock: we begin ourselves.
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        held.add(connection)
        connection.isolation_level = None
        _in_turn(connection, _WRITE_AHEAD)
        cursor = connection.cursor()
        for pragma in (
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA secure_delete = ON",
            f"PRAGMA cache_size = -{READING_CACHE_KIB if read_only else WRITING_CACHE_KIB}",
            "PRAGMA wal_autocheckpoint = 8192",  # pages: a batch of folds dirties some 1,500; each is copied once
            "PRAGMA query_only = ON" if read_only else "PRAGMA busy_timeout = 0",  # `_take_turn` waits
        ):
            cursor.execute(pragma)
        cursor.close()

    begin = _look if read_only else _take_turn

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        driver = connection.connection.dbapi_connection
        if not driver.in_transaction:  # a look (`Reading`) began it
            begin(driver)


def _let_go(held: Iterable[sqlite3.Connection]) -> None:
    for connection in held:
        connection.close()


def _look(driver: Any) -> None:
    driver.execute("BEGIN")


def _take_turn(driver: Any) -> None:
    """Begin to write as soon as nobody else does."""
    _in_turn(driver, "BEGIN IMMEDIATE")


def _in_turn(driver: Any, statement: str) -> None:
    """Have either of the two drivers execute this as soon as nobody else holds the file."""
    for tries in itertools.count():
        try:
            driver.execute(statement)
        except (sqlite3.OperationalError, apsw.BusyError) as error:
            if not _busy(error) or not wait_for_turn(tries):
                raise
        else:
            return


def _busy(error: sqlite3.OperationalError | apsw.BusyError) -> bool:
    return isinstance(error, apsw.BusyError) or error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
