"""Worlds of live pictures, on request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from live_world import NOW, World, prepared

from heliograph.clock import ManualClock
from heliograph.journal.memory import MemoryJournal


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Callable[..., World]]:
    """Workers on one data directory and one journal."""
    credentials = prepared(tmp_path / "data")
    journal, clock = MemoryJournal(), ManualClock(NOW)
    made: list[World] = []

    def another(**settings: Any) -> World:
        made.append(World(tmp_path / "data", journal, clock, credentials, **settings))
        return made[-1]

    yield another
    for world in made:
        await world.close()


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    return worlds()
