"""The doors of consent on a journal in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from door_calls import Doors, ask, clock, journal, refs
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.inbound import consent
from heliograph.journal.journal import Journal
from heliograph.refs import Refs
from heliograph.signing import Keyring

__all__ = ["ask", "clock", "journal", "refs"]

SHOP = Account(number="000000000001", store_id="A", name="Poe & Sons <Books>")
PRIVATE = Account(number="000000000002", store_id="B", policy=Policy(ip="truncate"))


@pytest.fixture
def directory() -> Directory:
    return Directory([SHOP, PRIVATE], [], Keyring({1: b"k" * 32}, 1))


@pytest.fixture
def state() -> Engine:
    return memory_state()


@pytest.fixture
def doors_on(
    directory: Directory, refs: Refs, clock: ManualClock, state: Engine
) -> Callable[[Journal], Doors]:
    return lambda journal: Doors(consent.routes(directory, refs, journal, clock, state))
