"""Lenient accounts: what does not fit is mended or left out, noted, and kept verbatim beside (RM-6)."""

from __future__ import annotations

from typing import Any

import pytest
from collect_shop import Shop, answer, as_bytes

from heliograph.events import codec


@pytest.mark.parametrize(
    ("type", "body", "field", "kept"),
    [
        ("orders/create", {"id": 1, "line_items": "x"}, "line_items", {"id": 1}),
        ("orders/create", {"id": 1, "email": 5}, "email", {"id": 1}),
        (
            "orders/create",
            {"id": 1, "line_items": [{"price": [1], "sku": "a"}, None, "x", {"sku": "b"}]},
            "line_items[0].price",
            {"id": 1, "line_items": [{"sku": "a"}, {"sku": "b"}]},
        ),
        (
            "orders/create",
            {"id": 1, "line_items": {"0": {"sku": "a"}, "3": {"sku": "b"}}},
            "line_items",
            {"id": 1, "line_items": [{"sku": "a"}, {"sku": "b"}]},
        ),
        ("orders/create", {"id": 1, "customer": "Guy"}, "customer", {"id": 1}),
        (
            "orders/create",
            {"id": 1, "customer": {"id": 7, "first_name": 12, "tags": {"1": "a"}, "unknown": {"kept": True}}},
            "customer.first_name",
            {"id": 1, "customer": {"id": 7, "first_name": "12", "tags": ["a"], "unknown": {"kept": True}}},
        ),
        ("customers/update", {"id": 7, "default_address": "Main St"}, "default_address", {"id": 7}),
        ("customers/update", {"id": 7, "groups": 3, "tags": True}, "groups", {"id": 7}),
        ("products/update", {"id": 7, "variants": [1]}, "variants", {"id": 7}),
        ("carts/update", {"id": 7, "currency": {"code": "USD"}}, "currency", {"id": 7}),
        ("orders/create", {"id": 1, "email": "nobody"}, "email", {"id": 1}),
        (
            "orders/create",
            {"id": 1, "email": "nobody", "customer": {"email": "a@b.example"}},
            "email",
            {"id": 1, "customer": {"email": "a@b.example"}},
        ),
        (
            "customers/update",
            {"id": 1, "sms_phone_number_e164": "+1 202-555-0137"},
            "sms_phone_number_e164",
            {"id": 1, "sms_phone_number_e164": "+12025550137"},
        ),
        ("customers/update", {"id": 1, "sms_phone_number_e164": "none"}, "sms_phone_number_e164", {"id": 1}),
    ],
)
async def test_a_field_that_does_not_fit_is_mended_and_the_original_kept(
    shop: Shop, type: str, body: dict[str, Any], field: str, kept: dict[str, Any]
) -> None:
    """RM-6: later readers see what fits; what was said is beside it, byte for byte."""
    sent = as_bytes(body)
    reply = await shop.send(type, sent)
    assert reply.status == 200
    event = shop.last
    assert codec.properties(event) == kept
    assert b',"body":' + sent + b"}" in shop.journal.records[0].data
    assert any(note.startswith(field + ":") for note in event.data.notes)
    answered = answer(reply)["notes"]
    assert list(event.data.notes[: len(answered)]) == answered
    shop.check_readable()


async def test_an_address_that_cannot_be_one_identifies_nobody(shop: Shop) -> None:
    """RM-6: noted, not used, and not in front of any later reader."""
    body = {"id": 1, "email": "guy@remarkety", "customer": {"id": 5, "email": "also not"}}
    assert (await shop.send("orders/create", body)).status == 200
    assert shop.last.subject == "customer:5"
    assert shop.last.data.order.address is None
    assert [note.split(":")[0] for note in shop.last.data.notes][:2] == ["email", "customer.email"]


@pytest.mark.parametrize(
    "address",
    [
        "plain",
        "@b.example",
        "a@",
        "a@@b.example",
        "a b@c.example",
        "a@b..example",
        "a@-b.example",
        "a@b",
        ".a@b.example",
        "a.@b.example",
        "a@b.example.",
        "a@" + "b" * 64 + ".example",
        "a" * 65 + "@b.example",
        "a@" + "b." * 130 + "example",
        "   ",
    ],
)
async def test_addresses_that_cannot_be(shop: Shop, strict: Shop, address: str) -> None:
    for asked in (shop, strict):
        reply = await asked.send("customers/create", {"email": address})
        assert reply.status == 400
        assert answer(reply)["field"] == "email"


async def test_php_says_nothing_with_an_empty_array(shop: Shop) -> None:
    """An empty map in PHP is written `[]`, an empty list by some encoders `{}`: no fault, and no note."""
    body = {"id": 1, "customer": [], "line_items": {}, "note": []}
    reply = await shop.send("orders/create", body)
    assert answer(reply) == {"status": "ok", "id": shop.last.id}
    assert codec.properties(shop.last) == {"id": 1, "note": []}
    assert shop.last.data.said.body == body


async def test_the_last_of_two_equal_names_counts_and_the_first_may_be_odd(shop: Shop) -> None:
    sent = b'{"id":[],"id":"A7","line_items":"x","line_items":[{"sku":"s"}]}'
    assert (await shop.send("orders/create", sent)).status == 200
    assert shop.last.subject == "order:A7"
    assert [item.sku for item in shop.last.data.order.items] == ["s"]
    assert sent in shop.journal.records[0].data


async def test_a_body_with_more_faults_than_anybody_reads_is_refused(shop: Shop) -> None:
    reply = await shop.send("orders/create", {"id": 1, "line_items": [1] * 5000})
    assert reply.status == 400
    assert len(answer(reply)["errors"]) == 100


async def test_nobody_looks_through_a_million_lines(shop: Shop) -> None:
    """A huge array with one line that does not fit is left out whole."""
    body = b'{"id":1,"line_items":[' + b"{}," * 10_000 + b"5]}"
    assert (await shop.send("orders/create", body)).status == 200
    assert codec.properties(shop.last) == {"id": 1}
    assert shop.last.data.notes[0].startswith("line_items:")
