"""Where events are sent, and what is answered when the request itself is wrong."""

from __future__ import annotations

import pytest
from collect_shop import API_KEY, OTHER_API_KEY, OTHER_STORE_KEY, STORE_KEY, Call, Shop, answer, headers_of

from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.settings import Settings

ORDER = {"id": 1, "email": "guy@remarkety.com"}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/webhooks/", "storeId=AAABBB"),
        ("/webhooks", "storeId=AAABBB"),
        ("/webhooks/", "a=1&storeId=AAABBB&b=2"),
        ("/webhooks", "storeId=AAA%42BB"),
        ("/webhooks/store/AAABBB", ""),
        ("/webhooks/store/AAABBB/", ""),
    ],
)
async def test_every_url_of_the_document_reaches_the_same_handler(shop: Shop, path: str, query: str) -> None:
    """RM-1: no redirects, with or without a slash."""
    reply = await shop.send("orders/create", ORDER, path=path, query=query)
    assert reply.status == 200
    assert answer(reply) == {"status": "ok", "id": shop.last.id}
    assert shop.last.account == "111111111111"


async def test_the_answer_is_given_after_the_journal_has_it(shop: Shop) -> None:
    """RM-3: durable before 200; a full queue is 503 with Retry-After and records nothing."""
    shop.journal.fault = JournalFull("too many events wait", retry_after=2)
    reply = await shop.send("orders/create", ORDER)
    assert reply.status == 503
    assert headers_of(reply)["retry-after"] == "2"
    assert answer(reply)["code"] == "unavailable"
    assert shop.events == []


@pytest.mark.parametrize(
    "path", ["/webhooks/store/NOBODY", "/webhooks/store", "/webhooks/a/b/c", "/webhooks/"]
)
async def test_an_unknown_store_or_path_is_not_found(shop: Shop, path: str) -> None:
    """RM-4"""
    reply = await shop.send("orders/create", ORDER, path=path)
    assert reply.status == 404
    assert answer(reply)["status"] == "error"
    assert answer(reply)["message"]


@pytest.mark.parametrize(
    "headers",
    [{"x-token": STORE_KEY}, {"x-api-key": API_KEY}, {"x-token": "wrong", "x-api-key": API_KEY}],
)
async def test_either_key_suffices(shop: Shop, headers: dict[str, str]) -> None:
    """RM-2"""
    sent = {"x-event-type": "orders/create", **headers}
    reply = await shop.call(Call("POST", "/webhooks/store/AAABBB", "", sent, b'{"id":1}'))
    assert reply.status == 200 and codec.properties(shop.last)["id"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"x-token": "wrong"},
        {"x-token": OTHER_STORE_KEY},
        {"x-api-key": OTHER_API_KEY},
        {"x-token": API_KEY},
        {"x-api-key": STORE_KEY},
        {"x-token": "\udc80\u20ac"},
        {},
    ],
)
async def test_a_wrong_or_missing_key_is_refused_before_the_body_is_read(
    shop: Shop, headers: dict[str, str]
) -> None:
    """RM-2, RM-22: a refused event comes four times, so it is refused cheaply."""
    call = Call(
        "POST", "/webhooks/store/AAABBB", "", {"x-event-type": "orders/create", **headers}, b'{"id":1}'
    )
    reply = await shop.call(call)
    assert reply.status == 401
    assert "x-token" in answer(reply)["message"]
    assert "www-authenticate" in headers_of(reply)
    assert not call.body_was_read
    assert shop.events == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(shop: Shop, method: str) -> None:
    reply = await shop.send("orders/create", ORDER, method=method)
    assert reply.status == 405
    assert headers_of(reply)["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/*;q=0.1",
        "text/html, */*;q=0.5",
        "text/html,application/json;q=0.2",
    ],
)
async def test_json_is_what_is_answered_unless_it_is_excluded(shop: Shop, accept: str) -> None:
    """RM-4"""
    reply = await shop.send("orders/create", ORDER, accept=accept)
    assert (reply.status, answer(reply)["status"]) == (200, "ok")


@pytest.mark.parametrize(
    "accept",
    ["text/html", "application/xml", "*/*, application/json;q=0", "application/json;q=0.0", "image/*"],
)
async def test_a_caller_that_excludes_json_gets_406(shop: Shop, accept: str) -> None:
    """RM-4"""
    reply = await shop.send("orders/create", ORDER, accept=accept)
    assert reply.status == 406
    assert answer(reply)["field"] == "accept"


async def test_a_missing_event_type_is_named(shop: Shop) -> None:
    """RM-4"""
    for named in (None, "", "   "):
        reply = await shop.send(named, ORDER)
        assert reply.status == 400
        assert answer(reply)["field"] == "x-event-type"


@pytest.mark.parametrize("type", ["site search", "a" * 101, "küche", "a\x00b", "a?b", "site-search\n?"])
async def test_an_event_type_is_made_of_few_characters(shop: Shop, type: str) -> None:
    """RM-20"""
    reply = await shop.send(type, ORDER)
    assert reply.status == 400
    assert answer(reply)["field"] == "x-event-type"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"{", "ends too early"),
        (b"id=1&email=a", "malformed"),
        (b'{"id":1,}', "trailing comma"),
        (b'{"id":1} {"id":2}', "trailing characters"),
        (b'{"id":NaN}', "invalid character"),
        (b"[1]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b"12", "object"),
        (b'{"id":1,"x":"\xff"}', "UTF-8"),
        ('{"id":1}'.encode("utf-16"), "malformed"),
    ],
)
@pytest.mark.parametrize("type", ["orders/create", "site-search", "newsletter/subscribe", "productView"])
async def test_a_body_that_is_no_json_object_is_refused_with_the_reason(
    shop: Shop, type: str, body: bytes, reason: str
) -> None:
    """RM-4"""
    reply = await shop.send(type, body)
    assert reply.status == 400
    assert answer(reply)["field"] == "body"
    assert reason in answer(reply)["message"]
    assert shop.events == []


async def test_an_oversize_body_is_413() -> None:
    shop = Shop(settings=Settings(body_limit=1024))
    reply = await shop.send("orders/create", {"id": 1, "note": "x" * 1024})
    assert reply.status == 413
    assert answer(reply)["code"] == "too_large"


async def test_a_key_over_its_rate_is_told_when_to_come_again() -> None:
    """RM-4: 429 with Retry-After, by key."""
    shop = Shop(settings=Settings(key_rate=3))
    statuses = [(await shop.send("orders/create", ORDER)).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    reply = await shop.send("orders/create", ORDER)
    assert headers_of(reply)["retry-after"] == "1"
    sent = {"x-event-type": "orders/create", "x-api-key": API_KEY}
    other = await shop.call(Call("POST", "/webhooks/store/AAABBB", "", sent, b'{"id":1}'))
    assert other.status == 200
    await shop.clock.advance(1)
    assert (await shop.send("orders/create", ORDER)).status == 200


async def test_failures_are_limited_by_address_and_the_right_key_is_not() -> None:
    """RM-4, RM-22"""
    shop = Shop(settings=Settings(address_rate=2))
    wrong = [(await shop.send("orders/create", ORDER, key=False, x_token="no")).status for _ in range(3)]
    assert wrong == [401, 401, 429]
    assert (await shop.send("orders/create", ORDER, path="/webhooks/store/NOBODY")).status == 429
    assert (await shop.send("orders/create", ORDER)).status == 200
    assert (await shop.send("orders/create", ORDER, key=False, client="203.0.113.1")).status == 401
