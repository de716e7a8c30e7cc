"""How each process reaches the journal: as its owner, as the owner's client, or only to read.

The owner serves a socket beside the files; everybody else hands events in there and reads the files directly.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from sqlalchemy import Engine

from heliograph.clock import SECOND, SystemClock
from heliograph.database import open_state
from heliograph.errors import InUse
from heliograph.journal import positions
from heliograph.journal.frames import SOCKET
from heliograph.journal.journal import Journal
from heliograph.journal.positions import FOLD, Who
from heliograph.journal.reading import JournalReader, open_reader
from heliograph.journal.remote import RemoteJournal
from heliograph.journal.sqlite import SqliteJournal
from heliograph.journal.writer import serve_journal
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings

ENGINE, OUTBOUND = "engine", "outbound part"
"""Of which there may be one: what runs folds, and what runs acts."""
DAY = 86_400 * SECOND

FOLLOWED_SECONDS = 20.0
"""How long a command waits for state to show what it recorded: longer than an engine that died needs to be back."""

LOOK_SECONDS = 0.005

TRIES = 20
"""How often a lock is tried before it is somebody's: a command that asks whether an engine runs has it for a moment."""


@contextlib.asynccontextmanager
async def owned(settings: Settings) -> AsyncIterator[SqliteJournal]:
    """The journal as its owner, who serves the others. Raises `InUse` when another process owns it."""
    data = Path(settings.data)
    journal = await SqliteJournal.open(
        data,
        queue_limit=settings.queue_limit,
        queue_bytes=settings.queue_bytes,
        repeat_span=settings.repeat_days * DAY,
    )
    try:
        server = await serve_journal(journal, data / SOCKET)
        try:
            yield journal
        finally:
            await server.close()
    finally:
        await journal.close()


@contextlib.asynccontextmanager
async def remote(settings: Settings) -> AsyncIterator[RemoteJournal]:
    """The journal through its owner's socket; reads go to the files. Raises `OperatorError` where nobody owns it."""
    journal = await RemoteJournal.connect(
        Path(settings.data), queue_limit=settings.queue_limit, queue_bytes=settings.queue_bytes
    )
    try:
        yield journal
    finally:
        await journal.close()


@contextlib.asynccontextmanager
async def reachable(settings: Settings) -> AsyncIterator[Journal]:
    """The journal for a command: through the running owner, or as the owner while nothing runs."""
    async with contextlib.AsyncExitStack() as closing:
        journal: Journal
        try:
            journal = await closing.enter_async_context(owned(settings))
        except InUse:  # through the one who has it
            journal = await closing.enter_async_context(remote(settings))
        yield journal


@contextlib.asynccontextmanager
async def recording(settings: Settings) -> AsyncIterator[Journal]:
    """`reachable` for a command that records what the next command may ask for. Where an engine runs, this ends when state
    shows it; after `FOLLOWED_SECONDS` all the same, for what is recorded counts."""
    async with reachable(settings) as journal:
        yield journal
        if engine_runs(settings):
            await _followed(settings, await journal.head())


@contextlib.asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[JournalReader]:
    """The journal for looking only, beside a running or a stopped engine."""
    reader = open_reader(Path(settings.data))
    try:
        yield reader
    finally:
        await reader.close()


@contextlib.contextmanager
def only(settings: Settings, one: str) -> Iterator[None]:
    """Be the only `ENGINE` or `OUTBOUND` on these data. Raises `InUse` when there is one."""
    descriptor = _taken(settings, one)
    try:
        yield
    finally:
        os.close(descriptor)


def engine_runs(settings: Settings) -> bool:
    """Whether an engine is running on these data."""
    descriptor = _lock(settings, ENGINE)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _taken(settings: Settings, one: str) -> int:
    for _ in range(TRIES):
        if (descriptor := _lock(settings, one)) is not None:
            return descriptor
        time.sleep(LOOK_SECONDS)
    raise InUse(f"an {one} is already running on {settings.data}: stop that one first")


def _lock(settings: Settings, one: str) -> int | None:
    path = Path(settings.data) / f"{one.partition(' ')[0]}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


async def _followed(settings: Settings, head: int) -> None:
    clock = SystemClock()
    end = clock.monotonic() + FOLLOWED_SECONDS
    state = open_state(Path(settings.data), read_only=True)
    try:
        while _folded_to(state) < head and clock.monotonic() < end:
            await clock.sleep(LOOK_SECONDS)
    finally:
        state.dispose()


def _folded_to(state: Engine) -> int:
    with state.connect() as connection:
        at = positions.load(connection)
    return min(at.get(Who(FOLD, fold.name), 0) for fold in FOLDS)
