"""What plug-ins write otherwise than the document: taken, kept as it came, and noted for the operator (RM-6, RM-23)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from collect_shop import Shop, answer, as_bytes, vector
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.cli.oddities import Habit, Tally
from heliograph.events.event import Entry
from heliograph.inbound.collect import mandatory


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """A body of the document with one field otherwise; `...` takes it out."""
    document: dict[str, Any] = copy.deepcopy(json.loads(vector(name)))
    holder: Any = document
    *parents, last = path.split(".")
    for parent in parents:
        holder = holder[parent.removesuffix("[]")]
        holder = holder[0] if parent.endswith("[]") else holder
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return document


ODD = [
    (
        "orders/update",
        "s3_orders_create",
        "total_price",
        "39.9000",
        "total_price: is text, not a number; read as one",
    ),
    ("orders/update", "s3_orders_create", "total_price", "much", "total_price: is no number; not used"),
    (
        "orders/update",
        "s3_orders_create",
        "total_discounts",
        -5,
        "total_discounts: is below zero; its size is taken",
    ),
    (
        "orders/update",
        "s3_orders_create",
        "total_discounts",
        "-2.0000",
        "total_discounts: is text and below zero; its size is taken",
    ),
    (
        "orders/update",
        "s3_orders_create",
        "created_at",
        "2016-03-01 08:30:00",
        "created_at: has no time zone; read as UTC",
    ),
    ("orders/update", "s3_orders_create", "updated_at", "yesterday", "updated_at: is no date; not used"),
    (
        "orders/update",
        "s3_orders_create",
        "created_at",
        1330000000,
        "created_at: is a number; read as unix seconds",
    ),
    (
        "orders/update",
        "s3_orders_create",
        "customer.gender",
        "Male",
        "customer.gender: is written out; taken as M or F",
    ),
    (
        "orders/update",
        "s3_orders_create",
        "customer.gender",
        "?",
        "customer.gender: is neither M nor F; not used",
    ),
    ("orders/update", "s3_orders_create", "customer.id", ..., "customer.id: is not said: a guest"),
    ("orders/update", "s3_orders_create", "status.name", ..., "missing: status.name"),
    ("orders/update", "s3_orders_create", "line_items[].url", None, "missing: line_items[].url"),
    (
        "orders/update",
        "s3_orders_create",
        "customer.accepts_marketing",
        "yes",
        "customer.accepts_marketing: is not true or false; read as one of them",
    ),
    (
        "products/update",
        "s3_products_create",
        "image",
        ...,
        "image: is not said; the first of images is taken",
    ),
    (
        "products/update",
        "s3_products_create",
        "product_exists",
        "1",
        "product_exists: is not true or false; read as one of them",
    ),
    (
        "carts/update",
        "s3_carts_create",
        "currency",
        "Euro",
        "currency: is no code of three letters; kept as it is",
    ),
    (
        "customers/update",
        "s3_customers_create",
        "gender",
        "female",
        "gender: is written out; taken as M or F",
    ),
    (
        "customers/update",
        "s3_customers_create",
        "created_at",
        "2012-02-15",
        "created_at: has no time zone; read as UTC",
    ),
]


@pytest.mark.parametrize(
    ("type", "name", "path", "value", "note"), ODD, ids=[f"{one[2]}={one[3]}" for one in ODD]
)
async def test_one_oddity_is_one_note(
    shop: Shop, type: str, name: str, path: str, value: Any, note: str
) -> None:
    """RM-6: the sender is told that it was taken, the operator what was odd, and the journal has what was sent."""
    body = as_bytes(changed(name, path, value))
    reply = await shop.send(type, body)
    assert answer(reply) == {"status": "ok", "id": shop.last.id}
    assert shop.last.data.notes == (note,)
    assert body in shop.journal.records[0].data


async def test_lines_are_not_told_apart(shop: Shop) -> None:
    """An order of a hundred lines without links has one note, and so has the next order."""
    order = json.loads(vector("s3_orders_create"))
    line = order["line_items"][0] | {"url": None, "price": "1.00"}
    await shop.send("orders/update", order | {"line_items": [line] * 100})
    assert shop.last.data.notes == (
        "missing: line_items[].url",
        "line_items[].price: is text, not a number; read as one",
    )


async def test_what_is_left_out_is_not_called_odd_as_well(shop: Shop) -> None:
    await shop.send("orders/update", changed("s3_orders_create", "line_items", "x"))
    assert shop.last.data.notes == ("line_items: expected an array, got text; left out",)


async def test_everything_missing_is_one_note(shop: Shop) -> None:
    await shop.send("orders/create", {"id": 1, "email": "a@b.example", "status": "new"})
    assert shop.last.data.notes[0].startswith("missing: created_at, line_items, subtotal_price, ")
    assert len(shop.last.data.notes) <= 2


@pytest.mark.parametrize("type", ["orders/delete", "products/deleted", "customers/delete", "carts/delete"])
async def test_a_deletion_is_its_id_alone_and_not_odd(shop: Shop, type: str) -> None:
    """RM-23"""
    assert (await shop.send(type, {"id": "007"})).status == 200
    assert shop.last.data.notes == ()


async def test_a_strict_account_is_told_all_of_it_and_nothing_is_recorded(strict: Shop) -> None:
    """RM-6: every fault at once."""
    reply = await strict.send("orders/create", vector("magento1_orders_create"))
    assert reply.status == 400
    assert {fault["field"] for fault in answer(reply)["errors"]} == {
        "created_at",
        "customer.created_at",
        "customer.updated_at",
        "line_items[0].image",
        "line_items[0].price",
        "line_items[0].quantity",
        "line_items[0].url",
        "status.name",
        "subtotal_price",
        "total_discounts",
        "total_price",
        "total_shipping",
        "total_tax",
    }
    assert strict.events == []


async def test_a_senders_habits_are_counted(shop: Shop) -> None:
    """`heliograph oddities`."""
    for number in range(3):
        order = json.loads(vector("magento2_orders_updated")) | {
            "id": number,
            "updated_at": f"2023-05-0{number + 1}T10:00:00+00:00",
        }
        await shop.send("orders/updated", order, x_platform="MAGENTO_2")
    await shop.send("carts/update", {"id": 1, "currency": "Euro"}, x_platform="custom")
    await shop.send("own", {"notes": ["not ours"]})
    tally = Tally()
    tally.add(Entry(seq, *record) for seq, record in enumerate(shop.journal.records))
    habit = Habit("MAGENTO_2", "orders/updated", "total_discounts: is below zero; its size is taken")
    assert (tally.times[habit], tally.latest[habit]) == (3, shop.events[2].id)
    assert any(one.platform == "custom" and one.note.startswith("currency:") for one in tally.times)
    assert not any("not ours" in one.note for one in tally.times)


FORMS = {
    "s3_orders_create": mandatory.ORDER,
    "s3_products_create": mandatory.PRODUCT,
    "s3_carts_create": mandatory.CART,
    "s3_customers_create": mandatory.CUSTOMER,
}
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [
            "",
            "x",
            "39.9000",
            "-2",
            "M",
            "male",
            "2016-03-01 08:30:00",
            "2016-03-01T08:30:00Z",
            "https://a.example",
        ]
    ),
    st.just([]),
    st.just({}),
    st.just({"src": "https://a.example/1.jpg"}),
)


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_body_that_fits_the_type_of_its_form_has_nothing_odd(name: str, data: st.DataObject) -> None:
    """The quick look never overlooks what the slow one would find, and the document's own body passes it."""
    document = json.loads(vector(name))
    assert FORMS[name].fits(as_bytes(document))
    for holder in (
        document,
        document.get("customer"),
        *document.get("line_items", ()),
        *document.get("variants", ()),
    ):
        if isinstance(holder, dict) and data.draw(st.booleans()):
            holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(values)
    if FORMS[name].fits(as_bytes(document)):
        assert list(mandatory.oddities(document, FORMS[name])) == []
        assert list(mandatory.faults(document, FORMS[name])) == []
