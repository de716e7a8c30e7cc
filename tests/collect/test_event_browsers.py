"""Pages that send events without a key: which, from where, and what they are told (RM-2, RM-13)."""

from __future__ import annotations

from typing import Any

import pytest
from collect_shop import ORIGIN, Shop, answer, headers_of, vector

from heliograph.accounts.model import Policy
from heliograph.settings import Settings

PERSON = {"email": "john.snow@thewall.org"}


async def test_a_preflight_names_the_origin_and_the_headers(browsers: Shop) -> None:
    """RM-13"""
    reply = await browsers.send(None, b"", method="OPTIONS", key=False, origin=ORIGIN)
    headers = headers_of(reply)
    assert reply.status == 204
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    assert "POST" in headers["access-control-allow-methods"]
    allowed = {name.strip() for name in headers["access-control-allow-headers"].split(",")}
    assert allowed >= {
        "content-type",
        "x-event-type",
        "x-token",
        "x-api-key",
        "x-domain",
        "x-platform",
        "x-event-time",
        "cache-control",
    }


async def test_a_preflight_of_a_stranger_allows_nothing(browsers: Shop, shop: Shop) -> None:
    """RM-13"""
    for asked in (browsers, shop):
        reply = await asked.send(None, b"", method="OPTIONS", key=False, origin="https://evil.example")
        assert reply.status == 204
        assert not any(name.startswith("access-control") for name in headers_of(reply))


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("customers/create", PERSON),
        ("customers/update", PERSON),
        ("carts/update", {"id": 1, **PERSON}),
        ("newsletter/subscribe", PERSON),
        ("newsletter/unsubscribe", PERSON),
        ("site-search", {"searchKeyword": "Red shorts", **PERSON}),
        ("productView", {"productId": "1", **PERSON}),
    ],
)
async def test_a_listed_page_may_send_what_visitors_do(browsers: Shop, type: str, body: object) -> None:
    """RM-2, RM-13: and may read the answer."""
    reply = await browsers.send(type, body, key=False, origin=ORIGIN)
    assert reply.status == 200
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN
    assert headers_of(reply)["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    "type",
    [
        "orders/create",
        "orders/updated",
        "products/create",
        "products/update",
        "customers/delete",
        "carts/deleted",
        "orders/delete",
    ],
)
async def test_no_page_may_send_orders_products_or_deletions(browsers: Shop, type: str) -> None:
    """RM-2"""
    reply = await browsers.send(type, {"id": 1, **PERSON}, key=False, origin=ORIGIN)
    assert reply.status == 401
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN, "the page shall see why"
    assert browsers.events == []


@pytest.mark.parametrize(
    "origin", ["", "https://evil.example", "http://shop.example", "https://shop.example.evil"]
)
async def test_another_origin_needs_a_key(browsers: Shop, origin: str) -> None:
    """RM-2"""
    reply = await browsers.send("customers/update", PERSON, key=False, origin=origin)
    assert reply.status == 401
    assert "access-control-allow-origin" not in headers_of(reply)


async def test_a_wrong_key_is_refused_even_from_a_listed_page(browsers: Shop) -> None:
    """RM-2"""
    reply = await browsers.send("customers/update", PERSON, key=False, origin=ORIGIN, x_token="wrong")
    assert reply.status == 401


async def test_pages_are_limited_by_their_visitors_address(browsers: Shop) -> None:
    """RM-2"""
    statuses = [
        (await browsers.send("customers/update", PERSON, key=False, origin=ORIGIN)).status for _ in range(51)
    ]
    assert statuses == [200] * 50 + [429]


async def test_the_visitors_address_is_the_one_that_signed_up(browsers: Shop) -> None:
    """A page cannot say that somebody else's address signed up."""
    body = {"email": "a@b.example", "client_ip": "203.0.113.99"}
    await browsers.send("newsletter/subscribe", body, key=False, origin=ORIGIN, client="192.0.2.44")
    assert browsers.last.data.ip == "192.0.2.44"
    assert browsers.last.data.source == "browser"


async def test_a_page_cannot_take_a_servers_event_ids(browsers: Shop) -> None:
    """RM-21: ids are scoped to their source, and a page is a source of its own."""
    page: dict[str, Any] = {"key": False, "origin": ORIGIN, "x_event_id": "order-1"}
    await browsers.send("site-search", {}, **page, x_source="api")
    first = await browsers.send("orders/create", {"id": 1}, x_event_id="order-1")
    assert "duplicate" not in answer(first)
    again = await browsers.send("site-search", {}, **page)
    assert answer(again)["duplicate"] is True


async def test_a_page_cannot_tell_a_thing_in_a_servers_stead(browsers: Shop) -> None:
    """RM-2, RM-21: the same words of a server are another event, for a page's have no power."""
    body = {"email": "a@b.example", "accepts_marketing": True, "timestamp": "2023-01-01T00:00:00Z"}
    body["updated_at"] = body["timestamp"]
    await browsers.send("customers/update", body, key=False, origin=ORIGIN)
    assert "duplicate" not in answer(await browsers.send("customers/update", body))
    assert [event.data.keyless for event in browsers.events] == [True, False]


async def test_a_page_cannot_rename_a_customer(browsers: Shop) -> None:
    """RM-2, RM-9: a known id with another address renames, so a page's id is left out and noted."""
    reply = await browsers.send("customers/update", {"id": 1234, **PERSON}, key=False, origin=ORIGIN)
    assert reply.status == 200
    assert browsers.last.data.person.id is None and browsers.last.data.person.email == PERSON["email"]
    assert browsers.last.data.said.body == {"id": 1234, **PERSON}
    assert any(note.startswith("id: left out") for note in browsers.last.data.notes)


@pytest.mark.parametrize(
    ("type", "body", "note"),
    [
        ("carts/update", {"id": 1, "email": "a@b.example", "customer": {"id": 1234}}, "customer.id"),
        ("carts/update", {"id": 1, "customer": {"id": 1234, "email": "a@b.example"}}, "customer.id"),
        ("newsletter/subscribe", {"email": "a@b.example", "customerId": 1234}, "customerId"),
        ("productView", {"productId": "1", "email": "a@b.example", "customerId": 1234}, "customerId"),
        ("site-search", {"email": "a@b.example", "customer": {"id": 1234}}, "customerId"),
    ],
)
async def test_no_page_says_whose_a_number_is(type: str, body: dict[str, Any], note: str) -> None:
    """RM-2, RM-9: nowhere in an event, and strict accounts take what is left; a server may."""
    lenient = Shop(policy=Policy(browser_origins=(ORIGIN,)))
    reply = await lenient.send(type, body, key=False, origin=ORIGIN)
    assert reply.status == 200 and answer(reply)["notes"][0].startswith(f"{note}: left out")
    assert lenient.last.subject == "email:a@b.example"
    told = {name: value for name, value in lenient.stored.items() if name not in ("said", "notes", "body")}
    assert "1234" not in str(told)
    assert "notes" not in answer(await lenient.send(type, body))
    strict = Shop(policy=Policy(browser_origins=(ORIGIN,), validation="strict"))
    if not type.startswith("carts"):  # whose mandatory fields are another matter
        assert (await strict.send(type, body, key=False, origin=ORIGIN)).status == 200


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("productView", {"productId": "1", "customerId": 1234}),
        ("site-search", {"customerId": "1234"}),
        ("carts/update", {"id": 7, "customer": {"id": "1234"}}),
    ],
)
async def test_a_page_may_name_a_customer_by_number_alone(
    browsers: Shop, type: str, body: dict[str, Any]
) -> None:
    """S3:L113, setCustomerId: it finds; what it may do is the folds' affair."""
    assert (await browsers.send(type, body, key=False, origin=ORIGIN)).status == 200
    assert browsers.last.subject == "customer:1234"
    assert browsers.last.data.keyless is True


async def test_what_a_page_says_is_marked(browsers: Shop) -> None:
    """RM-2: whoever decides about consent and identity looks at the mark."""
    bodies = {"customers/update": PERSON, "carts/update": {"id": 1}, "newsletter/subscribe": PERSON}
    bodies |= {"newsletter/unsubscribe": PERSON, "productView": {"productId": 1} | PERSON, "search": PERSON}
    for name, body in bodies.items():
        await browsers.send(name, body, key=False, origin=ORIGIN)
        assert browsers.last.data.keyless is True, name
        await browsers.send(name, body, x_source=ORIGIN)
        assert browsers.last.data.keyless is False, name
    browsers.check_readable()


async def test_a_store_has_a_rate_for_all_its_pages_together() -> None:
    """RM-2: addresses are cheap."""
    shop = Shop(policy=Policy(browser_origins=(ORIGIN,)), settings=Settings(page_rate=3))
    page: dict[str, Any] = {"key": False, "origin": ORIGIN}
    replies = [await shop.send("search", PERSON, client=f"192.0.2.{n}", **page) for n in range(4)]
    assert [reply.status for reply in replies] == [200] * 3 + [429]
    assert headers_of(replies[-1])["retry-after"] == "1"
    assert headers_of(replies[-1])["access-control-expose-headers"] == "retry-after"
    assert (await shop.send("orders/create", {"id": 1})).status == 200, "servers go on"


async def test_a_page_sends_small_bodies(browsers: Shop) -> None:
    big = {"id": 1, "note": "x" * 140_000}
    assert (await browsers.send("carts/update", big, key=False, origin=ORIGIN)).status == 413
    assert (await browsers.send("carts/update", big)).status == 200


async def test_an_error_is_readable_for_the_page(browsers: Shop) -> None:
    """RM-13"""
    reply = await browsers.send("customers/update", b"nonsense", key=False, origin=ORIGIN)
    assert (reply.status, answer(reply)["field"]) == (400, "body")
    assert headers_of(reply)["access-control-allow-origin"] == ORIGIN


async def test_a_server_with_a_key_needs_no_origin(shop: Shop) -> None:
    reply = await shop.send("orders/create", vector("s3_orders_create"))
    assert reply.status == 200
    assert "access-control-allow-origin" not in headers_of(reply)
