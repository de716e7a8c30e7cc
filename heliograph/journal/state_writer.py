"""The one thread that writes state in the engine process.

SQLite takes one writer at a time, so folds, reactions, positions and retries all go through here instead of
fighting for the file. Each function runs whole or not at all, under a savepoint of its own; whatever waits
when the thread is free shares one transaction, and so one flush to the disk. No time is added to wait for more; but what
is asked for in one turn of the event loop (all reactions, when the horizon moves) is handed over together.

What can be made again from the journal, and has led to nothing that is on disk elsewhere, need not be flushed by itself
(`durable`): a power cut takes it back together with its position, and leaves the file whole.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from heliograph.database import flush_commits
from heliograph.errors import Unavailable

GROUP = 64
"""How many functions may share one transaction: enough to share the flush, few enough to answer soon."""

UNFLUSHED = 50
"""Transactions at most between one flush to the disk and the next: what a power cut may have folded again."""

T = TypeVar("T")

_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    )
)
"""Primary result codes of SQLite (sqlite.org/rescode.html) that are the machine's fault, not a statement's."""


class _Job(NamedTuple):
    function: Callable[[Connection], Any]
    durable: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class _Result(NamedTuple):
    job: _Job
    value: Any
    error: BaseException | None


class StateWriter:
    """Runs functions on state's connection, in its own thread, in the order in which they were handed over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = (
            None  # the thread's, kept for as long as nothing goes wrong with it
        )
        self._flushing: bool | None = None  # whether its commits wait for the disk; None: not known
        self._unflushed = 0
        self._asked: list[_Job] = []
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, function: Callable[[Connection], T], *, durable: bool = True) -> T:
        """What `function(connection)` returns, once its transaction is on disk (not `durable`: is committed). It must not
        commit by itself.

        What it raises is raised here, and nothing of it remains. `Unavailable`: the database could not take
        the transaction. RuntimeError: this writer is closed.
        """
        if self._closed:
            raise RuntimeError("the state writer is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="state-writer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._hand_over)
        self._asked.append(_Job(function, durable, loop, future))
        return await future

    async def close(self) -> None:
        """Do what was handed over, then let go of the thread."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._hand_over()
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _hand_over(self) -> None:
        asked, self._asked = self._asked, []
        if asked:
            self._jobs.put(asked)

    def _work(self) -> None:
        last = False
        while not last and (first := self._jobs.get()) is not None:
            group, last = self._gather(first)
            _deliver(self._commit(group))
        self._let_go()

    def _gather(self, group: list[_Job]) -> tuple[list[_Job], bool]:
        while len(group) < GROUP:
            try:
                more = self._jobs.get_nowait()
            except queue.Empty:
                break
            if more is None:
                return group, True
            group += more
        return group, False

    def _commit(self, group: Sequence[_Job]) -> list[_Result]:
        durable = self._unflushed >= UNFLUSHED or any(job.durable for job in group)
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                self._flushing = None
            if durable is not self._flushing:
                flush_commits(self._connection, durable)
                self._flushing = durable
            with self._connection.begin():
                results = [_attempt(job, self._connection) for job in group]
        except Exception as error:
            self._let_go()
            failure = Unavailable(f"the state database could not take the transaction: {error}")
            failure.__cause__ = error
            return [_Result(job, None, failure) for job in group]
        self._unflushed = 0 if durable else self._unflushed + 1
        return results

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # what is wrong with it was said already
                connection.close()


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What is done inside remains whole or not at all, within the transaction around it.

    Raises what is raised inside; `Unavailable` when the database gave up the whole transaction (a full or
    broken disk), since nothing may be written then as if it were still open.
    """
    cursor = connection.connection.cursor()  # plain statements: a tenth of the time, and there are many
    cursor.execute("SAVEPOINT step")
    try:
        yield
    except BaseException as error:
        if not _is_open(connection):
            raise Unavailable("the state database rolled the transaction back") from error
        cursor.execute("ROLLBACK TO step")
        cursor.execute("RELEASE step")
        raise
    cursor.execute("RELEASE step")


def passing(error: BaseException) -> bool:
    """Whether an error is the machine's and passes, so that the event that met it is not to blame."""
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return error.connection_invalidated or (code is not None and code & 0xFF in _PASSING)
    return isinstance(error, Unavailable | MemoryError)


def _is_open(connection: Connection) -> bool:
    """SQLite ends a transaction by itself when the disk fails; what follows would commit line by line."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", True))


def _attempt(job: _Job, connection: Connection) -> _Result:
    try:
        with savepoint(connection):
            return _Result(job, job.function(connection), None)
    except Exception as error:
        if not _is_open(connection):
            raise
        return _Result(job, None, error)


def _deliver(results: Sequence[_Result]) -> None:
    loops = {result.job.loop for result in results}
    for loop in loops:
        mine = [result for result in results if result.job.loop is loop]
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, mine)


def _settle(results: Sequence[_Result]) -> None:
    for job, value, error in results:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(error)
