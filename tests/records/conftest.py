"""The account, its journal on disk, and the folds at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from record_world import World

from heliograph.api.resources import records
from heliograph.journal.sqlite import SqliteJournal


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(records, "PATIENCE", 60.0)  # state follows, however busy this machine is
    journal = await SqliteJournal.open(tmp_path)
    world = World(tmp_path, journal)
    running = asyncio.create_task(world.loops.run())
    yield world
    await world.loops.stop(grace=0)
    await running
    await journal.close()
    world.reading.dispose()
    world.state.dispose()
