"""The account and its journal on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from service_world import World

from heliograph.journal.sqlite import SqliteJournal


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = await SqliteJournal.open(tmp_path)
    world = World(tmp_path, journal)
    yield world
    await world.means.egress.close()
    await journal.close()
    world.reading.dispose()
    world.state.dispose()
