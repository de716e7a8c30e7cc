"""`heliograph serve`: the first start, the parts one by one, and all of them under one supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from alembic.util import CommandError
from sqlalchemy import Engine

from heliograph.accounts.certificates import ensure_certificate
from heliograph.accounts.keys import first_start
from heliograph.app import occupancy, part, supervising
from heliograph.app.checking import check
from heliograph.app.define import builtin_templates
from heliograph.app.engine import EngineRoom
from heliograph.app.mail import configured
from heliograph.app.outbound import OutboundRoom
from heliograph.app.storage import owned
from heliograph.clock import Clock, SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.journal import positions
from heliograph.journal.file_reader import FileReader
from heliograph.journal.journal_file import FILE
from heliograph.migrations import migrate
from heliograph.settings import Settings, public_url, topics_url


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only `heliograph serve` on these data. Raises `OperatorError`; `InUse`, where somebody else is."""
    _directory(settings)
    with occupancy.whole(settings, SystemClock()):
        yield


def prepare(settings: Settings, clock: Clock | None = None) -> dict[str, Any] | None:
    """Bring the data directory up to date; on the first start make it, with an account and keys.

    Returns the credentials that were made, else None. Raises `OperatorError`."""
    clock = clock or SystemClock()
    data = _directory(settings)
    state = open_state(data)
    try:
        migrate(state)
    except CommandError as error:
        raise OperatorError(f"{data} was made by a newer version of Heliograph: {error}") from error
    made = first_start(state, data, public_url(settings), clock.now())
    ensure_certificate(state, topics_url(settings), clock.now())
    _refuse_older_journal(state, data)
    state.dispose()
    if made is not None:
        asyncio.run(_begin(settings, made["account"], clock))
    return made


def run_part(name: str, settings: Settings) -> None:
    """Become one part alone, until SIGTERM: web, engine, outbound, journal or mail."""
    if name not in part.MODULES:
        raise OperatorError(f"there is no part called {name}: {', '.join(part.MODULES)}")
    os.environ.update(part.environment(settings))
    occupancy.beside_parts(settings)
    if name == "web":
        occupancy.listenable(settings.listen)
    os.execv(sys.executable, part.command(name))  # noqa: S606 - our own command line


def run_all(settings: Settings) -> NoReturn:
    """Everything, under one supervisor, until SIGTERM or SIGINT."""
    shutil.rmtree(
        Path(settings.data) / part.METRICS, ignore_errors=True
    )  # figures of processes that are no more
    names = (
        ["web", "engine", "outbound"] if settings.workers == 1 else ["journal", "web", "engine", "outbound"]
    )
    names += ["mail"] if configured(settings) else []
    supervising.become(settings, names)


def _directory(settings: Settings) -> Path:
    check(settings)
    os.umask(part.PRIVATE)
    data = Path(settings.data)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"data: {data} cannot be made: {error.strerror}") from error
    return data


def _refuse_older_journal(state: Engine, data: Path) -> None:
    """A journal that ends before what its readers have handled is an older copy than the state: what is recorded next
    would take the places that they have passed, and nobody would see it. Raises `OperatorError`."""
    with state.connect() as connection:
        handled = max(positions.load(connection).values(), default=0)
    if not handled:
        return
    head = _head(data)
    if handled > head:
        raise OperatorError(
            f"{data}: journal.db ends at place {head}, and state.db has handled {handled} places: they are copies of "
            "different times. Put back a state.db that is as old as the journal, or older"
        )


def _head(data: Path) -> int:
    if not (data / FILE).exists():
        return 0
    journal = FileReader(data)
    try:
        return journal.head()
    finally:
        journal.close()


async def _begin(settings: Settings, account: str, clock: Clock) -> None:
    async with owned(settings) as journal:
        await _enroll(EngineRoom(settings, clock, journal))
        await _enroll(OutboundRoom(settings, clock, journal))
        await journal.append(builtin_templates(account, clock.now()))


async def _enroll(room: EngineRoom | OutboundRoom) -> None:
    """Give every consumer its place in a journal that is still empty, so that no event is taken for the past."""
    await room.loops.prepare()
    await room.loops.writer.close()
    await room.close()
