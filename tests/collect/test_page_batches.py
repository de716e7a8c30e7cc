"""What the script of a page sends: many events at once, as a simple request that no browser asks about first."""

from __future__ import annotations

from typing import Any

import pytest
from collect_shop import NOW, ORIGIN, Call, Shop, answer, as_bytes, headers_of

from heliograph.clock import SECOND
from heliograph.web.http import Reply

PATH = "/api/v1/stores/AAABBB/events/batch"
ANN = {"email": "ann@example.com"}


async def visit(shop: Shop, items: Any, *, method: str = "POST", client: str = "198.51.100.7") -> Reply:
    headers = {"origin": ORIGIN, "content-type": "text/plain;charset=UTF-8"}
    return await shop.call(Call(method, PATH, "", headers, as_bytes(items), client))


def seen(number: int, **more: Any) -> dict[str, Any]:
    return {"type": "productView", "data": {"productId": number, **ANN}, **more}


async def test_a_page_sends_what_it_has_in_order(browsers: Shop) -> None:
    """RM-2, RM-13: as text/plain, which needs no preflight."""
    reply = await visit(browsers, [{"type": "customers/update", "data": ANN}, seen(1), seen(2)])
    assert reply.status == 200
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN
    assert [event.kind for event in browsers.events] == ["person.updated", "product.viewed", "product.viewed"]
    assert all(event.data.keyless for event in browsers.events)
    browsers.check_readable()


async def test_a_preflight_is_answered_too(browsers: Shop) -> None:
    """RM-13: for scripts that send JSON as JSON."""
    reply = await visit(browsers, [], method="OPTIONS")
    assert reply.status == 204
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN
    assert "content-type" in headers_of(reply)["access-control-allow-headers"]


@pytest.mark.parametrize("type", ["orders/create", "products/updated", "customers/delete", "carts/deleted"])
async def test_what_needs_a_key_is_refused_and_spoils_nothing(browsers: Shop, type: str) -> None:
    """RM-2"""
    reply = await visit(browsers, [seen(1), {"type": type, "data": {"id": 1, **ANN}}, seen(2)])
    results = answer(reply)["results"]
    assert [result["status"] for result in results] == ["ok", "error", "ok"]
    assert results[1]["code"] == "unauthorized"
    assert [event.kind for event in browsers.events] == ["product.viewed"] * 2


async def test_a_repeat_is_recorded_once_and_apart_from_servers(browsers: Shop) -> None:
    """RM-21"""
    first = answer(await visit(browsers, [seen(1, id="a"), seen(2, id="b")]))
    again = answer(await visit(browsers, [seen(2, id="b"), seen(3, id="c")]))
    assert again["results"][0] == {**first["results"][1], "duplicate": True}
    assert [event.data.product_id for event in browsers.events] == ["1", "2", "3"]
    await browsers.send("productView", {"productId": 9, **ANN}, x_event_id="a", x_source=ORIGIN)
    assert len(browsers.events) == 3 or browsers.last.data.product_id == "9"


async def test_an_age_counts_from_our_clock(browsers: Shop) -> None:
    """A visitor's clock may be years off."""
    await visit(browsers, [seen(1, age=90), seen(2, age=0.5), seen(3)])
    assert [NOW - event.at for event in browsers.events] == [90 * SECOND, SECOND // 2 - 1, -2]


async def test_times_tell_the_order_of_a_batch(browsers: Shop) -> None:
    """What was looked at last is the last that was sent, though all came in one moment."""
    await visit(browsers, [seen(number, id=f"id{number}") for number in range(20)])
    assert [event.data.product_id for event in sorted(browsers.events, key=lambda event: event.at)] == [
        str(number) for number in range(20)
    ]


@pytest.mark.parametrize("age", [-1, 1e12])
async def test_an_age_that_cannot_be_is_refused(browsers: Shop, age: float) -> None:
    (result,) = answer(await visit(browsers, [seen(1, age=age)]))["results"]
    assert (result["status"], result["field"]) == ("error", "age")


async def test_a_page_sends_few_events_at_once(browsers: Shop) -> None:
    """RM-2"""
    reply = await visit(browsers, [seen(number) for number in range(51)])
    assert reply.status == 413 and browsers.events == []
    big = [{"type": "search", "data": {"text": "x" * 140_000}}]
    assert (await visit(browsers, big)).status == 413


async def test_every_event_counts_against_the_rate(browsers: Shop) -> None:
    """RM-2: or a page would send fifty times as much as it may."""
    some = [seen(number) for number in range(25)]
    assert [(await visit(browsers, some)).status for _ in range(3)] == [200, 200, 429]
    assert (await visit(browsers, some, client="192.0.2.1")).status == 200
    await browsers.clock.advance(0.5)
    assert (await visit(browsers, some)).status == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"[", b"[1]", b'[{"type":"x"}]', b"[null,[],{}]"])
async def test_nonsense_is_refused_readably(browsers: Shop, body: bytes) -> None:
    reply = await visit(browsers, body)
    assert reply.status in (200, 400) and browsers.events == []
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN
    if reply.status == 200:
        assert all(result["status"] == "error" for result in answer(reply)["results"])
