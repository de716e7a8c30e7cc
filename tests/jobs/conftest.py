"""What the tests of jobs share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from job_world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, jobs_folder=str(tmp_path / "open"))
    await made.template("t", "a", "b")
    yield made
    await made.close()
