"""What templates can say of a person beside their profile: carts, orders, products; read from state.

Only what a template mentions is looked up. What its request's context has under one of these names comes first: who
asked for the message knew better which cart is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from heliograph.clock import iso
from heliograph.outbound.messages.templates.markup import liquid
from heliograph.react.state import commerce, people

VIEWED, CART, ORDER, PRODUCTS = "recently_viewed", "cart", "order", "products"
NAMES = (VIEWED, CART, ORDER, PRODUCTS)
"""What they last looked at; their newest cart that no order has closed; their newest order; the catalogue's entries of
the products that the context names, by id."""

MOST_VIEWED = 10
"""Products of one mail; more are not looked at."""
MOST_PRODUCTS = 100
"""Products that are looked up for one context."""

NOTHING: Mapping[str, Any] = {VIEWED: (), CART: None, ORDER: None, PRODUCTS: {}}

_MENTIONS = {name: re.compile(rf"\b{name}\b") for name in NAMES}
_PRODUCT_FIELDS = ("title", "url", "image", "sku", "vendor")
_LISTS = ("line_items", "products", "items")


class ByNumber(dict[str, Any]):
    """Things by their ids, which are texts here; who sent an id as a number finds the same thing: `products[7]`."""

    def __missing__(self, key: object) -> Any:
        if isinstance(key, int) and not isinstance(key, bool):
            return self[str(key)]
        raise KeyError(key)


def mentioned(parts: Mapping[str, str]) -> frozenset[str]:
    """Which of these a template may mean: those that its Liquid names. Its prose may speak of a cart and mean nobody's."""
    code = "\n".join(part[begin:end] for part in parts.values() for begin, end in liquid(part))
    return frozenset(name for name, word in _MENTIONS.items() if word.search(code))


def look_up(
    connection: Connection,
    account: str,
    person: people.Person | None,
    wanted: frozenset[str],
    context: Mapping[str, Any],
) -> Mapping[str, Any]:
    """These objects; those that are not wanted are empty."""
    found = dict(NOTHING)
    if PRODUCTS in wanted:
        ids = list(dict.fromkeys(_product_ids(context)))[:MOST_PRODUCTS]
        known = commerce.products(connection, account, ids)
        found[PRODUCTS] = ByNumber({number: _described(one) for number, one in known.items()})
    if person is None:
        return found
    if VIEWED in wanted:
        found[VIEWED] = _viewed(connection, account, person)
    if wanted & {CART, ORDER}:
        names = people.subjects(connection, account, person.id)
        own = {"emails": _of(names, "email:"), "customer_ids": _of(names, "customer:")}
        if CART in wanted:
            carts = commerce.carts_of(connection, account, **own)
            found[CART] = _newest([one for one in carts if one.deleted is None and one.closed_by is None])
        if ORDER in wanted:
            orders = commerce.orders_of(connection, account, **own)
            found[ORDER] = _newest([one for one in orders if one.deleted is None])
    return found


def _of(names: Sequence[str], scheme: str) -> list[str]:
    return [name.removeprefix(scheme) for name in names if name.startswith(scheme)]


def _newest(found: Sequence[commerce.Cart | commerce.Order]) -> Mapping[str, Any] | None:
    if not found:
        return None
    one = max(found, key=lambda one: (one.updated or one.created or 0, one.id))
    return {**one.document, "id": one.id, "total": one.total, "currency": one.currency}


def _product_ids(context: Mapping[str, Any]) -> Iterator[str]:
    for thing in (context, *(value for value in context.values() if isinstance(value, dict))):
        for item in (
            thing,
            *(item for name in _LISTS if isinstance(thing.get(name), list) for item in thing[name]),
        ):
            if isinstance(item, dict) and item.get("product_id") is not None:
                yield str(item["product_id"])


def _viewed(connection: Connection, account: str, person: people.Person) -> Sequence[Mapping[str, Any]]:
    names = people.subjects(connection, account, person.id)
    views = commerce.views(connection, account, names, limit=MOST_VIEWED)
    products = commerce.products(connection, account, [view.product for view in views])
    return [
        _seen(view, products.get(view.product))
        for view in views
        if view.product not in products or products[view.product].product_exists
    ]


def _seen(view: commerce.View, product: commerce.Product | None) -> Mapping[str, Any]:
    """A product that was looked at: its catalogue entry, and when they looked."""
    described = dict.fromkeys(_PRODUCT_FIELDS) if product is None else _described(product)
    return {**described, "id": view.product, "viewed_at": iso(view.last), "views": view.count}


def _described(product: commerce.Product) -> dict[str, Any]:
    """A catalogue entry as the shop sent it, and our own names for what matters."""
    return {
        **product.document,
        **{name: getattr(product, name) for name in _PRODUCT_FIELDS},
        "id": product.id,
        "exists": product.product_exists,
    }
