"""What the tests of messages share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from mail_world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A real SMTP server (`mail_world.World`)."""
    made = World(enable_SMTPUTF8=True)
    await made.start()
    yield made
    await made.stop()
