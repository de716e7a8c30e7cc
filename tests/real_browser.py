"""A real browser for tests: the one that is here, else the one that its driver brought."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
"""Looked for on the path in this order; without one of them the browser that came with the driver is used."""

QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
"""A browser that asks nobody but the page under test."""


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless Chromium; `HELIOGRAPH_TEST_BROWSER` names another executable."""
    found = os.environ.get("HELIOGRAPH_TEST_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        await browser.close()
