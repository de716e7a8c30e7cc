"""The policies on a line of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from event_line import ACCOUNT, Line
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.database import memory_state
from heliograph.react import policies
from heliograph.signing import Keyring


@pytest.fixture
def policy() -> Policy:
    return Policy(double_optin=False)


@pytest.fixture
def make_line(policy: Policy) -> Iterator[Callable[[], Line]]:
    engines: list[Engine] = []

    def make() -> Line:
        directory = Directory(
            [Account(number=ACCOUNT, store_id="A", policy=policy)], [], Keyring({1: b"k" * 32}, 1)
        )
        engines.append(memory_state())
        return Line(engines[-1], policies.reaction(directory))

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def line(make_line: Callable[[], Line]) -> Line:
    return make_line()
