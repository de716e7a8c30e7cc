"""The rows of commerce: tables of orders, carts, products and views, and the pure rules of which word is newer.

Two tellings of one thing are compared by the sender's `updated_at` where both have one (a shop that sends again what
it could not deliver sends the old one late), else by when they happened. The newer one replaces the older; what it
does not state of owner, money and status stays. `commerce` uses this and answers questions.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, String, Table

from heliograph.database import METADATA
from heliograph.events import commerce as wire
from heliograph.events.event import AnyEvent, Event
from heliograph.events.people import flag
from heliograph.react.state import reading
from heliograph.react.state.portraits import Normal

T = TypeVar("T")

LINES = 1_000
"""Lines of an order whose products are looked up."""

HEARSAY = -1
"""`at` of a product of which only an order told."""

ORDERS = Table(
    "orders",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("id", String, primary_key=True),
    Column("email", String),
    Column("customer_id", String),
    Column("cart", String),
    Column("status", String),
    Column("currency", String),
    Column("subtotal", Float),
    Column("discounts", Float),
    Column("total", Float),
    Column("created", BigInteger),
    Column("updated", BigInteger),
    Column("began", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deleted", BigInteger),
    Column("document", JSON, nullable=False),
    Index(None, "account", "email"),
    Index(None, "account", "customer_id"),
    Index(None, "account", "cart"),
)
"""`created` and `updated` are the sender's; `began` and `at` when the order was first and last told of; `cart` is
the id or token of the cart that it names."""

CARTS = Table(
    "carts",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("id", String, primary_key=True),
    Column("email", String),
    Column("customer_id", String),
    Column("token", String),
    Column("currency", String),
    Column("total", Float),
    Column("created", BigInteger),
    Column("updated", BigInteger),
    Column("began", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("deleted", BigInteger),
    Column("document", JSON, nullable=False),
)

PRODUCTS = Table(
    "products",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("id", String, primary_key=True),
    Column("title", String),
    Column("sku", String),
    Column("vendor", String),
    Column("url", String),
    Column("image", String),
    Column("product_exists", Boolean, nullable=False),
    Column("updated", BigInteger),
    Column("at", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
)

VIEWS = Table(
    "product_views",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("subject", String, primary_key=True),
    Column("views", JSON, nullable=False),
    sqlite_with_rowid=False,
)
"""Who looked at what, when last, how often: the last `MOST_VIEWS` products of each visitor, the latest first."""

MOST_VIEWS = 50
"""Products that are remembered of one visitor: what recommendations and mails about browsing need, and no more."""


class OrderRow(msgspec.Struct, gc=False):
    """A row of `orders`; the document is JSON text."""

    account: str
    id: str
    email: str | None = None
    customer_id: str | None = None
    cart: str | None = None
    status: str | None = None
    currency: str | None = None
    subtotal: float | None = None
    discounts: float | None = None
    total: float | None = None
    created: int | None = None
    updated: int | None = None
    began: int = 0
    at: int = 0
    deleted: int | None = None
    document: str = "{}"


class CartRow(msgspec.Struct, gc=False):
    """A row of `carts`."""

    account: str
    id: str
    email: str | None = None
    customer_id: str | None = None
    token: str | None = None
    currency: str | None = None
    total: float | None = None
    created: int | None = None
    updated: int | None = None
    began: int = 0
    at: int = 0
    deleted: int | None = None
    document: str = "{}"


class ProductRow(msgspec.Struct, gc=False):
    """A row of `products`."""

    account: str
    id: str
    title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    url: str | None = None
    image: str | None = None
    product_exists: bool = True
    updated: int | None = None
    at: int = 0
    document: str = "{}"


class ViewsRow(msgspec.Struct, gc=False):
    """A row of `product_views`; the views are JSON text, each a `Look`."""

    account: str
    subject: str
    views: str = "[]"


class Look(msgspec.Struct, array_like=True, gc=False):
    """Looks of one visitor at one product. Instants in microseconds; `event` is the one of the last look."""

    last: int
    event: str
    product: str
    first: int
    count: int


def told_order(
    known: OrderRow | None, event: Event[wire.OrderCreated], key: tuple[str, str], normal: Normal
) -> OrderRow | None:
    """The order after an event; None where it changes nothing."""
    at, order = reading.happened(event), event.data.order
    row = known or OrderRow(account=key[0], id=key[1], began=at)
    if not _told(row, known is None, event, order, normal, deleted=isinstance(event.data, wire.OrderDeleted)):
        return row if _earlier(row, at) else None
    row.cart = reading.key_of(order.cart_id) or reading.key_of(order.cart_token) or row.cart
    row.status = wire.status_name(order.status) or row.status
    row.subtotal = _known(wire.amount(order.subtotal_price), row.subtotal)
    row.discounts = _known(wire.discount(order.total_discounts), row.discounts)
    return row


def told_cart(
    known: CartRow | None, event: Event[wire.CartCreated], key: tuple[str, str], normal: Normal
) -> CartRow | None:
    """The cart after an event; None where it changes nothing. The same id is the same cart (RM-10)."""
    at, cart = reading.happened(event), event.data.cart
    row = known or CartRow(account=key[0], id=key[1], began=at)
    if not _told(row, known is None, event, cart, normal, deleted=isinstance(event.data, wire.CartDeleted)):
        return row if _earlier(row, at) else None
    row.token = reading.key_of(cart.cart_token) or row.token
    return row


def ordered_products(order: wire.Order) -> list[str]:
    """The products that an order names, each once."""
    named = (reading.key_of(line.product_id) for line in order.items[:LINES])
    return list(dict.fromkeys(filter(None, named)))


def told_product(
    known: ProductRow | None,
    event: Event[wire.ProductCreated] | Event[wire.OrderCreated],
    key: tuple[str, str],
    _: Normal,
) -> ProductRow | None:
    """The product after an event; None where it changes nothing. Orders tell of products that are not known."""
    data = event.data
    if isinstance(data, wire.OrderCreated):
        return _unheard_of(data.order, key) if known is None else None
    return _told_product(known, event, data, key)


def _unheard_of(order: wire.Order, key: tuple[str, str]) -> ProductRow:
    """A product of which only an order tells (wire-facts 6.1): not sold, and whatever its shop says is newer."""
    line = next(line for line in order.items if reading.key_of(line.product_id) == key[1])
    row = ProductRow(account=key[0], id=key[1], product_exists=False, at=HEARSAY)
    row.title = line.title or line.name
    row.sku, row.vendor, row.url = reading.key_of(line.sku), line.vendor, line.url
    row.image = wire.image_url(line.image, line.images)
    said = {"id": line.product_id, "title": row.title, "sku": line.sku, "vendor": row.vendor, "url": row.url}
    row.document = msgspec.json.encode({name: value for name, value in said.items() if value}).decode()
    return row


def _told_product(
    known: ProductRow | None, event: AnyEvent, data: wire.ProductCreated, key: tuple[str, str]
) -> ProductRow | None:
    """A deleted one stays, and exists no more (RM-10); what an update does not say stays, for updates of stock carry
    no title and no price (RM-23)."""
    product, at = data.product, reading.happened(event)
    updated = reading.stated(product.updated_at, event)
    row = known or ProductRow(account=key[0], id=key[1])
    if row.at == HEARSAY:
        row.product_exists = True
    elif known is not None and not _newer(row.updated, row.at, updated, at):
        return None
    row.updated, row.at = updated, at
    row.title = product.title or row.title
    row.sku = reading.key_of(product.sku) or row.sku
    row.vendor = product.vendor or row.vendor
    row.url = product.url or row.url
    row.image = wire.image_url(product.image, product.images) or row.image
    said = flag(product.product_exists)
    if isinstance(data, wire.ProductDeleted):
        row.product_exists = False
    elif said is not None or event.kind == wire.ProductCreated.kind:
        row.product_exists = said is not False
    row.document = msgspec.json.encode(
        reading.overlaid(row.document, msgspec.json.decode(reading.sent(event)))
    ).decode()
    return row


def told_view(
    known: ViewsRow | None, event: Event[wire.ProductViewed], key: tuple[str, str], _: Normal
) -> ViewsRow | None:
    """A visitor's looks after another one; None where it is one that was counted, or older than all that are kept.

    A look that is told of after a later one at the same product is not counted: so the count needs no memory of
    single looks and comes out the same however often an event is folded."""
    at, product = reading.happened(event), reading.key_of(event.data.product_id)
    if product is None:
        return None
    row = known or ViewsRow(*key)
    looks = _looks.decode(row.views)
    look = next((one for one in looks if one.product == product), None)
    if look is None:
        looks.append(Look(at, event.id, product, at, 1))
    elif (at, event.id) > (look.last, look.event):
        look.last, look.event, look.count = at, event.id, look.count + 1
    elif at < look.first:
        look.first = at
    else:
        return None
    looks.sort(key=_latest, reverse=True)
    row.views = msgspec.json.encode(looks[:MOST_VIEWS]).decode()
    return row


def looks_of(views: str) -> list[Look]:
    """The looks of a row."""
    return _looks.decode(views)


_looks = msgspec.json.Decoder(list[Look])


def _latest(look: Look) -> tuple[int, str]:
    return look.last, look.event


def _told(
    row: OrderRow | CartRow,
    new: bool,
    event: AnyEvent,
    basket: wire.Basket,
    normal: Normal,
    *,
    deleted: bool,
) -> bool:
    """Draw what orders and carts have in common; False where the row knows better."""
    at, updated = reading.happened(event), reading.stated(basket.updated_at, event)
    if not new and not _newer(row.updated, row.at, updated, at):
        return False
    customer = basket.customer
    row.email = normal(event.account, basket.address) or row.email
    row.customer_id = (reading.key_of(customer.id) if customer else None) or row.customer_id
    row.currency = basket.currency or row.currency
    row.total = _known(wire.amount(basket.total_price), row.total)
    row.created = _known(reading.stated(basket.created_at, event), row.created)
    row.updated, row.at, row.began = updated, at, min(row.began, at)
    row.deleted = at if deleted else None
    if new or not deleted:
        row.document = reading.sent(event).decode()
    return True


def _newer(known_updated: int | None, known_at: int, updated: int | None, at: int) -> bool:
    if known_updated is not None and updated is not None and known_updated != updated:
        return updated > known_updated
    return at >= known_at


def _earlier(row: OrderRow | CartRow, at: int) -> bool:
    """What is told of late may show that the thing began before."""
    if at >= row.began:
        return False
    row.began = at
    return True


def _known(said: T | None, before: T | None) -> T | None:
    return before if said is None else said
