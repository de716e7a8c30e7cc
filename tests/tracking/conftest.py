"""The doors of tracking on a journal in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from door_calls import Doors, ask, clock, journal, refs
from mail_readers import Worker
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.inbound import tracking
from heliograph.inbound.tracking.codes import Codes
from heliograph.inbound.tracking.readtime import ReadTimes
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.readers import Readers
from heliograph.refs import Refs
from heliograph.signing import Keyring

__all__ = ["ask", "clock", "journal", "refs"]

SHOP = Account(number="000000000001", store_id="A", policy=Policy(read_time="off"))
PRIVATE = Account(number="000000000002", store_id="B", policy=Policy(ip="truncate", read_time="off"))
SILENT = Account(number="000000000003", store_id="C", policy=Policy(ip="drop", read_time="off"))


@pytest.fixture
def directory() -> Directory:
    return Directory([SHOP, PRIVATE, SILENT], [], Keyring({1: b"k" * 32}, 1))


@pytest.fixture
def state() -> Iterator[Engine]:
    engine = memory_state()
    yield engine
    engine.dispose()


@pytest.fixture
def doors_on(
    directory: Directory, refs: Refs, clock: ManualClock, state: Engine
) -> Callable[[Journal], Doors]:
    readers = Readers()

    def routes(journal: Journal) -> Doors:
        read_times = ReadTimes(directory, refs, journal, clock, readers, room=100)
        codes = Codes(state, journal)
        return Doors(tracking.routes(directory, refs, journal, clock, readers, read_times, codes))

    return routes


@pytest.fixture
async def make_worker(journal: MemoryJournal, clock: ManualClock) -> AsyncIterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(**given) -> Worker:
        made.append(Worker(given.pop("journal", journal), clock, **given))
        return made[-1]

    yield make
    for worker in made:
        await worker.read_times.close()
