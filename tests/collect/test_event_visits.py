"""Custom events and product views (RM-20)."""

from __future__ import annotations

from typing import Any

import pytest
from collect_shop import Shop, answer, vector

from heliograph.events import codec


@pytest.mark.parametrize(
    "type", ["site-search", "siteSearch", "room.booked", "a/b/c", "A_1", "contacts/create"]
)
async def test_any_well_formed_name_is_a_custom_event(shop: Shop, type: str) -> None:
    """RM-20: its top-level properties are there to be filtered on."""
    assert (await shop.send(type, vector("s3_custom_site_search"), x_platform="custom")).status == 200
    event = shop.last
    assert (event.kind, event.data.name) == ("custom", type)
    assert codec.properties(event)["searchKeyword"] == "Red shorts"
    assert event.data.said.platform == "custom"


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ({}, "account:111111111111"),
        ({"email": "A@b.example"}, "email:a@b.example"),
        ({"customerId": 5}, "customer:5"),
        ({"customer_id": "05"}, "customer:05"),
        ({"customer": {"email": "c@b.example", "id": 5}}, "email:c@b.example"),
        ({"customer": {"id": 5}}, "customer:5"),
        ({"customer": "Guy", "email": ["x"], "customerId": {}}, "account:111111111111"),
    ],
)
async def test_a_custom_event_is_whoevers_it_says(shop: Shop, body: dict[str, Any], subject: str) -> None:
    assert (await shop.send("room-booked", body)).status == 200
    assert shop.last.subject == subject
    assert codec.properties(shop.last) == body


async def test_an_address_that_is_none_is_noted_and_the_properties_stay(shop: Shop, strict: Shop) -> None:
    body = {"email": "visitor"}
    assert (await strict.send("room-booked", body)).status == 400
    await shop.send("room-booked", body)
    assert codec.properties(shop.last) == body
    assert shop.last.data.email is None
    assert shop.last.data.notes


async def test_a_view_knows_its_product_and_its_visitor(shop: Shop) -> None:
    """S3, "Product view events"; the shop scripts add productCategoriesIds."""
    await shop.send("productView", vector("script_product_view"))
    view = shop.last.data
    assert (view.product_id, view.categories, view.category_ids) == ("12", ("Lampen",), ("3", "4"))
    assert view.email == "alt@shop.example"


async def test_nobodys_view_is_kept_as_a_custom_event(shop: Shop) -> None:
    """S3: events of visitors who are not identified are not tracked as views."""
    reply = await shop.send("productView", vector("s3_product_view"))
    assert (shop.last.kind, shop.last.data.name) == ("custom", "productView")
    assert answer(reply)["notes"][0].startswith("email:")
