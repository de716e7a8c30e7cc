"""Doors called with a small request, as the web layer would call them, and what every such test needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from heliograph.clock import ManualClock
from heliograph.errors import CallerError, TooLarge, Unavailable
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.refs import Refs
from heliograph.signing import Keyring
from heliograph.web.http import TRACKING_CODE, Reply, Route


@dataclass
class Asked:
    """A request as a door sees it."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = "203.0.113.77"
    query: str = ""
    content: bytes = b""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    async def body(self, limit: int) -> bytes:
        if len(self.content) > limit:
            raise TooLarge("too large")
        return self.content

    async def gone(self) -> None:
        await self.left.wait()


class Doors(NamedTuple):
    """The routes on one journal."""

    routes: tuple[Route, ...]

    async def ask(self, path: str, *, route: str = "", **request: object) -> Reply:
        """What the web layer would answer; `route`: the prefix of the one that it would find by a path's form."""
        known = {route.prefix: route for route in self.routes}
        first = path.split("/")[1]
        found = known[route or (first if first in known else TRACKING_CODE)]
        try:
            return await found.handler(Asked(path, **request))  # type: ignore[arg-type]  # Asked's own fields
        except (CallerError, Unavailable) as error:
            return found.error(error)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def refs() -> Refs:
    return Refs(Keyring({1: b"k" * 32}, 1))


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def ask(doors_on: Callable[[Journal], Doors], journal: MemoryJournal) -> Callable[..., Awaitable[Reply]]:
    """Ask the slice's doors (`doors_on`, which each slice has its own of) on the journal in memory."""
    return doors_on(journal).ask
