"""The policies on a line of events."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from event_line import ACCOUNT, Line
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.react import policies
from heliograph.signing import Keyring


@pytest.fixture
def policy() -> Policy:
    return Policy(double_optin=False)


@pytest.fixture
def make_line(policy: Policy, make_state: Callable[[], Engine]) -> Callable[[], Line]:
    account = Account(number=ACCOUNT, store_id="A", policy=policy)
    directory = Directory([account], [], Keyring({1: b"k" * 32}, 1))
    return lambda: Line(make_state(), policies.reaction(directory))


@pytest.fixture
def line(make_line: Callable[[], Line]) -> Line:
    return make_line()
