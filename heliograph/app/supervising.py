"""What `heliograph serve` becomes once everything is ready: the supervisor of the parts that it is told, and nothing else.

A program of its own, so that none of what a start needs (the schema, its migrations, the command line) stays in memory
for as long as the parts run: it is 30 MB instead of 155.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from heliograph.app import part
from heliograph.logs import configure
from heliograph.settings import Settings, from_environment
from heliograph.supervisor import Part, Supervisor

log = logging.getLogger("heliograph.serve")

STOPPING = 5.0
"""Seconds more than its grace until a part that does not stop is killed."""


def become(settings: Settings, names: Sequence[str]) -> NoReturn:
    """Turn this process into the supervisor of these parts, in this order, until SIGTERM or SIGINT."""
    os.environ.update(part.environment(settings))
    sys.stdout.flush()
    os.execv(sys.executable, (sys.executable, "-m", __name__, *names))  # noqa: S606 - our own command line


def main(names: Sequence[str]) -> None:
    """Run the parts."""
    settings = from_environment()
    configure(settings.log_level, settings.log_format, "supervisor")
    parts = [Part(name, part.command(name)) for name in names]
    Supervisor(parts, environ=os.environ, grace=settings.shutdown_grace + STOPPING).run()
    _empty_log(Path(settings.data))


def _empty_log(data: Path) -> None:
    """Leave no log beside state: while others ran, one of them may have read just when the engine emptied it, and what was
    erased would lie in it until the next start. `heliograph.database` would bring all that is spared here."""
    try:
        with contextlib.closing(sqlite3.connect(data / "state.db")) as state:
            state.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        log.warning("the log of state could not be emptied: %s", error)


if __name__ == "__main__":
    main(sys.argv[1:])
