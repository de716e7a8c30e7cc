"""Shops with plug-ins, from the request to the state: bodies in the manner of four of them (wire-facts 6.1, 9.3).

Each body is taken by a lenient account, kept byte for byte, and folded into normal forms; what was odd is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from collect_shop import NOW, Counter, answer, vector
from sqlalchemy import Connection

from heliograph.events.commerce import instant
from heliograph.react.state import commerce, consent, people

ACCOUNT = "111111111111"
R = TypeVar("R")


async def told(counter: Counter, platform: str, *said: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    """The plug-in tells these; the notes of each."""
    notes = {}
    prefix = platform.lower().replace("_", "")
    for number, (kind, name) in enumerate(said):
        await counter.clock.advance(1)
        body = vector(f"{prefix}_{name}")
        reply = await counter.send(kind, body, x_platform=platform, x_domain="shop.example")
        assert reply.status == 200, reply.body
        assert body in counter.journal.records[number].data, "kept byte for byte"
        assert counter.stored["said"]["type"] == kind
        notes[name] = getattr(counter.last.data, "notes", ())
    counter.check_readable()
    counter.fold()
    return notes


def asked(counter: Counter, query: Callable[[Connection], R | None]) -> R:
    """What state says; something."""
    with counter.state.connect() as connection:
        found = query(connection)
    assert found is not None
    return found


def person(counter: Counter, email: str) -> people.Person:
    return asked(counter, lambda connection: people.find(connection, ACCOUNT, email=email))


def order(counter: Counter, number: str) -> commerce.Order:
    return asked(counter, lambda connection: commerce.order(connection, ACCOUNT, number))


def product(counter: Counter, number: str) -> commerce.Product:
    return asked(counter, lambda connection: commerce.product(connection, ACCOUNT, number))


async def test_what_magento_1_sends_is_understood(counter: Counter) -> None:
    """RM-8, RM-23: money as text, dates without a zone, status {code}, null for unknown, a no as customers/update."""
    notes = await told(
        counter,
        "MAGENTO1",
        ("customers/create", "customers_create"),
        ("orders/create", "orders_create"),
        ("products/update", "products_update"),
        ("customers/update", "customers_update_unsubscribed"),
        ("customers/delete", "customers_delete"),
    )
    jurgen = person(counter, "alt@shop.example")
    assert (jurgen.customer_id, jurgen.first_name, jurgen.gender) == ("5", "Jürgen", "M")
    assert jurgen.tags == ("stammkunde", "newsletter")
    assert jurgen.deleted, "by a deletion of an id alone"
    bought = order(counter, "100000077")
    assert (bought.subtotal, bought.discounts, bought.total) == (39.9, 2, 44.9)
    assert (bought.status, bought.customer_id) == ("unknown", "5")
    assert bought.created == instant("2016-03-01T08:30:00Z")
    lamp = product(counter, "12")
    assert (lamp.title, lamp.image, lamp.url) == ("Lampe", "https://alt.shop.example/media/lampe.jpg", None)
    assert lamp.product_exists, "its shop told of it after the order did"
    with counter.state.connect() as connection:
        found = consent.standing(connection, ACCOUNT, "email", "alt@shop.example")
    assert found.opt_in is False, "the order says no, and nobody said yes"
    assert notes["customers_create"] == (
        "created_at: has no time zone; read as UTC",
        "updated_at: has no time zone; read as UTC",
        "gender: is written out; taken as M or F",
    )
    assert "total_discounts: is text and below zero; its size is taken" in notes["orders_create"]
    assert notes["customers_delete"] == ()


async def test_what_magento_2_sends_is_understood(counter: Counter) -> None:
    """Past tense, zero-padded ids, a guest without an id, a negative discount, images instead of image, stock alone."""
    notes = await told(
        counter,
        "MAGENTO_2",
        ("products/created", "products_created"),
        ("orders/updated", "orders_updated"),
        ("products/updated", "products_updated_stock"),
        ("newsletter/subscribed", "newsletter_subscribed"),
        ("newsletter/unsubscribed", "newsletter_unsubscribed"),
        ("customers/deleted", "customers_deleted"),
        ("orders/delete", "orders_delete"),
        ("products/delete", "products_delete"),
    )
    guest = person(counter, "buyer@shop.example")
    assert (guest.customer_id, guest.gender, guest.accepts_marketing) == (None, "F", None)
    bought = order(counter, "000000123")
    assert (bought.discounts, bought.total, bought.status) == (5, 36.4, "Processing")
    assert bought.deleted == NOW + 7_000_000
    shirt = product(counter, "77")
    assert (shirt.title, shirt.image) == ("T-shirt", "https://shop.example/media/77.jpg")
    assert not shirt.product_exists, "by a deletion of an id alone"
    assert notes["orders_updated"] == (
        "missing: customer.created_at, customer.updated_at, line_items[].url",
        "total_discounts: is below zero; its size is taken",
        "customer.id: is not said: a guest",
        "customer.gender: is written out; taken as M or F",
        "line_items[].image: is not said; the first of images is taken",
    )
    assert notes["newsletter_subscribed"] == notes["orders_delete"] == ()


async def test_what_woocommerce_sends_is_understood(counter: Counter) -> None:
    """Guests are number 0, lists are objects with numbered keys, flags are words, a cart becomes an order."""
    notes = await told(
        counter,
        "woocommerce",
        ("carts/update", "carts_update"),
        ("orders/create", "orders_create"),
        ("customers/updated", "customers_updated"),
        ("products/delete", "products_delete"),
    )
    lee = person(counter, "lee@shop.example")
    assert (lee.customer_id, lee.first_name, lee.last_name) == ("88", "Lee", "Byrne")
    assert (lee.accepts_marketing, lee.gender) == (True, None)
    with counter.state.connect() as connection:
        assert people.find(connection, ACCOUNT, customer_id="0") is None, "else all guests would be one"
    bought = order(counter, "1042")
    assert (bought.subtotal, bought.discounts, bought.total, bought.status) == (63.2, 3.2, 60, "processing")
    assert bought.created == instant("2023-05-01T09:30:00Z")
    cart = asked(counter, lambda connection: commerce.cart(connection, ACCOUNT, "wc_9f2c41"))
    assert (cart.total, cart.closed_by) == (59, "1042")
    assert (product(counter, "32").title, product(counter, "32").product_exists) == ("Tea", False)
    assert not product(counter, "31").product_exists
    assert notes["orders_create"][:2] == (
        "line_items: expected an array, got an object with numbered keys; taken as an array",
        "customer.id: is 0: a guest; left out",
    )
    assert "customer.accepts_marketing: is not true or false; read as one of them" in notes["orders_create"]


async def test_what_prestashop_sends_is_understood(counter: Counter) -> None:
    """Zero-padded ids, money with six places, dates that are none, pictures as plain links."""
    notes = await told(
        counter,
        "prestashop",
        ("customers/create", "customers_create"),
        ("orders/created", "orders_created"),
        ("newsletter/subscribe", "newsletter_subscribe"),
    )
    ines = person(counter, "ines@shop.example")
    assert (ines.customer_id, ines.first_name, ines.gender) == ("3", "Inês", "F")
    assert ines.accepts_marketing is True, "null in an order says nothing"
    bought = order(counter, "0000012")
    assert (bought.total, bought.discounts, bought.status) == (19.9, 0, "2")
    mug = product(counter, "8")
    assert (mug.title, mug.image) == ("Caneca", "https://presta.shop.example/8.jpg")
    wish = counter.last.data
    assert (wish.email, wish.customer_id, wish.ip, wish.tags) == (
        "ines@shop.example",
        "3",
        "203.0.113.30",
        (),
    )
    assert "customer.gender: is neither M nor F; not used" in notes["orders_created"]
    assert notes["newsletter_subscribe"] == ()


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("customers/update", {"id": 0}),
        ("orders/create", {"id": 1, "customer": {"id": "0"}}),
        ("carts/update", {"id": 1, "customer": {"id": 0}}),
        ("newsletter/subscribed", {"customerId": 0}),
        ("siteSearch", {"customerId": "0", "search_keyword": "mug"}),
        ("productView", {"productId": 31, "customer": {"id": 0}}),
    ],
)
async def test_number_0_is_a_guest_and_never_two_people_in_one(
    counter: Counter, said: str, body: dict[str, Any]
) -> None:
    """Shops that number their customers from 1 send 0 for whoever has no account."""
    for email in ("a@x.example", "b@x.example"):
        customer = {"customer": body["customer"] | {"email": email}} if "customer" in body else {}
        reply = await counter.send(said, body | {"email": email} | customer)
        assert any("is 0: a guest" in note for note in answer(reply)["notes"])
    counter.fold()
    assert person(counter, "a@x.example").id != person(counter, "b@x.example").id
    assert person(counter, "a@x.example").customer_id is None
