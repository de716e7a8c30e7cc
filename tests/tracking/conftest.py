"""Doors called with a small request, on a journal in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import ManualClock
from heliograph.errors import CallerError, Unavailable
from heliograph.inbound import tracking
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.readers import Readers
from heliograph.refs import Refs
from heliograph.signing import Keyring
from heliograph.web.http import Reply, Route

PRIVATE = Account(number="000000000002", store_id="B", policy=Policy(ip="truncate"))
SILENT = Account(number="000000000003", store_id="C", policy=Policy(ip="drop"))


@dataclass
class Asked:
    """A request as a door sees it."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = "203.0.113.77"
    query: str = ""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    async def body(self, limit: int) -> bytes:
        return b""


class Doors(NamedTuple):
    """The routes on one journal."""

    routes: tuple[Route, ...]

    async def ask(self, path: str, **request: object) -> Reply:
        """What the web layer would answer."""
        route = next(route for route in self.routes if route.prefix == path.split("/")[1])
        try:
            return await route.handler(Asked(path, **request))  # type: ignore[arg-type]  # Asked's own fields
        except (CallerError, Unavailable) as error:
            return route.error(error)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def refs() -> Refs:
    return Refs(Keyring({1: b"k" * 32}, 1))


@pytest.fixture
def directory() -> Directory:
    accounts = [Account(number="000000000001", store_id="A"), PRIVATE, SILENT]
    return Directory(accounts, [], Keyring({1: b"k" * 32}, 1))


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def doors_on(directory: Directory, refs: Refs, clock: ManualClock) -> Callable[[Journal], Doors]:
    readers = Readers()
    return lambda journal: Doors(tracking.routes(directory, refs, journal, clock, readers))


@pytest.fixture
def ask(doors_on: Callable[[Journal], Doors], journal: MemoryJournal) -> Callable[..., Awaitable[Reply]]:
    return doors_on(journal).ask
