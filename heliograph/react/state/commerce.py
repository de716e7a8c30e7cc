"""What the shop sells and who buys: orders, carts, products, and who looked at what.

Events are folded into the rows of `goods`. Whose an order is stays as its sender put it (`email`, `customer_id`):
who that is now is for `people` to say. Whether a cart is still open is not stored but asked of the orders, so
that it comes out right in whatever order the events arrive (RM-10). A product that is first heard of in an order is
kept, as one that is not sold, until its shop tells of it (wire-facts 6.1). Automations ask `cart` and `order` at the
moment at which they act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    or_,
    select,
)

from heliograph.events import commerce as wire
from heliograph.events.event import AnyEvent, Data
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import reading
from heliograph.react.state.goods import (
    CARTS,
    ORDERS,
    PRODUCTS,
    VIEWS,
    CartRow,
    Look,
    OrderRow,
    ProductRow,
    ViewsRow,
    looks_of,
    ordered_products,
    told_cart,
    told_order,
    told_product,
    told_view,
)
from heliograph.react.state.portraits import Normal
from heliograph.react.state.rows import Key, Rows
from heliograph.react.state.spelling import Spelling

S = TypeVar("S", bound=msgspec.Struct)

SAME_CART = 86_400_000_000
"""Microseconds by which a cart must be younger than an order that names it to be a new cart under a used id: a
day, for shops whose dates lack the zone (RM-23)."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as last told of. `created` and `updated` as the shop stated them, in microseconds; `document` as
    it was sent."""

    id: str
    email: str | None
    customer_id: str | None
    cart: str | None
    status: str | None
    currency: str | None
    subtotal: float | None
    discounts: float | None
    total: float | None
    created: int | None
    updated: int | None
    deleted: int | None
    document: dict[str, Any]


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """A cart as last told of. `closed_by` is the id of the order that it became, None while there is none."""

    id: str
    email: str | None
    customer_id: str | None
    token: str | None
    currency: str | None
    total: float | None
    created: int | None
    updated: int | None
    deleted: int | None
    closed_by: str | None
    document: dict[str, Any]

    @property
    def open(self) -> bool:
        """Neither bought nor dropped."""
        return self.closed_by is None and self.deleted is None


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product as last told of; `product_exists` is false once it is no longer sold (RM-10)."""

    id: str
    title: str | None
    sku: str | None
    vendor: str | None
    url: str | None
    image: str | None
    product_exists: bool
    updated: int | None
    document: dict[str, Any]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A product that somebody looked at: first, last (microseconds), how often."""

    product: str
    first: int
    last: int
    count: int


def order(connection: Connection, account: str, order_id: str) -> Order | None:
    """The order of this id."""
    return _one(Order, _row(connection, ORDERS, account, order_id))


def cart(connection: Connection, account: str, cart_id: str) -> Cart | None:
    """The cart of this id, and whether an order has closed it."""
    row = _row(connection, CARTS, account, cart_id)
    return _one(Cart, row, closed_by=_closed_by(connection, row)) if row is not None else None


def orders_of(
    connection: Connection, account: str, *, emails: Sequence[str], customer_ids: Sequence[str]
) -> list[Order]:
    """The orders that were told of under any of these addresses and customer numbers, in the order of their ids."""
    return [
        one
        for row in _rows_of(connection, ORDERS, account, emails, customer_ids)
        if (one := _one(Order, row))
    ]


def carts_of(
    connection: Connection, account: str, *, emails: Sequence[str], customer_ids: Sequence[str]
) -> list[Cart]:
    """As `orders_of`, the carts, and whether orders have closed them."""
    return [
        one
        for row in _rows_of(connection, CARTS, account, emails, customer_ids)
        if (one := _one(Cart, row, closed_by=_closed_by(connection, row)))
    ]


def product(connection: Connection, account: str, product_id: str) -> Product | None:
    """The product of this id."""
    return _one(Product, _row(connection, PRODUCTS, account, product_id))


def products(connection: Connection, account: str, ids: Sequence[str]) -> dict[str, Product]:
    """Those of these products that are known, by their ids."""
    rows = connection.execute(_PRODUCTS, {"of_account": account, "of_ids": ids})
    return {row.id: found for row in rows if (found := _one(Product, row)) is not None}


def views(connection: Connection, account: str, subjects: Sequence[str], *, limit: int = 20) -> list[View]:
    """What was looked at under any of these references (`people.subjects`), the latest first; of each at most the
    last `MOST_VIEWS` products."""
    rows = connection.scalars(_VIEWS, {"of_account": account, "of_subjects": subjects})
    seen: dict[str, View] = {}
    for look in sorted((look for row in rows for look in looks_of(row)), key=_order, reverse=True):
        seen[look.product] = _also(seen.get(look.product), look)
    return list(seen.values())[:limit]


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch: each table from its own kinds alone."""
    normal = Spelling(connection).normal
    for shelf in _SHELVES:
        own = [event for event in events if type(event.data) in shelf.kinds]
        named = [(event, key) for event in own for key in shelf.keys(event)]
        rows: Rows[Any] = Rows(connection, shelf.table, shelf.row)
        rows.read(key for _, key in named)
        for event, key in named:
            told = shelf.told(rows.get(key), event, key, normal)
            if told is not None:
                rows.put(told)
        rows.write()


def forget(connection: Connection, erased: Erased) -> None:
    """What somebody who is erased ordered, chose and looked at is not known any more (STD-7)."""
    emails, numbers = erased.values("email"), erased.values("customer")
    for table, scheme in ((ORDERS, "order"), (CARTS, "cart")):
        anonymous = and_(table.c.email.is_(None), table.c.customer_id.is_(None))
        theirs = or_(
            table.c.email.in_(emails),
            table.c.customer_id.in_(numbers),
            and_(anonymous, table.c.id.in_(erased.values(scheme))),
        )
        connection.execute(delete(table).where(table.c.account == erased.account, theirs))
    looked = VIEWS.c.subject.in_(erased.references)
    connection.execute(delete(VIEWS).where(VIEWS.c.account == erased.account, looked))


class _Shelf(NamedTuple):
    kinds: frozenset[type[Data]]
    table: Table
    row: type[msgspec.Struct]
    keys: Callable[[Any], Sequence[Key]]
    told: Callable[[Any, Any, Any, Normal], msgspec.Struct | None]


def _order_keys(event: Any) -> Sequence[Key]:
    return _named(event, reading.key_of(event.data.order.id))


def _cart_keys(event: Any) -> Sequence[Key]:
    cart = event.data.cart
    return _named(event, reading.key_of(cart.id) or reading.key_of(cart.cart_token))


def _product_keys(event: Any) -> Sequence[Key]:
    if isinstance(event.data, wire.ProductCreated):
        return _named(event, reading.key_of(event.data.product.id))
    account = event.account
    return [(account, product_id) for product_id in ordered_products(event.data.order)]


def _view_keys(event: Any) -> Sequence[Key]:
    return [(event.account, event.subject)]


def _named(event: AnyEvent, found: str | None) -> Sequence[Key]:
    return [(event.account, found)] if found else []


def _order(look: Look) -> tuple[int, str]:
    return look.last, look.product


def _also(known: View | None, look: Look) -> View:
    """A product that was looked at under two names of one person was looked at so often in all."""
    if known is None:
        return View(product=look.product, first=look.first, last=look.last, count=look.count)
    first, count = min(known.first, look.first), known.count + look.count
    return View(product=look.product, first=first, last=known.last, count=count)


def _closed_by(connection: Connection, found: Row[Any]) -> str | None:
    """RM-10: an order that names the cart, or else the first order of the same address or customer number that
    was made after the cart was begun."""
    for closes in (_names(found), _follows(found)):
        if closes is None:
            continue
        one = select(ORDERS.c.id).where(ORDERS.c.account == found.account, closes)
        closed_by = connection.scalar(one.order_by(ORDERS.c.began, ORDERS.c.id).limit(1))
        if closed_by is not None:
            return str(closed_by)
    return None


def _names(found: Row[Any]) -> ColumnElement[bool]:
    """Orders that name the cart, unless it was begun long after them: a new cart under a used id."""
    named = ORDERS.c.cart.in_([name for name in (found.id, found.token) if name])
    if found.created is None:
        return named
    return and_(named, or_(ORDERS.c.created.is_(None), ORDERS.c.created >= found.created - SAME_CART))


def _follows(found: Row[Any]) -> ColumnElement[bool] | None:
    """Orders by the same buyer after the cart was begun: by the shop's dates where both have one."""
    who = [ORDERS.c.email == found.email] if found.email else []
    who += [ORDERS.c.customer_id == found.customer_id] if found.customer_id else []
    if not who:
        return None
    after = ORDERS.c.began >= found.began
    if found.created is not None:
        after = or_(ORDERS.c.created >= found.created, and_(ORDERS.c.created.is_(None), after))
    return and_(or_(*who), after)


def _rows_of(
    connection: Connection, table: Table, account: str, emails: Sequence[str], customer_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    theirs = or_(table.c.email.in_(emails), table.c.customer_id.in_(customer_ids))
    return connection.execute(
        select(table).where(table.c.account == account, theirs).order_by(table.c.id)
    ).all()


def _row(connection: Connection, table: Table, account: str, id: str) -> Row[Any] | None:
    return connection.execute(select(table).where(table.c.account == account, table.c.id == id)).one_or_none()


def _one(kind: type[S], row: Row[Any] | None, **more: Any) -> S | None:
    if row is None:
        return None
    values = {**row._mapping, **more}
    return kind(**{name: values[name] for name in kind.__struct_fields__})


# Made once: putting a statement together costs several times what it costs to run it.
_VIEWS = select(cast(VIEWS.c.views, Text)).where(
    VIEWS.c.account == bindparam("of_account"),
    VIEWS.c.subject.in_(bindparam("of_subjects", expanding=True)),
)

_PRODUCTS = select(PRODUCTS).where(
    PRODUCTS.c.account == bindparam("of_account"),
    PRODUCTS.c.id.in_(bindparam("of_ids", expanding=True)),
)

_SHELVES = (
    _Shelf(
        frozenset({wire.OrderCreated, wire.OrderUpdated, wire.OrderDeleted}),
        ORDERS,
        OrderRow,
        _order_keys,
        told_order,
    ),
    _Shelf(
        frozenset({wire.CartCreated, wire.CartUpdated, wire.CartDeleted}),
        CARTS,
        CartRow,
        _cart_keys,
        told_cart,
    ),
    _Shelf(
        frozenset(
            {
                wire.ProductCreated,
                wire.ProductUpdated,
                wire.ProductDeleted,
                wire.OrderCreated,
                wire.OrderUpdated,
            }
        ),
        PRODUCTS,
        ProductRow,
        _product_keys,
        told_product,
    ),
    _Shelf(frozenset({wire.ProductViewed}), VIEWS, ViewsRow, _view_keys, told_view),
)

FOLD = Fold(
    name="commerce",
    kinds=frozenset(kind.kind for shelf in _SHELVES for kind in shelf.kinds),
    tables=tuple(shelf.table for shelf in _SHELVES),
    apply=apply,
    forget=forget,
)
