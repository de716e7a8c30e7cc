"""A receiver of webhooks on a real socket, state in a real file, and a door out that may call loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from feed_world import NOW, SECRET, Receiver, directory
from sqlalchemy import Engine

from heliograph.clock import ManualClock
from heliograph.database import METADATA, Reading, open_state
from heliograph.egress import Egress
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.queues.file import QueueFile
from heliograph.readers import Readers
from heliograph.settings import Settings

SETTINGS = Settings(egress_allow=("127.0.0.0/8", "::1/128"), webhook_https_only=False, webhook_timeout=60.0)


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


@pytest.fixture
def state(tmp_path: Path) -> Engine:
    engine = open_state(tmp_path)
    METADATA.create_all(engine)
    return engine


@pytest.fixture
async def egress(settings: Settings) -> AsyncIterator[Egress]:
    door = Egress(settings)
    yield door
    await door.close()


@pytest.fixture
async def receive() -> AsyncIterator[Callable[..., Awaitable[Receiver]]]:
    """Start a receiver: `await receive(500, 200)` answers 500 once and 200 ever after."""
    servers: list[asyncio.Server] = []

    async def start(*answers: int | str) -> Receiver:
        receiver = Receiver(answers or (200,))
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return receiver

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[QueueFile]:
    file = QueueFile(tmp_path)
    yield file
    file.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def means(
    tmp_path: Path, state: Engine, egress: Egress, queues: QueueFile, settings: Settings, clock: ManualClock
) -> AsyncIterator[Means]:
    """What deliveries are made with. A module that wants other settings, or another clock, has a fixture of that name."""
    links = Links()
    yield Means(
        reading=Reading(open_state(tmp_path, read_only=True)),
        directory=directory("old", SECRET),
        egress=egress,
        queues=queues,
        links=links,
        journal=MemoryJournal(),
        readers=Readers(),
        settings=settings,
        clock=clock,
    )
    await links.close()
