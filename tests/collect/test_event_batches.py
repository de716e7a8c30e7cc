"""Many events in one request: one answer for each, in order."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from collect_shop import NOW, OTHER_STORE_KEY, STORE_KEY, Call, Shop, answer, as_bytes, headers_of, vector

from heliograph.clock import SECOND
from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.settings import Settings

PATHS = [
    ("/api/v1/events/batch", ""),
    ("/api/v1/events/batch/", "storeId=AAABBB"),
    ("/api/v1/stores/AAABBB/events/batch", ""),
    ("/events/batch", ""),
    ("/events/batch/", "storeId=AAABBB"),
]


def order(number: int, **more: Any) -> dict[str, Any]:
    """An item of a batch."""
    return {"type": "orders/create", "data": {"id": number}, **more}


def ndjson(items: list[Any]) -> bytes:
    """Items one a line."""
    return b"\n".join(as_bytes(item) for item in items)


@pytest.mark.parametrize(("path", "query"), PATHS)
async def test_a_batch_is_answered_event_by_event(shop: Shop, path: str, query: str) -> None:
    reply = await shop.batch([order(1), order(2)], path=path, query=query)
    assert reply.status == 200
    assert [event.subject for event in shop.events] == ["order:1", "order:2"]
    assert answer(reply) == {
        "status": "ok",
        "results": [{"status": "ok", "id": event.id} for event in shop.events],
    }


@pytest.mark.parametrize(
    "kind", ["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl"]
)
@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\n\n"])
async def test_lines_are_taken_as_an_array_is(shop: Shop, kind: str, separator: bytes) -> None:
    body = separator.join(as_bytes(order(number)) for number in range(3)) + separator
    reply = await shop.batch(body, content_type=kind)
    assert reply.status == 200
    assert [event.subject for event in shop.events] == ["order:0", "order:1", "order:2"]


async def test_a_store_key_sends_batches_of_its_store_only(shop: Shop) -> None:
    for path in ("/api/v1/events/batch", "/api/v1/stores/AAABBB/events/batch"):
        call = Call("POST", path, "", {"x-token": STORE_KEY}, as_bytes([order(1)]))
        assert (await shop.call(call)).status == 200
    call = Call("POST", "/api/v1/stores/AAABBB/events/batch", "", {"x-token": OTHER_STORE_KEY}, b"[]")
    assert (await shop.call(call)).status == 401
    assert {event.account for event in shop.events} == {"111111111111"}


async def test_a_batch_needs_a_key(browsers: Shop) -> None:
    """RM-2: or the name of a store whose pages may send without one."""
    for path, query in PATHS:
        for origin in ("", "https://evil.example"):
            call = Call("POST", path, query, {"origin": origin} if origin else {}, as_bytes([order(1)]))
            assert (await browsers.call(call)).status == 401
            assert not call.body_was_read


@pytest.mark.parametrize("path", ["/api/v2/events/batch", "/events/1", "/api/v1/stores/NO/events/batch"])
async def test_other_paths_are_not_found(shop: Shop, path: str) -> None:
    reply = await shop.batch([], path=path)
    assert (reply.status, answer(reply)["code"]) == (404, "not_found")


async def test_the_request_itself_may_be_wrong(shop: Shop) -> None:
    assert (await shop.batch([], method="GET")).status == 405
    assert (await shop.batch([], accept="text/html")).status == 406
    assert (await shop.batch([], content_encoding="br")).status == 415


async def test_a_bad_item_never_spoils_the_others(shop: Shop) -> None:
    items = [
        order(1),
        {"data": {}},
        {"type": "orders/create"},
        5,
        None,
        {"type": "orders/create", "data": {"email": "a@b.example"}},
        {"type": "bad type!", "data": {}},
        {"type": "orders/create", "data": [1]},
        {"type": "orders/create", "data": {"id": 1}, "id": "a\x00"},
        {"type": "orders/create", "data": {"id": 1}, "id": 1.5},
        {"type": "site-search", "data": {}, "time": {"no": 1}},
        {"type": "newsletter/subscribe", "data": {"email": "nobody"}},
        order(2, extra="is ignored"),
    ]
    for body, headers in ((as_bytes(items), {}), (ndjson(items), {"content_type": "application/x-ndjson"})):
        before = len(shop.events)
        reply = await shop.batch(body, **headers)
        results = answer(reply)["results"]
        assert [result["status"] for result in results] == ["ok"] + ["error"] * 11 + ["ok"]
        events = shop.events[before:]
        assert [event.subject for event in events] == ["order:1", "order:2"]
        assert [result["id"] for result in results if "id" in result] == [event.id for event in events]
        assert all(result["code"] == "bad_request" and result["message"] for result in results[1:-1])
        fields = [result.get("field") for result in results]
        assert fields[5:9] == ["data.id", "type", "data", "id"]
        assert fields[11] == "data.email"
        assert results[5]["errors"] == [{"field": "data.id", "reason": "missing: an order needs its id"}]


async def test_a_broken_line_is_one_error(shop: Shop) -> None:
    body = ndjson([order(1)]) + b'\n{"type":"orders/create","data":{"id":\n\xff\xfe\n' + ndjson([order(2)])
    results = answer(await shop.batch(body, content_type="application/x-ndjson"))["results"]
    assert [result["status"] for result in results] == ["ok", "error", "error", "ok"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'"x"', b"[", b'[{"type":"a","data":{}},]', b"null", b"\xff", b"[" * 100_000]
)
async def test_a_body_that_is_no_array_is_refused_whole(shop: Shop, body: bytes) -> None:
    reply = await shop.batch(body)
    assert (reply.status, answer(reply)["field"]) == (400, "body")


async def test_an_empty_batch_records_nothing(shop: Shop) -> None:
    assert answer(await shop.batch(b" [ ] ")) == {"status": "ok", "results": []}
    assert answer(await shop.batch(b"\n\n", content_type="application/x-ndjson"))["results"] == []


async def test_a_thousand_events_and_not_one_more(shop: Shop) -> None:
    """RM-18 has the same for contacts: the whole batch is refused."""
    items = [order(number) for number in range(1001)]
    assert len(answer(await shop.batch(items[:1000]))["results"]) == 1000
    assert len(shop.events) == 1000
    for body, kind in (
        (as_bytes(items), ""),
        (ndjson(items), "application/x-ndjson"),
        (b"[" + b"1," * 5000 + b"1]", ""),
    ):
        reply = await shop.batch(body, content_type=kind)
        assert (reply.status, answer(reply)["code"]) == (413, "too_large")
    assert len(shop.events) == 1000


async def test_a_batch_and_each_event_of_it_have_their_limits() -> None:
    """The whole batch by its own limit, one event by the one of single events."""
    shop = Shop(settings=Settings(body_limit=1024, batch_body_limit=4096))
    big = {"type": "orders/create", "data": {"id": 1, "note": "x" * 1024}}
    results = answer(await shop.batch([order(1), big, order(2)]))["results"]
    assert [result.get("code") for result in results] == [None, "too_large", None]
    assert (await shop.batch([big] * 4)).status == 413
    assert (await shop.batch(gzip.compress(as_bytes([big] * 4)), content_encoding="gzip")).status == 413
    assert (await shop.batch(gzip.compress(as_bytes([order(1)])), content_encoding="gzip")).status == 200


async def test_repeats_are_found_by_the_clients_id_within_its_source(shop: Shop) -> None:
    batch = [order(1, id="c-1"), order(2, id=2), order(3, id="c-1"), order(4)]
    first = answer(await shop.batch(batch))["results"]
    assert [result.get("duplicate", False) for result in first] == [False, False, True, False]
    assert first[2]["id"] == first[0]["id"]
    again = answer(await shop.batch(batch))["results"]
    assert [result.get("duplicate", False) for result in again] == [True, True, True, False]
    assert [result["id"] for result in again[:3]] == [result["id"] for result in first[:3]]
    assert [event.subject for event in shop.events] == ["order:1", "order:2", "order:4", "order:4"]
    assert [event.data.said.id for event in shop.events] == ["c-1", "2", "", ""]
    other = answer(await shop.batch(batch[:2], x_source="erp"))["results"]
    assert [result.get("duplicate", False) for result in other] == [False, False]
    assert shop.last.data.said.source == "erp"


async def test_one_sender_has_one_numbering_for_single_events_and_batches(shop: Shop) -> None:
    """RM-21"""
    single = answer(await shop.send("orders/create", {"id": 1}, x_event_id="c-1"))
    (result,) = answer(await shop.batch([order(1, id="c-1")]))["results"]
    assert result == {"status": "ok", "id": single["id"], "duplicate": True}


@pytest.mark.parametrize(
    ("said", "at"),
    [
        (1573649331, 1_573_649_331 * SECOND),
        (1573649331.5, 1_573_649_331 * SECOND + 500_000),
        ("1573649331", 1_573_649_331 * SECOND),
        ("2019-11-13T12:48:51Z", 1_573_649_331 * SECOND),
        (None, NOW),
        ("soon", NOW),
    ],
)
async def test_an_item_says_when_it_happened(shop: Shop, said: object, at: int) -> None:
    """RM-7: unix seconds or RFC 3339."""
    (result,) = answer(await shop.batch([order(1, time=said)]))["results"]
    assert shop.last.at == at
    assert ("notes" in result) == (said == "soon")


async def test_what_all_events_of_a_batch_share_comes_in_headers(shop: Shop) -> None:
    await shop.batch([order(1)], x_platform="custom", x_domain="shop.example")
    assert (shop.last.data.said.platform, shop.last.data.said.domain) == ("custom", "shop.example")


async def test_data_are_recorded_byte_for_byte(shop: Shop) -> None:
    body = vector("s3_orders_create").strip()
    await shop.batch(b'[ {"data": ' + body + b' , "type":"orders/create"} ]')
    assert body in shop.journal.records[0].data
    assert codec.properties(shop.last) == json.loads(body)


async def test_a_full_journal_refuses_the_whole_batch(shop: Shop) -> None:
    shop.journal.fault = JournalFull("too many events wait")
    reply = await shop.batch([order(1), {"type": 1}])
    assert (reply.status, headers_of(reply)["retry-after"]) == (503, "1")
    assert (await shop.batch([{"type": 1}])).status == 200, "nothing to record, nothing to wait for"


async def test_small_requests_are_answered_while_batches_are_read(shop: Shop) -> None:
    """Large batches yield: eight of them do not keep one order waiting until they are done."""
    body = as_bytes([{"type": "orders/create", "data": json.loads(vector("s3_orders_create"))}] * 1000)
    batches = [asyncio.create_task(shop.batch(body)) for _ in range(8)]
    await asyncio.sleep(0)
    assert (await asyncio.create_task(shop.send("orders/create", {"id": 1}))).status == 200
    assert sum(task.done() for task in batches) <= 1
    assert len(shop.journal.records) <= 1001
    for reply in await asyncio.gather(*batches):
        assert len(answer(reply)["results"]) == 1000
    assert len(shop.journal.records) == 8001
