"""What any test may ask for: a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import hypothesis
import pytest
from playwright.async_api import Browser
from real_browser import launched

hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile(
    "any machine"
)  # how long an example takes says nothing where cores are shared


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium of one's own."""
    async with launched() as browser:
        yield browser
