from __future__ import annotations

from collections.abc import Iterator

import pytest
from collect_shop import ORIGIN, Counter, Shop

from heliograph.accounts.model import Policy


@pytest.fixture
def shop() -> Shop:
    """A lenient account."""
    return Shop()


@pytest.fixture
def strict() -> Shop:
    """An account that enforces the document's mandatory fields."""
    return Shop(policy=Policy(validation="strict"))


@pytest.fixture
def browsers() -> Shop:
    """An account whose pages may send events without a key."""
    return Shop(policy=Policy(browser_origins=(ORIGIN,)))


@pytest.fixture
def counter() -> Iterator[Counter]:
    """A lenient account with a state behind it."""
    made = Counter()
    yield made
    made.state.dispose()
