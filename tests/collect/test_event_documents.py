"""What real senders send, and what it becomes: every example of the document, and plug-ins' payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collect_shop import Shop, answer, as_bytes, vector

from heliograph.events import codec, commerce, people

EXAMPLES = [
    ("customers/create", "s3_customers_create", "person.created", "email:guy@remarkety.com"),
    ("customers/update", "s3_php_customers_update", "person.updated", "email:john.snow@thewall.org"),
    ("customers/update", "s3_javascript_customers_update", "person.updated", "email:john.snow@thewall.org"),
    ("orders/create", "s3_orders_create", "order.created", "email:guy@remarkety.com"),
    ("orders/update", "s3_orders_create", "order.updated", "email:guy@remarkety.com"),
    ("products/create", "s3_products_create", "product.created", "product:1234"),
    ("products/update", "s3_products_create", "product.updated", "product:1234"),
    ("carts/create", "s3_carts_create", "cart.created", "email:guy@remarkety.com"),
    ("carts/update", "s3_carts_create", "cart.updated", "email:guy@remarkety.com"),
    ("newsletter/subscribe", "s3_newsletter_subscribe", "subscription.requested", "email:shopper@gmail.com"),
    (
        "newsletter/unsubscribe",
        "s3_newsletter_unsubscribe",
        "unsubscription.requested",
        "email:shopper@gmail.com",
    ),
    ("site-search", "s3_custom_site_search", "custom", "account:111111111111"),
    ("room-booked", "s3_custom_room_booked", "custom", "account:111111111111"),
    ("productView", "s3_product_view", "custom", "account:111111111111"),
]

PLUGINS = [
    ("orders/updated", "magento2_orders_updated", "order.updated", "email:buyer@shop.example"),
    ("orders/create", "magento1_orders_create", "order.created", "email:alt@shop.example"),
    ("orders/delete", "magento2_orders_delete", "order.deleted", "order:000000123"),
    ("products/delete", "magento2_products_delete", "product.deleted", "product:77"),
    ("products/created", "magento2_products_created", "product.created", "product:77"),
    ("products/updated", "magento2_products_updated_stock", "product.updated", "product:77"),
    ("customers/deleted", "magento2_customers_deleted", "person.deleted", "email:alt@shop.example"),
    ("customers/delete", "magento1_customers_delete", "person.deleted", "customer:5"),
    (
        "customers/update",
        "magento1_customers_update_unsubscribed",
        "person.updated",
        "email:reader@shop.example",
    ),
    (
        "newsletter/subscribed",
        "magento2_newsletter_subscribed",
        "subscription.requested",
        "email:reader@shop.example",
    ),
    (
        "newsletter/unsubscribed",
        "magento2_newsletter_unsubscribed",
        "unsubscription.requested",
        "email:reader@shop.example",
    ),
    ("carts/update", "script_carts_update_anonymous", "cart.updated", "cart:quote-9"),
    ("carts/update", "script_carts_update_known", "cart.updated", "email:alt@shop.example"),
    ("siteSearch", "script_site_search", "custom", "email:alt@shop.example"),
    ("productView", "script_product_view", "product.viewed", "email:alt@shop.example"),
]


@pytest.mark.parametrize(("type", "name", "kind", "subject"), [*EXAMPLES, *PLUGINS])
async def test_a_real_payload_is_taken_as_it_comes(
    shop: Shop, type: str, name: str, kind: str, subject: str
) -> None:
    """RM-5, RM-6, RM-8, RM-23: kind, subject, what was said, and the properties as sent."""
    body = vector(name)
    reply = await shop.send(type, body, x_platform="MAGENTO_2", x_domain="shop.example")
    assert reply.status == 200
    event = shop.last
    assert (event.kind, event.subject) == (kind, subject)
    assert event.at == event.recorded or "timestamp" in json.loads(body)
    assert shop.stored["said"]["type"] == type
    assert shop.stored["said"]["platform"] == "MAGENTO_2"
    assert shop.stored["said"]["domain"] == "shop.example"
    shop.check_readable()
    if event.data.inner:
        assert codec.properties(event) == json.loads(body)
        assert body in shop.journal.records[0].data, "recorded byte for byte"
    if kind != "custom":
        assert "notes" not in answer(reply), "all of it was used"
        assert "notes" not in shop.stored or not name.startswith("s3_"), "the document's own are not odd"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (f"{noun}s/{verb}{tense}", f"{('person' if noun == 'customer' else noun)}.{verb}d")
        for noun in ("customer", "order", "product", "cart")
        for verb in ("create", "update", "delete")
        for tense in ("", "d")
    ]
    + [
        ("newsletter/subscribe", "subscription.requested"),
        ("newsletter/subscribed", "subscription.requested"),
        ("newsletter/unsubscribe", "unsubscription.requested"),
        ("newsletter/unsubscribed", "unsubscription.requested"),
        ("Orders/Create", "order.created"),
        ("ProductView", "product.viewed"),
    ],
)
async def test_both_tenses_name_one_kind_and_the_original_is_kept(shop: Shop, said: str, kind: str) -> None:
    """RM-5"""
    body = {"id": 1, "email": "a@b.example", "productId": 7}
    assert (await shop.send(said, body)).status == 200
    assert shop.last.kind == kind
    assert shop.stored["said"]["type"] == said


@pytest.mark.parametrize("id", ["000000123", 123, 12.0, "AB-12/ü", "  7  "])
async def test_ids_are_numbers_or_text_and_keep_their_zeros(shop: Shop, id: Any) -> None:
    """RM-8, RM-23"""
    assert (await shop.send("orders/update", {"id": id})).status == 200
    assert shop.last.subject == f"order:{people.text_id(id)}"
    assert shop.last.data.order.id == id


@pytest.mark.parametrize(
    ("type", "body", "field"),
    [
        ("orders/create", {"email": "a@b.example"}, "id"),
        ("orders/create", {"id": "", "email": "a@b.example"}, "id"),
        ("orders/create", {"id": None}, "id"),
        ("orders/delete", {}, "id"),
        ("carts/update", {"id": True}, "id"),
        ("products/delete", {"sku": "1"}, "id"),
        ("customers/create", {"first_name": "Guy"}, "email"),
        ("customers/create", {"email": "nobody"}, "email"),
        ("customers/create", {"email": "", "id": " "}, "email"),
        ("newsletter/subscribe", {"first_name": "Edgar"}, "email"),
        ("newsletter/unsubscribe", {"email": "not an address"}, "email"),
        ("productView", {"email": "a@b.example"}, "productId"),
    ],
)
async def test_what_identifies_nothing_is_refused_in_the_lenient_mode_too(
    shop: Shop, type: str, body: object, field: str
) -> None:
    """RM-6"""
    reply = await shop.send(type, body)
    assert reply.status == 400
    assert answer(reply)["field"] == field
    assert answer(reply)["errors"][0]["field"] == field
    assert shop.events == []


@pytest.mark.parametrize(
    ("type", "body", "field"),
    [
        ("orders/create", {"id": "1\x00"}, "id"),
        ("orders/create", {"id": "1", "email": "a\x00@b.example"}, "email"),
        ("orders/create", {"id": "1", "customer": {"id": "\x1b[31m"}}, "customer.id"),
        ("orders/create", {"id": "1", "customer": {"email": "a@b.example\r\nBcc: x"}}, "customer.email"),
        ("customers/update", {"email": "a@b.example\n", "id": 1}, "email"),
        ("newsletter/subscribe", {"email": "a@b.example", "customerId": "\x7f"}, "customerId"),
        ("newsletter/subscribe", {"sms_phone_number_e164": "+12025550137\x00"}, "sms_phone_number_e164"),
        ("site-search", {"email": "a\u0085@b.example"}, "email"),
        ("carts/create", {"id": "x" * 256}, "id"),
    ],
)
@pytest.mark.parametrize("mode", ["shop", "strict"])
async def test_no_identity_holds_control_characters(
    request: pytest.FixtureRequest, mode: str, type: str, body: object, field: str
) -> None:
    """Refused whatever the mode: they are never meant, and would travel into headers and logs."""
    shop: Shop = request.getfixturevalue(mode)
    reply = await shop.send(type, body)
    assert reply.status == 400
    assert field in {fault["field"] for fault in answer(reply)["errors"]}
    assert shop.events == []


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ({"id": 1, "email": "Guy@Remarkety.COM"}, "email:guy@remarkety.com"),
        ({"id": 1, "email": " guy@remarkety.com "}, "email:guy@remarkety.com"),
        ({"id": 1, "email": None, "customer": {"id": 9, "email": "c@b.example"}}, "email:c@b.example"),
        ({"id": 1, "email": "", "customer": {"id": 9, "email": None}}, "customer:9"),
        ({"id": 1, "customer": {"id": "009"}}, "customer:009"),
        ({"id": 1, "customer": None, "email": None}, "order:1"),
        ({"id": 1}, "order:1"),
        ({"id": 1, "email": "jürgen@bücher.example"}, "email:jürgen@xn--bcher-kva.example"),
        ({"id": 1, "email": "o'neil+tag@sub.a-b.example"}, "email:o'neil+tag@sub.a-b.example"),
    ],
)
async def test_an_order_is_the_fact_of_whoever_bought(shop: Shop, body: object, subject: str) -> None:
    await shop.send("orders/create", body)
    assert shop.last.subject == subject


async def test_the_account_decides_whether_local_parts_have_case() -> None:
    from heliograph.accounts.model import Policy

    shop = Shop(policy=Policy(keep_local_case=True))
    await shop.send("customers/create", {"email": "John@Shop.EXAMPLE"})
    assert shop.last.subject == "email:John@shop.example"


async def test_tags_images_lines_and_money_are_read_in_every_spelling(shop: Shop) -> None:
    """RM-8, RM-23: the normal forms come out of what was recorded as sent."""
    await shop.send("orders/updated", vector("magento2_orders_updated"))
    order = shop.last.data.order
    assert commerce.discount(order.total_discounts) == 5
    assert (
        commerce.image_url(order.items[0].image, order.items[0].images) == "https://shop.example/media/77.jpg"
    )
    assert people.gender(order.customer.gender) == "F"
    assert shop.last.at == 1_682_935_500 * 1_000_000, "the body's timestamp"
    await shop.send("orders/create", vector("magento1_orders_create"))
    order = shop.last.data.order
    assert (commerce.amount(order.total_price), commerce.status_name(order.status)) == (44.9, "unknown")
    assert order.customer.first_name == "Jürgen"
    await shop.send("carts/update", vector("script_carts_update_known"))
    cart = shop.last.data.cart
    assert people.tag_list(cart.customer.tags) == ["vip", "new"]
    assert cart.items[0].product_id == 12


async def test_a_repeat_can_be_seen_by_its_id(shop: Shop) -> None:
    """RM-21: plug-ins send again; with x-event-id the same event is recorded once."""
    first = await shop.send("orders/create", {"id": 1}, x_event_id="e-1")
    again = await shop.send("orders/create", {"id": 1, "timestamp": "1699999999"}, x_event_id="e-1")
    assert (first.status, again.status) == (200, 200)
    assert answer(again) == {**answer(first), "duplicate": True}
    assert len(shop.events) == 1
    assert shop.stored["said"]["id"] == "e-1"
    await shop.send("orders/create", {"id": 1}, x_event_id="e-1", x_source="erp")
    await shop.send("orders/create", {"id": 1}, x_event_id="e-2")
    assert len(shop.events) == 3, "ids are scoped to their source"


async def test_without_an_id_of_the_senders_every_request_is_an_event(shop: Shop) -> None:
    """RM-21: body fields cannot serve idempotency."""
    for _ in range(2):
        await shop.send("orders/create", {"id": 1})
    assert len({event.id for event in shop.events}) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("x_event_id", "a\x00"), ("x_event_id", "x" * 256), ("x_source", "\n")]
)
async def test_a_senders_own_id_is_short_and_printable(shop: Shop, name: str, value: str) -> None:
    reply = await shop.send("orders/create", {"id": 1}, **{name: value})
    assert (reply.status, answer(reply)["field"]) == (400, name.replace("_", "-"))


async def test_a_byte_order_mark_is_ignored(shop: Shop) -> None:
    assert (await shop.send("orders/create", b"\xef\xbb\xbf" + as_bytes({"id": 1}))).status == 200
    assert shop.last.data.order.id == 1


async def test_descriptions_of_the_sender_are_kept_short_and_readable(shop: Shop) -> None:
    await shop.send("orders/create", {"id": 1}, x_platform="P" * 1000, x_domain='a"b\udc80\\')
    assert shop.stored["said"]["platform"] == "P" * 255
    assert shop.stored["said"]["domain"] == 'a"b?\\'
    shop.check_readable()
