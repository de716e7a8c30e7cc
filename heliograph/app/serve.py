"""`heliograph serve`: the first start, the parts one by one, and all of them under one supervisor."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from alembic.util import CommandError

from heliograph.accounts.certificates import ensure_certificate
from heliograph.accounts.keys import first_start
from heliograph.app import part
from heliograph.app.checking import check
from heliograph.app.define import builtin_templates
from heliograph.app.engine import enroll
from heliograph.app.mail import configured
from heliograph.app.storage import owned
from heliograph.clock import Clock, SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.logs import configure
from heliograph.migrations import migrate
from heliograph.settings import Settings, public_url, topics_url
from heliograph.supervisor import Part, Supervisor


def prepare(settings: Settings, clock: Clock | None = None) -> dict[str, Any] | None:
    """Bring the data directory up to date; on the first start make it, with an account and keys.

    Returns the credentials that were made, else None. Raises `OperatorError`."""
    check(settings)
    os.umask(part.PRIVATE)
    clock = clock or SystemClock()
    data = Path(settings.data)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"data: {data} cannot be made: {error.strerror}") from error
    state = open_state(data)
    try:
        migrate(state)
    except CommandError as error:
        raise OperatorError(f"{data} was made by a newer version of Heliograph: {error}") from error
    made = first_start(state, data, public_url(settings), clock.now())
    ensure_certificate(state, topics_url(settings), clock.now())
    state.dispose()
    if made is not None:
        asyncio.run(_begin(settings, made["account"], clock))
    return made


def run_part(name: str, settings: Settings) -> None:
    """Become one part alone, until SIGTERM: web, engine, journal or mail."""
    if name not in part.MODULES:
        raise OperatorError(f"there is no part called {name}: {', '.join(part.MODULES)}")
    os.environ.update(part.environment(settings))
    os.execv(sys.executable, part.command(name))  # noqa: S606 - our own command line


def run_all(settings: Settings) -> None:
    """Everything, under one supervisor, until SIGTERM or SIGINT."""
    configure(settings.log_level, settings.log_format, "supervisor")
    shutil.rmtree(
        Path(settings.data) / part.METRICS, ignore_errors=True
    )  # figures of processes that are no more
    names = ["web", "engine"] if settings.workers == 1 else ["journal", "web", "engine"]
    names += ["mail"] if configured(settings) else []
    parts = [Part(name, part.command(name)) for name in names]
    environ = {**os.environ, **part.environment(settings)}
    Supervisor(parts, environ=environ, grace=settings.shutdown_grace + 5).run()


async def _begin(settings: Settings, account: str, clock: Clock) -> None:
    async with owned(settings) as journal:
        await enroll(settings, clock, journal)
        await journal.append(builtin_templates(account, clock.now()))
