"""A state of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from state_world import World

from heliograph.database import memory_state


@pytest.fixture
def world() -> Iterator[World]:
    engine = memory_state()
    with engine.begin() as connection:
        yield World(connection)
    engine.dispose()
