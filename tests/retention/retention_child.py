"""A process that runs retention and is killed in the middle: retention_child.py DATA ACCOUNT note|write|rename|remove|end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliograph.accounts.model import Account, Policy
from heliograph.database import open_state
from heliograph.journal.journal_file import JournalFile
from heliograph.journal.sqlite import SqliteJournal
from heliograph.retention import archive as files
from heliograph.retention.archive import Archive
from heliograph.retention.removing import Retention

NOW = 1_700_870_400_000_000  # ten days after the first


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def prepare(where: str) -> None:
    """Have this process killed at this moment."""
    if where == "note":
        files._settle = die
    elif where == "write":
        files.written = die
    elif where == "rename":
        own: Callable[[Path, Path], Path] = Path.replace
        Path.replace = lambda part, file: die() if file.name[0].isdigit() else own(part, file)  # type: ignore[method-assign, assignment, return-value]
    elif where == "remove":
        remove, calls = JournalFile.remove, iter(range(9))
        JournalFile.remove = lambda *what: die() if next(calls) else remove(*what)  # type: ignore[method-assign]
    else:
        Archive.end = die  # type: ignore[method-assign]


async def main(data: Path, account: str) -> None:
    journal = await SqliteJournal.open(data)
    retention = Retention(journal=journal, state=open_state(data), archive=Archive(data))
    await retention.run(Account(number=account, store_id="s", policy=Policy(retention_days=1)), NOW)


if __name__ == "__main__":
    prepare(sys.argv[3])
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
