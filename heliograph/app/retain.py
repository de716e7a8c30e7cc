"""Retention by command: run it now, beside a running engine or alone, and see how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Account
from heliograph.app.accounts import account_number
from heliograph.app.storage import reachable, reading
from heliograph.database import open_state
from heliograph.errors import OperatorError, Unavailable
from heliograph.journal.file_reader import FileReader
from heliograph.retention.archive import Archive, Size
from heliograph.retention.removing import Done, Limit, Retention, limit_of
from heliograph.settings import Settings


class Standing(NamedTuple):
    """How retention stands: each account with its archive; how far everybody is who reads the journal, and who is
    last; the journal's head, and how many bytes of its file are free."""

    accounts: Sequence[tuple[Account, Size]]
    limit: Limit
    head: int
    free: int


async def run(settings: Settings, account: str | None, now: int) -> list[tuple[Account, Done]]:
    """Archive and remove what the accounts (None: all) no longer keep at the instant `now`. Raises `OperatorError`."""
    state = open_state(Path(settings.data), read_only=True)
    try:
        number = account and account_number(state, account)
        chosen = [one for one in load_directory(state).accounts.values() if number in (None, "", one.number)]
        async with reachable(settings) as journal:
            retention = Retention(journal=journal, state=state, archive=Archive(Path(settings.data)))
            return [(one, await retention.run(one, now)) for one in chosen]
    except Unavailable as error:
        raise OperatorError(f"{error}. The same command goes on where it was") from error
    finally:
        state.dispose()


async def status(settings: Settings) -> Standing:
    """How it stands. Raises `OperatorError`."""
    archive = Archive(Path(settings.data))
    state = open_state(Path(settings.data), read_only=True)
    try:
        accounts = [(one, archive.size(one.number)) for one in load_directory(state).accounts.values()]
        with state.connect() as connection:
            limit = limit_of(connection)
    finally:
        state.dispose()
    async with reading(settings) as journal:
        return Standing(accounts, limit, await journal.head(), await journal.run(FileReader.free_bytes))
