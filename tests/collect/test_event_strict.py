"""Strict accounts: the document's mandatory tables, and every fault at once (RM-6)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from collect_shop import Shop, answer, vector


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("customers/create", "s3_customers_create"),
        ("customers/update", "s3_php_customers_update"),
        ("orders/create", "s3_orders_create"),
        ("products/create", "s3_products_create"),
        ("carts/create", "s3_carts_create"),
        ("newsletter/subscribe", "s3_newsletter_subscribe"),
        ("newsletter/unsubscribe", "s3_newsletter_unsubscribe"),
        ("site-search", "s3_custom_site_search"),
        ("room-booked", "s3_custom_room_booked"),
        ("orders/delete", "magento2_orders_delete"),
        ("products/delete", "magento2_products_delete"),
        ("customers/deleted", "magento1_customers_delete"),
    ],
)
async def test_the_documents_own_examples_pass(strict: Shop, type: str, name: str) -> None:
    """RM-6, and wire-facts 6.4 where the document contradicts itself."""
    reply = await strict.send(type, vector(name))
    assert reply.status == 200, reply.body
    assert len(strict.events) == 1


async def test_a_guests_cart_passes_with_null_for_the_customer(strict: Shop) -> None:
    """S3:L602-604: `customer` and `email` can be sent as null."""
    cart = json.loads(vector("s3_carts_create")) | {"customer": None, "email": None}
    assert (await strict.send("carts/create", cart)).status == 200
    assert strict.last.subject == "cart:1234"


MANDATORY = {
    "orders/create": (
        "s3_orders_create",
        [
            "id",
            "created_at",
            "customer.accepts_marketing",
            "customer.created_at",
            "customer.updated_at",
            "customer.email",
            "line_items[0].product_id",
            "line_items[0].quantity",
            "line_items[0].sku",
            "line_items[0].name",
            "line_items[0].url",
            "line_items[0].image",
            "line_items[0].price",
            "status.name",
            "subtotal_price",
            "total_discounts",
            "total_shipping",
            "total_tax",
            "total_price",
        ],
    ),
    "products/create": (
        "s3_products_create",
        [
            "id",
            "sku",
            "created_at",
            "product_exists",
            "title",
            "url",
            "vendor",
            "variants[0].id",
            "variants[0].image",
            "variants[0].inventory_quantity",
            "variants[0].product_id",
            "variants[0].sku",
            "variants[0].title",
        ],
    ),
    "carts/create": (
        "s3_carts_create",
        [
            "abandoned_checkout_url",
            "accepts_marketing",
            "created_at",
            "currency",
            "customer.accepts_marketing",
            "customer.email",
            "customer.id",
            "id",
            "line_items",
            "total_discounts",
            "total_price",
            "updated_at",
        ],
    ),
    "customers/create": ("s3_customers_create", ["email"]),
}


def without(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The document without the field that a path as in an answer names."""
    changed = copy.deepcopy(document)
    holder: Any = changed
    *parents, last = path.split(".")
    for parent in parents:
        holder = holder[parent.removesuffix("[0]")]
        holder = holder[0] if parent.endswith("[0]") else holder
    del holder[last]
    return changed


@pytest.mark.parametrize(
    ("type", "name", "path"),
    [(said, name, path) for said, (name, paths) in MANDATORY.items() for path in paths],
)
async def test_each_mandatory_field_of_the_tables_is_missed(
    strict: Shop, type: str, name: str, path: str
) -> None:
    """RM-6: S3's tables (L336-374, L463-487, L606-633)."""
    document = without(json.loads(vector(name)), path)
    reply = await strict.send(type, document)
    assert reply.status == 400
    assert path in {fault["field"] for fault in answer(reply)["errors"]}
    assert strict.events == []


async def test_all_of_them_are_missed_at_once(strict: Shop) -> None:
    """RM-6"""
    paths = MANDATORY["orders/create"][1]
    document = json.loads(vector("s3_orders_create"))
    for path in paths:
        document = without(document, path)
    reply = await strict.send("orders/create", document)
    assert {fault["field"] for fault in answer(reply)["errors"]} == set(paths)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total_price": "39.9000"}, "total_price"),
        ({"total_discounts": -5}, "total_discounts"),
        ({"created_at": "2012-02-15 15:12:21"}, "created_at"),
        ({"created_at": 1329333141}, "created_at"),
        ({"status": {"code": "unknown"}}, "status.name"),
        ({"status": "Shipped"}, "status.name"),
        ({"email": "nobody"}, "email"),
        ({"customer": None}, "customer.email"),
        ({"line_items": "x"}, "line_items"),
        ({"note": 5, "currency": 5}, "currency"),
        ({"id": True}, "id"),
    ],
)
async def test_what_lenient_accounts_mend_strict_ones_refuse(
    shop: Shop, strict: Shop, change: dict[str, Any], field: str
) -> None:
    """RM-6"""
    document = json.loads(vector("s3_orders_create")) | change
    reply = await strict.send("orders/create", document)
    assert reply.status == 400
    assert field in {fault["field"] for fault in answer(reply)["errors"]}
    assert (await shop.send("orders/create", document)).status == (200 if field != "id" else 400)


@pytest.mark.parametrize(
    "lines",
    [
        {"lineitems": [{}]},
        {"line_items": None, "lineitems": [{}]},
    ],
)
async def test_lines_under_the_other_name_are_held_to_the_same_table(
    strict: Shop, lines: dict[str, Any]
) -> None:
    """RM-8"""
    document = json.loads(vector("s3_orders_create"))
    del document["line_items"]
    reply = await strict.send("orders/create", document | lines)
    fields = {fault["field"] for fault in answer(reply)["errors"]}
    assert "line_items" not in fields
    assert "line_items[0].sku" in fields


async def test_a_picture_may_stand_in_any_of_three_places(strict: Shop) -> None:
    """RM-8: `image` as text, `image.src`, or the first of `images`."""
    product = json.loads(vector("s3_products_create"))
    for change in ({"image": "https://a.example/1.jpg"}, {"image": None}):
        assert (await strict.send("products/create", product | change)).status == 200
    reply = await strict.send("products/create", product | {"image": {}, "images": []})
    assert [fault["field"] for fault in answer(reply)["errors"]] == ["image"]
