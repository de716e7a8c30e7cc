"""A receiver of webhooks on a real socket, state in a real file, and a door out that may call loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from feed_world import Receiver
from sqlalchemy import Engine

from heliograph.database import METADATA, open_state
from heliograph.egress import Egress
from heliograph.queues.file import QueueFile
from heliograph.settings import Settings

SETTINGS = Settings(egress_allow=("127.0.0.0/8", "::1/128"), webhook_https_only=False, webhook_timeout=0.5)


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
