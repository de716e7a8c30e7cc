"""When an event happened (RM-7)."""

from __future__ import annotations

import pytest
from collect_shop import NOW, Shop, answer

from heliograph.clock import SECOND

SECONDS = NOW // SECOND


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("1573649331", 1_573_649_331 * SECOND),
        (" 1573649331 ", 1_573_649_331 * SECOND),
        ("1573649331.25", 1_573_649_331 * SECOND + 250_000),
        ("0", 0),
        (str(SECONDS + 300), NOW + 300 * SECOND),
        ("", NOW),
    ],
)
async def test_the_header_says_when(strict: Shop, said: str, at: int) -> None:
    """RM-7: unix seconds; up to five minutes ahead is a clock that is fast."""
    assert (await strict.send("site-search", {}, x_event_time=said)).status == 200
    assert (strict.last.at, strict.last.recorded) == (at, NOW)


@pytest.mark.parametrize(
    "said",
    ["yesterday", "-5", "1573649331000", "1e9", "0x10", "٣", "2012-02-15", str(SECONDS + 301), "9" * 400],
)
async def test_garbage_and_the_future_are_refused_or_now(shop: Shop, strict: Shop, said: str) -> None:
    """RM-7"""
    refused = await strict.send("site-search", {}, x_event_time=said)
    assert (refused.status, answer(refused)["field"]) == (400, "x-event-time")
    assert (await shop.send("site-search", {}, x_event_time=said)).status == 200
    assert shop.last.at == NOW
    assert shop.last.data.notes[0].startswith("x-event-time:")


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("1573649331", 1_573_649_331 * SECOND),
        (1573649331, 1_573_649_331 * SECOND),
        ("2019-11-13T12:48:51Z", 1_573_649_331 * SECOND),
        ("2019-11-13T07:48:51-05:00", 1_573_649_331 * SECOND),
        ("2019-11-13 12:48:51", 1_573_649_331 * SECOND),
        (None, NOW),
    ],
)
async def test_without_the_header_the_bodys_timestamp_counts(shop: Shop, said: object, at: int) -> None:
    """RM-7, RM-21: Magento sends a timestamp in the body."""
    for said_of in (
        "orders/create",
        "customers/update",
        "products/update",
        "carts/update",
        "newsletter/subscribe",
    ):
        await shop.send(said_of, {"id": 1, "email": "a@b.example", "timestamp": said})
        assert shop.last.at == at


async def test_the_header_of_time_wins_over_the_body(shop: Shop) -> None:
    """RM-7"""
    await shop.send("orders/create", {"id": 1, "timestamp": 1}, x_event_time="1573649331")
    assert shop.last.at == 1_573_649_331 * SECOND


@pytest.mark.parametrize("said", ["soon", True, 9e300, -1, [1], "99999-01-01T00:00:00Z"])
async def test_a_timestamp_that_is_none_is_noted(shop: Shop, strict: Shop, said: object) -> None:
    """RM-7"""
    body = {"id": 1, "timestamp": said}
    assert (await shop.send("orders/delete", body)).status == 200
    assert shop.last.at == NOW
    assert shop.last.data.notes[0].startswith("timestamp:")
    assert (await strict.send("orders/delete", body)).status == 400


async def test_a_custom_events_timestamp_may_mean_anything(strict: Shop) -> None:
    assert (await strict.send("song-played", {"timestamp": "03:15"})).status == 200
    assert strict.last.at == NOW
