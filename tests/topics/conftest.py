"""An engine on a clock turned by hand, a certificate, receivers on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from topic_world import Answer, House, Receive, Receiver, directory

from heliograph.accounts.certificates import ensure_certificate, public_certificate, signing_certificate
from heliograph.clock import ManualClock
from heliograph.database import METADATA, open_state
from heliograph.egress import Egress
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.topics import Means
from heliograph.outbound.topics.signer import Signer
from heliograph.queues.file import QueueFile
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings, topics_url

SETTINGS = Settings(
    base_url="https://mail.shop.example",
    sns_url="https://sns.shop.example",
    egress_allow=("127.0.0.0/8",),
    sns_timeout=60.0,
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """State with a certificate: RSA keys take a while to make."""
    engine = open_state(tmp_path_factory.mktemp("certificate"))
    METADATA.create_all(engine)
    ensure_certificate(engine, topics_url(SETTINGS), 1_700_000_000_000_000)
    return engine


@pytest.fixture(scope="session")
def pem(made: Engine) -> bytes:
    """The certificate that everybody may have."""
    with made.connect() as connection:
        found = public_certificate(connection, signing_certificate(made).id)
    assert found
    return found


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def receive(clock: ManualClock) -> AsyncIterator[Receive]:
    """Start a receiver: `await receive(500, 200)` answers 500 once and 200 ever after."""
    servers: list[asyncio.Server] = []

    async def start(*answers: Answer) -> Receiver:
        receiver = Receiver(clock, answers or (200,))
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return receiver

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def house(tmp_path: Path, made: Engine, settings: Settings, clock: ManualClock) -> AsyncIterator[House]:
    state = open_state(tmp_path)
    METADATA.create_all(state)
    journal = await SqliteJournal.open(tmp_path)
    loops = Loops(journal=journal, engine=state, clock=clock, folds=FOLDS, reactions=())
    egress, queues = Egress(settings), QueueFile(tmp_path)
    means = Means(
        engine=open_state(tmp_path, read_only=True),
        directory=directory(),
        egress=egress,
        queues=queues,
        signer=Signer(signing_certificate(made), topics_url(settings)),
        settings=settings,
        clock=clock,
    )
    running = asyncio.create_task(loops.run())
    house = House(journal, loops, clock, means, state)
    await house.serve()
    yield house
    await loops.stop(grace=0)
    await running
    await journal.close()
    await egress.close()
    queues.close()
