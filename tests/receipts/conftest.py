"""What the tests of receipts share."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailbox_world import World


@pytest.fixture
async def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    await made.send()
    return made
