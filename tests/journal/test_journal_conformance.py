"""Every implementation of the journal keeps every promise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from conformance import JournalConformance

from heliograph.journal.frames import SOCKET
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.journal.remote import RemoteJournal
from heliograph.journal.sqlite import SqliteJournal
from heliograph.journal.writer import serve_journal


@pytest.fixture(params=["memory", "sqlite", "remote"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    if request.param == "memory":
        yield MemoryJournal()
        return
    owner = await SqliteJournal.open(tmp_path)
    if request.param == "sqlite":
        yield owner
    else:
        server = await serve_journal(owner, tmp_path / SOCKET)
        remote = await RemoteJournal.connect(tmp_path)
        yield remote
        await remote.close()
        await server.close()
    await owner.close()


class TestJournal(JournalConformance):
    """The suite, over each of them."""
