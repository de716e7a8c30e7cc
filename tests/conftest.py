"""What any test may ask for: a state in memory, a real browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator

import hypothesis
import pytest
from playwright.async_api import Browser
from real_browser import launched
from sqlalchemy import Engine

from heliograph.database import memory_state
from heliograph.egress import connections

# How long an example takes says nothing where cores are shared; and the same code passes today and tomorrow. Other
# examples than yesterday's: `make test ARGS=--hypothesis-profile=explore`.
hypothesis.settings.register_profile("any machine", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile("any machine")

os.environ["AIOSMTPD_CONTROLLER_TIMEOUT"] = "90"  # seconds that a test's SMTP server has to start

# Seconds. A machine that stands still for a while has lost no connection to itself.
connections.CONNECT_TIMEOUT = connections.KEEP_ALIVE = 90.0


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium of one's own."""
    async with launched() as browser:
        yield browser


@pytest.fixture
def make_state() -> Iterator[Callable[[], Engine]]:
    """States in memory, closed when the test is over."""
    made: list[Engine] = []

    def make() -> Engine:
        made.append(memory_state())
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()
