"""Live pictures in one web worker: what they stand on, their doors, and the API's pages.

live = open_live(...)          # inside the event loop
live.doors, live.pages         # for the entry, and for `app.pages`
await live.close()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from starlette.routing import BaseRoute

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.journal.journal import Journal
from heliograph.outbound.images.api.access import Gate
from heliograph.outbound.images.api.calls import Calls
from heliograph.outbound.images.api.routes import routes
from heliograph.outbound.images.doors import Doors
from heliograph.outbound.images.means import Means, Pictures
from heliograph.outbound.images.published import Shelf
from heliograph.outbound.images.visits import Scribe
from heliograph.readers import Readers
from heliograph.refs import Refs
from heliograph.settings import Settings, picture_urls, public_url
from heliograph.web.http import Route
from heliograph.web.limits import Limit
from heliograph.web.windows import Windows

PICTURES = "pictures"
"""Directory, below the data, of operators' pictures (`sources.Sources`)."""
ALLOWANCES = "allowances"
"""File, below the data, of what is used up of each account's requests."""
WINDOW = 15 * 60
"""Seconds for which an allowance holds (wire-facts 5.1)."""


@dataclass(frozen=True, slots=True)
class Live:
    """The routes, and what must be let go at the end."""

    doors: Sequence[Route]
    pages: Sequence[BaseRoute]
    windows: Windows

    def close(self) -> None:
        """Let go of files."""
        self.windows.close()


def open_live(
    settings: Settings,
    directory: Directory,
    refs: Refs,
    journal: Journal,
    engine: Engine,
    clock: Clock,
    sources: Pictures,
    readers: Readers,
) -> Live:
    """Everything, wired. `engine` only reads."""
    data = Path(settings.data)
    shelf = Shelf(engine, journal, clock)
    means = Means(sources, shelf)
    windows = Windows(data / ALLOWANCES, settings.image_api_requests, WINDOW, clock)
    setups = Limit(settings.image_setups, clock)
    picture, click = picture_urls(settings)
    doors = Doors(
        shelf=shelf,
        tools=means,
        scribe=Scribe(directory, readers),
        refs=refs,
        journal=journal,
        clock=clock,
        drawings=Limit(settings.image_rate, clock),
        setups=setups,
    )
    calls = Calls(
        shelf=shelf,
        tools=means,
        journal=journal,
        clock=clock,
        setups=setups,
        base=f"{public_url(settings)}/v3/personalize",
        picture=picture,
        click=click,
    )
    gate = Gate(directory, windows, Limit(settings.address_rate, clock), clock)
    return Live(doors.routes(), routes(gate, calls), windows)
