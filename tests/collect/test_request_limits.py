"""Token buckets: how often somebody may ask."""

from __future__ import annotations

import pytest

from heliograph.clock import ManualClock
from heliograph.errors import TooManyRequests
from heliograph.web.limits import Limit, site


def taken(limit: Limit, name: str, times: int) -> int:
    """How many of so many requests are let through."""
    count = 0
    for _ in range(times):
        try:
            limit.spend(name)
        except TooManyRequests:
            continue
        count += 1
    return count


async def test_a_bucket_holds_one_seconds_worth_and_fills_steadily() -> None:
    clock = ManualClock()
    limit = Limit(10, clock)
    assert taken(limit, "a", 30) == 10
    await clock.advance(0.5)
    assert taken(limit, "a", 30) == 5
    await clock.advance(3600)
    assert taken(limit, "a", 30) == 10


async def test_the_wait_that_is_told_is_long_enough() -> None:
    clock = ManualClock()
    limit = Limit(0.1, clock)
    limit.spend("a")
    with pytest.raises(TooManyRequests) as caught:
        limit.spend("a")
    assert caught.value.retry_after == 10
    await clock.advance(10)
    limit.spend("a")


def test_a_refusal_costs_nothing() -> None:
    """Who asks too often is not punished beyond the rate."""
    limit = Limit(2, ManualClock())
    assert taken(limit, "a", 1000) == 2
    with pytest.raises(TooManyRequests) as caught:
        limit.spend("a")
    assert caught.value.retry_after == 1


def test_names_do_not_share() -> None:
    limit = Limit(1, ManualClock())
    assert [taken(limit, name, 2) for name in "abc"] == [1, 1, 1]


def test_no_rate_is_no_limit() -> None:
    assert taken(Limit(0, ManualClock()), "a", 10_000) == 10_000


async def test_a_flood_of_names_is_bounded_and_the_busy_ones_are_remembered() -> None:
    clock = ManualClock()
    limit = Limit(1, clock, names=100)
    for number in range(90):
        limit.spend(f"idle-{number}")
    await clock.advance(2)
    for number in range(60):
        limit.spend(f"busy-{number}")
    assert len(limit._full_at) <= 100
    assert taken(limit, "busy-59", 1) == 0
    for number in range(10_000):
        limit.spend(f"flood-{number}")
    assert len(limit._full_at) <= 100


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "::ffff:203.0.113.9"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_an_ipv6_site_is_one_name(address: str, name: str) -> None:
    assert site(address) == name
