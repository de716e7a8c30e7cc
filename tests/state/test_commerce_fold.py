"""Orders, carts, products and views: which word is the newest, and which order closes which cart."""

from __future__ import annotations

from typing import Any

import pytest
from state_world import ACCOUNT, NOW, OTHER, World, cart, dump, example, order, product

from heliograph.clock import SECOND, iso
from heliograph.events.commerce import (
    CartCreated,
    CartDeleted,
    CartUpdated,
    OrderCreated,
    OrderDeleted,
    OrderUpdated,
    ProductCreated,
    ProductDeleted,
    ProductUpdated,
    ProductViewed,
)
from heliograph.react.state import commerce

DAY = 86_400 * SECOND
FIVE_PAST_TEN = 1329336741 * SECOND
"""2012-02-15T15:12:21-05:00, the instant of all examples of S3."""


def carted(world: World, how: dict[str, Any] | None = None, **fields: Any) -> None:
    world.happen(CartUpdated(cart=cart(**fields)), **(how or {}))


def ordered(world: World, how: dict[str, Any] | None = None, **fields: Any) -> None:
    world.happen(OrderCreated(order=order(**fields)), **(how or {}))


def the_cart(world: World, cart_id: str = "c1") -> commerce.Cart:
    found = commerce.cart(world.connection, ACCOUNT, cart_id)
    assert found is not None
    return found


def the_order(world: World, order_id: str = "o1") -> commerce.Order:
    found = commerce.order(world.connection, ACCOUNT, order_id)
    assert found is not None
    return found


def the_product(world: World, product_id: str = "p1") -> commerce.Product:
    found = commerce.product(world.connection, ACCOUNT, product_id)
    assert found is not None
    return found


def test_the_documents_order_is_remembered_as_it_was_sent(world: World) -> None:
    """S3 orders/create; RM-8."""
    body = example("orders_create")
    world.hear(OrderCreated, body)
    found = the_order(world, "1234")
    assert found.document == body
    assert (found.email, found.customer_id) == ("guy@remarkety.com", "1234")
    assert (found.total, found.subtotal, found.discounts, found.currency) == (100, 100, 20, "USD")
    assert found.status == "Shipped"
    assert found.created == found.updated == FIVE_PAST_TEN


def test_the_documents_order_closes_the_documents_cart(world: World) -> None:
    """S3 carts/create, RM-10: same address, same second."""
    world.hear(CartCreated, example("carts_create"))
    found = the_cart(world, "1234")
    assert found.open
    assert (found.email, found.token, found.total) == ("guy@remarkety.com", "cart_abc", 100)
    world.hear(OrderCreated, example("orders_create"))
    assert the_cart(world, "1234").closed_by == "1234"
    assert not the_cart(world, "1234").open


def test_the_documents_product_is_remembered(world: World) -> None:
    """S3 products/create; RM-8: `image` as an object."""
    body = example("products_create")
    world.hear(ProductCreated, body)
    found = the_product(world, "1234")
    assert found.document == body
    assert (found.title, found.sku, found.vendor) == ("Cool Gadget", "SKU1234", "Samsung")
    assert found.image == "https://my.cool.store/image1.jpg"
    assert found.product_exists


def test_the_same_id_is_the_same_cart(world: World) -> None:
    """RM-10: carts/update never duplicates; RM-8: a number and its text are one id."""
    carted(world, id=5, total_price=10)
    carted(world, id="5", total_price="20.5000")
    assert len(dump(world.connection, commerce.FOLD.tables)["carts"]) == 1
    assert the_cart(world, "5").total == 20.5


def test_what_was_updated_earlier_does_not_overwrite(world: World) -> None:
    """RM-22: a shop sends again what it could not deliver, late."""
    newer, older = (iso(NOW - seconds * SECOND) for seconds in (10, 20))
    carted(world, id="c1", updated_at=newer, total_price=2)
    carted(world, id="c1", updated_at=older, total_price=1)
    assert the_cart(world).total == 2


def test_without_the_shops_dates_what_happened_earlier_does_not_overwrite(world: World) -> None:
    """RM-7: `x-event-time`."""
    ordered(world, id="o1", status={"name": "Shipped"})
    ordered(world, {"at": NOW - DAY}, id="o1", status={"name": "Paid"}, updated_at=iso(NOW))
    assert the_order(world).status == "Shipped"


def test_a_date_in_the_future_does_not_silence_what_comes_after(world: World) -> None:
    """RM-23: dates without a zone may lie hours ahead."""
    carted(world, id="c1", updated_at="9999-01-01", total_price=1)
    carted(world, id="c1", updated_at=iso(NOW + 2 * SECOND), total_price=2)
    assert the_cart(world).total == 2


def test_an_update_that_says_little_takes_nothing_away(world: World) -> None:
    ordered(world, id="o1", email="a@x.example", total_price=10, status="paid", cart_id=5)
    world.happen(OrderUpdated(order=order(id="o1", status={"code": "unknown"})))
    found = the_order(world)
    assert (found.email, found.total, found.status, found.cart) == ("a@x.example", 10, "unknown", "5")


def test_ids_money_and_discounts_come_in_many_forms(world: World) -> None:
    """RM-23: zero-padded ids, money as text, wire-facts 6.4: negative discounts."""
    ordered(
        world, id="000000123", total_price="39.9000", total_discounts=-5, subtotal_price="x", currency="EUR"
    )
    found = the_order(world, "000000123")
    assert (found.total, found.discounts, found.subtotal) == (39.9, 5, None)
    assert commerce.order(world.connection, ACCOUNT, "123") is None


def test_a_deleted_order_and_cart_keep_what_was_said(world: World) -> None:
    """RM-23: deletions carry `{id}`."""
    ordered(world, id="o1", total_price=10)
    carted(world, id="c1", total_price=10)
    world.happen(OrderDeleted(order=order(id="o1")))
    world.happen(CartDeleted(cart=cart(id="c1")))
    assert the_order(world).deleted is not None
    assert the_order(world).document["total_price"] == 10
    assert not the_cart(world).open
    carted(world, id="c1", total_price=11)
    assert the_cart(world).open


@pytest.mark.parametrize(
    ("of_cart", "of_order"),
    [
        ({}, {"cart_id": "c1"}),
        ({}, {"cart_token": "c1"}),
        ({"cart_token": "t"}, {"cart_token": "t"}),
        ({"cart_token": "t"}, {"cart_id": "t"}),
        ({"email": "A@x.example"}, {"email": "a@X.example"}),
        ({"customer": {"email": "a@x.example"}}, {"email": "a@x.example"}),
        ({"customer": {"id": 7}}, {"customer": {"id": "7", "email": "a@x.example"}}),
    ],
)
def test_an_order_for_the_cart_closes_it(
    world: World, of_cart: dict[str, Any], of_order: dict[str, Any]
) -> None:
    """RM-10."""
    carted(world, id="c1", **of_cart)
    assert the_cart(world).closed_by is None
    ordered(world, id="o1", **of_order)
    assert the_cart(world).closed_by == "o1"


@pytest.mark.parametrize(
    ("of_cart", "of_order"),
    [
        ({"email": "a@x.example"}, {"email": "b@x.example"}),
        ({}, {}),
        ({"cart_token": "t"}, {"cart_token": "u"}),
        ({"customer": {"id": 7}}, {"customer": {"id": 8}}),
    ],
)
def test_an_order_for_another_cart_does_not_close_it(
    world: World, of_cart: dict[str, Any], of_order: dict[str, Any]
) -> None:
    """RM-10."""
    carted(world, id="c1", **of_cart)
    ordered(world, id="o1", **of_order)
    world.happen(OrderCreated(order=order(id="o2", cart_id="c1", email="a@x.example")), account=OTHER)
    assert the_cart(world).closed_by is None


def test_an_order_before_the_cart_does_not_close_it(world: World) -> None:
    ordered(world, id="o1", email="a@x.example")
    carted(world, id="c1", email="a@x.example")
    world.happen(OrderUpdated(order=order(id="o1", email="a@x.example", status="shipped")))
    assert the_cart(world).open


def test_an_imported_old_order_does_not_close_todays_cart(world: World) -> None:
    """By the shop's dates, where both have one."""
    carted(world, id="c1", email="a@x.example", created_at=iso(NOW))
    ordered(world, id="o1", email="a@x.example", created_at="2012-02-15T15:12:21-05:00")
    assert the_cart(world).open


def test_a_cart_that_is_told_of_after_its_order_is_closed(world: World) -> None:
    """RM-22: the order got through, the cart's update was sent again three minutes later."""
    began, bought = iso(NOW - 600 * SECOND), iso(NOW - 60 * SECOND)
    ordered(world, id="o1", email="a@x.example", created_at=bought)
    carted(world, id="c1", email="a@x.example", created_at=began, updated_at=began)
    assert the_cart(world).closed_by == "o1"


def test_a_cart_under_a_used_id_is_a_new_cart(world: World) -> None:
    """Some shops number carts by session or customer."""
    carted(world, id="c1", created_at=iso(NOW - 9 * DAY))
    ordered(world, id="o1", cart_id="c1", created_at=iso(NOW - 8 * DAY))
    assert the_cart(world).closed_by == "o1"
    carted(world, id="c1", created_at=iso(NOW))
    assert the_cart(world).open


def test_the_first_order_is_the_one_that_closed_it(world: World) -> None:
    carted(world, id="c1", email="a@x.example")
    ordered(world, id="o2", email="a@x.example")
    ordered(world, id="o1", email="a@x.example")
    assert the_cart(world).closed_by == "o2"


def test_a_cart_without_an_id_is_known_by_its_token(world: World) -> None:
    carted(world, cart_token="t", total_price=1)
    assert the_cart(world, "t").total == 1


def test_a_deleted_product_stays_and_exists_no_more(world: World) -> None:
    """RM-10, RM-23: `{id}` is all that is sent."""
    world.happen(ProductCreated(product=product(id="p1", title="Shirt")))
    world.happen(ProductDeleted(product=product(id="p1")))
    assert the_product(world).product_exists is False
    assert the_product(world).title == "Shirt"
    world.happen(ProductUpdated(product=product(id="p1", title="Shirt, blue")))
    assert the_product(world).product_exists is False
    world.happen(ProductUpdated(product=product(id="p1", product_exists=True)))
    assert the_product(world).product_exists is True


def test_a_product_can_be_taken_off_and_created_again(world: World) -> None:
    """S3 products/delete: `product_exists=false`."""
    world.happen(ProductUpdated(product=product(id="p1", product_exists="false")))
    assert the_product(world).product_exists is False
    world.happen(ProductCreated(product=product(id="p1")))
    assert the_product(world).product_exists is True


def test_an_update_of_stock_leaves_the_rest(world: World) -> None:
    """RM-23: stock updates carry no price."""
    world.hear(ProductCreated, {"id": "p1", "title": "Shirt", "variants": [{"price": 5}], "custom": 1})
    world.hear(ProductUpdated, {"id": "p1", "title": None, "inventory": 3})
    assert the_product(world).title == "Shirt"
    assert the_product(world).document == {
        "id": "p1",
        "title": "Shirt",
        "variants": [{"price": 5}],
        "custom": 1,
        "inventory": 3,
    }


def test_an_older_update_of_a_product_is_passed_over(world: World) -> None:
    world.happen(ProductUpdated(product=product(id="p1", title="New", updated_at=iso(NOW))))
    world.happen(ProductUpdated(product=product(id="p1", title="Old", updated_at=iso(NOW - DAY))))
    assert the_product(world).title == "New"


def test_looks_are_counted_and_the_latest_come_first(world: World) -> None:
    ann, ben = "email:ann@x.example", "email:ben@x.example"
    for who, what in ((ann, "p1"), (ann, "p2"), (ann, "p1"), (ben, "p3")):
        world.happen(ProductViewed(product_id=what), subject=who)
    found = commerce.views(world.connection, ACCOUNT, [ann, "customer:7"])
    assert [(one.product, one.count) for one in found] == [("p1", 2), ("p2", 1)]
    assert found[0].last > found[1].last > found[0].first
    assert len(commerce.views(world.connection, ACCOUNT, [ann, ben], limit=2)) == 2


def test_an_older_look_moves_the_first_only(world: World) -> None:
    world.happen(ProductViewed(product_id="p1"), subject="email:a@x.example")
    world.happen(ProductViewed(product_id="p1"), subject="email:a@x.example", at=NOW - DAY)
    (one,) = commerce.views(world.connection, ACCOUNT, ["email:a@x.example"])
    assert (one.first, one.last > NOW, one.count) == (NOW - DAY, True, 1)


def test_of_one_visitor_the_last_products_are_remembered(world: World) -> None:
    """However long somebody browses, or a script pretends to, their row stays small."""
    for number in range(60):
        world.happen(ProductViewed(product_id=str(number)), subject="email:a@x.example")
    late = world.now - 59 * SECOND
    world.happen(ProductViewed(product_id="late"), subject="email:a@x.example", at=late)
    found = commerce.views(world.connection, ACCOUNT, ["email:a@x.example"], limit=100)
    assert [one.product for one in found] == [str(number) for number in range(59, 9, -1)]


def test_looks_under_two_names_of_one_person_are_theirs_together(world: World) -> None:
    for subject in ("email:a@x.example", "customer:7", "customer:7"):
        world.happen(ProductViewed(product_id="p1"), subject=subject)
    (one,) = commerce.views(world.connection, ACCOUNT, ["email:a@x.example", "customer:7"])
    assert (one.count, one.last - one.first) == (3, 2 * SECOND)


@pytest.mark.parametrize(
    "fields",
    [
        {"updated_at": 1e300, "created_at": -1e300},
        {"updated_at": "99999-99-99", "created_at": ""},
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"total_price": "1e999", "email": "a\x00b", "currency": "\x00"},
        {"customer": {}, "line_items": [], "cart_token": True},
    ],
)
def test_strange_values_break_nothing(world: World, fields: dict[str, Any]) -> None:
    carted(world, id="c1", **fields)
    ordered(world, id="o1", **fields)
    assert the_cart(world).total is None
    assert the_order(world).total is None


def test_what_has_no_id_is_passed_over(world: World) -> None:
    carted(world, id=None)
    ordered(world, id="x" * 501)
    world.happen(ProductUpdated(product=product(title="x")))
    world.happen(ProductViewed(product_id=" "))
    world.happen(OrderUpdated(order=order(id="o1")), raw=b'{"redacted":true}')
    assert not any(dump(world.connection, commerce.FOLD.tables).values())
    assert commerce.cart(world.connection, ACCOUNT, "c1") is None


LINE = {
    "product_id": "p1",
    "sku": "A-1",
    "name": "Blue Shirt, Size S",
    "title": "Shirt",
    "vendor": "Castro",
    "url": "https://shop.example/shirt",
    "images": [{"src": "https://shop.example/shirt.jpg"}],
}


def test_a_product_that_only_an_order_names_is_kept_and_not_sold(world: World) -> None:
    """wire-facts 6.1: `line_items` product not in catalogue -> product created disabled."""
    ordered(world, id="o1", line_items=[LINE, LINE, {"product_id": 7, "name": "Lamp"}, {"name": "no id"}])
    found = the_product(world)
    assert not found.product_exists
    assert (found.title, found.sku, found.vendor) == ("Shirt", "A-1", "Castro")
    assert (found.url, found.image) == ("https://shop.example/shirt", "https://shop.example/shirt.jpg")
    assert the_product(world, "7").title == "Lamp"


def test_what_its_shop_says_of_a_product_goes_before_what_an_order_said(world: World) -> None:
    """However old it is: an import of the catalogue may come after the orders."""
    ordered(world, id="o1", line_items=[LINE])
    told = ProductUpdated(
        product=product(id="p1", title="Blue shirt", updated_at="2012-02-15T15:12:21-05:00")
    )
    world.happen(told, at=NOW - DAY)
    found = the_product(world)
    assert (found.title, found.sku, found.product_exists) == ("Blue shirt", "A-1", True)
    assert found.updated == FIVE_PAST_TEN


def test_an_order_says_nothing_of_a_product_that_is_known(world: World) -> None:
    world.happen(ProductCreated(product=product(id="p1", title="Blue shirt")))
    world.happen(ProductDeleted(product=product(id="p2", title="Gone")))
    for update in (OrderCreated, OrderUpdated):
        world.happen(update(order=order(id="o1", line_items=[LINE, {"product_id": "p2", "name": "Back"}])))
    assert (the_product(world).title, the_product(world).product_exists) == ("Blue shirt", True)
    assert (the_product(world, "p2").title, the_product(world, "p2").product_exists) == ("Gone", False)


def test_a_stock_update_of_a_product_from_an_order_puts_it_on_sale(world: World) -> None:
    """RM-23: it has no title; its shop has it all the same."""
    ordered(world, id="o1", line_items=[LINE])
    world.hear(ProductUpdated, {"id": "p1", "variants": [{"inventory_quantity": 3}]})
    assert (the_product(world).title, the_product(world).product_exists) == ("Shirt", True)


def test_a_deleted_order_names_no_products(world: World) -> None:
    world.happen(OrderDeleted(order=order(id="o1", line_items=[LINE])))
    assert commerce.product(world.connection, ACCOUNT, "p1") is None
