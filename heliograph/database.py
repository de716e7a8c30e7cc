"""The state database: one schema, SQLAlchemy Core, SQLite by default; its migrations run at start.

Each part declares its own tables on `METADATA`. What folds remember can be emptied and replayed; what acts
must not forget (positions, timers, retries), accounts and keys live beside it in the same file. Readers in
web workers and the one writer in the engine do not block each other (WAL).

Instants are integers in microseconds; documents are JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Engine, MetaData, create_engine, event
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


def _dumps(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def open_state(data: Path, *, read_only: bool = False) -> Engine:
    """The engine on a data directory's state. Writers commit durably (`synchronous=FULL`)."""
    engine = create_engine(
        URL.create("sqlite", database=str(data / FILE)),
        poolclass=QueuePool,
        json_serializer=_dumps,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False, "timeout": 30},
    )
    _prepare(engine, ("PRAGMA query_only = ON",) if read_only else ())
    return engine


def memory_state() -> Engine:
    """A state of its own in memory, schema and all: for tests of folds and reactions."""
    engine = create_engine(
        "sqlite://",
        poolclass=StaticPool,
        json_serializer=_dumps,
        json_deserializer=msgspec.json.decode,
        connect_args={"check_same_thread": False},
    )
    _prepare(engine, ())
    METADATA.create_all(engine)
    return engine


def empty_wal(engine: Engine, *, patience: int = 200) -> None:
    """Move everything into the file and empty the write-ahead log, so that what was erased is in neither. Waits up
    to `patience` milliseconds for readers; what is not done then is done the next time."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {patience:d}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute("PRAGMA busy_timeout = 30000")
        cursor.close()
    finally:
        connection.close()


def row_of(engine: Engine, statement: str, values: tuple[Any, ...]) -> Any:
    """One row of a plain SQL statement, or None, by a cursor of the driver: for look-ups that are made thousands of times
    a second it takes a seventh of the time. Values are as SQLite has them (a boolean is 0 or 1, JSON is text)."""
    connection = engine.raw_connection()
    try:
        return connection.cursor().execute(statement, values).fetchone()
    finally:
        connection.close()


def _prepare(engine: Engine, extra: tuple[str, ...]) -> None:
    # pysqlite begins transactions lazily and would let a read-then-write deadlock: we begin ourselves.
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA secure_delete = ON",
            "PRAGMA cache_size = -65536",
            "PRAGMA wal_autocheckpoint = 8192",  # pages: a batch of folds dirties some 1,500; each is copied once
            *extra,
        ):
            cursor.execute(pragma)
        cursor.close()

    begin = "BEGIN" if extra else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        connection.connection.dbapi_connection.execute(begin)
