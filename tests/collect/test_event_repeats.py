"""What plug-ins send again: recognised without an id of theirs (RM-21), and refused cheaply (RM-22)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collect_shop import Call, Shop, answer, as_bytes, vector

from heliograph.accounts.model import Policy
from heliograph.settings import Settings

ORDER = json.loads(vector("magento2_orders_updated"))


@pytest.mark.parametrize("stamp", ["1682935560", 1682935560, 1682935560.5])
async def test_a_plugins_repeat_is_its_first_telling(shop: Shop, stamp: Any) -> None:
    """RM-21: same type, object, updated_at and all the rest; only the stamp of the sending differs."""
    first = await shop.send("orders/updated", ORDER)
    again = await shop.send("orders/updated", ORDER | {"timestamp": stamp})
    assert (first.status, again.status) == (200, 200)
    assert answer(again) == {**answer(first), "duplicate": True}
    assert len(shop.events) == 1
    assert shop.last.data.order.timestamp == "1682935500", "the first telling is the one that is kept"


@pytest.mark.parametrize(
    ("type", "change"),
    [
        ("orders/create", {}),
        ("orders/update", {"id": "000000124"}),
        ("orders/update", {"updated_at": "2023-05-01T10:05:01+00:00"}),
        ("orders/update", {"status": {"code": "complete", "name": "Complete"}}),
    ],
)
async def test_anything_else_is_another_event(shop: Shop, type: str, change: dict[str, Any]) -> None:
    """RM-21: a shop that changes an order twice within a second is heard twice."""
    await shop.send("orders/update", ORDER)
    reply = await shop.send(type, ORDER | change)
    assert "duplicate" not in answer(reply)
    assert len(shop.events) == 2


async def test_both_tenses_are_one_telling(shop: Shop) -> None:
    await shop.send("orders/update", ORDER)
    assert answer(await shop.send("orders/updated", ORDER))["duplicate"] is True


async def test_accounts_do_not_share_what_they_tell(shop: Shop) -> None:
    await shop.send("orders/update", ORDER)
    headers = {"x-token": "hst_second", "x-event-type": "orders/update"}
    reply = await shop.call(Call("POST", "/webhooks/store/BBBCCC", "", headers, as_bytes(ORDER)))
    assert reply.status == 200 and "duplicate" not in answer(reply)


@pytest.mark.parametrize("missing", ["timestamp", "updated_at"])
async def test_what_is_not_stamped_or_not_dated_is_an_event_each_time(shop: Shop, missing: str) -> None:
    """The document's own bodies have no stamp: their senders number their events (x-event-id) or tell once."""
    body = {name: value for name, value in ORDER.items() if name != missing}
    for _ in range(2):
        assert (await shop.send("orders/update", body)).status == 200
    assert len(shop.events) == 2


async def test_a_repeat_in_a_batch_is_found_too(shop: Shop) -> None:
    await shop.send("orders/update", ORDER)
    reply = await shop.batch(
        [
            {"type": "orders/updated", "data": ORDER | {"timestamp": "1"}},
            {"type": "orders/updated", "data": ORDER | {"id": "8"}},
            {"type": "orders/updated", "data": {"id": "9"}},
        ]
    )
    assert [result.get("duplicate", False) for result in answer(reply)["results"]] == [True, False, False]
    assert len(shop.events) == 3


async def test_the_senders_own_id_goes_before(shop: Shop) -> None:
    await shop.send("orders/update", ORDER, x_event_id="a")
    assert "duplicate" not in answer(await shop.send("orders/update", ORDER, x_event_id="b"))


@pytest.mark.parametrize(
    "headers",
    [
        {"x_event_type": ""},
        {"x_event_type": "no such thing!"},
        {"accept": "text/html"},
        {"x_token": "wrong"},
        {"x_event_id": "x" * 256},
        {"x_source": "\n"},
    ],
)
async def test_what_the_headers_decide_is_refused_before_the_body_is_read(
    shop: Shop, headers: dict[str, str]
) -> None:
    """RM-22: the Magento 2 plug-in sends a refused event four times."""
    sent = {"x-token": "hst_first", "x-event-type": "orders/update"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    call = Call("POST", "/webhooks/store/AAABBB", "", sent, as_bytes(ORDER))
    assert 400 <= (await shop.call(call)).status < 500
    assert not call.body_was_read


async def test_a_refused_body_costs_the_journal_nothing() -> None:
    """RM-22: it is looked through in memory, with an end to what is looked for."""
    strict = Shop(policy=Policy(validation="strict"), settings=Settings())
    strict.journal.fault = AssertionError("the journal was asked")
    bad = ORDER | {"line_items": [{"price": "x"}] * 10_000}
    for _ in range(4):
        reply = await strict.send("orders/updated", bad)
        assert reply.status == 400
        assert len(answer(reply)["errors"]) == 100
    assert strict.events == []
