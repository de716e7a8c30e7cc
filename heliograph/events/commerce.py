"""Kinds about what a shop sells and who buys: orders, products, carts, views.

The wire forms are Remarkety's (S3), read tolerantly: money may be text (`"39.9000"`), ids numbers,
`line_items` may be called `lineitems`, `image` may be `images` (RM-8, RM-23). What was sent is what is
recorded; the functions at the end give the normal forms.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from heliograph.events.event import SECOND, Data, Said
from heliograph.events.people import Customer, Scalar


class LineItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order or cart."""

    product_id: Scalar = None
    variant_id: Scalar = None
    quantity: Scalar = None
    price: Scalar = None
    sku: Scalar = None
    name: str | None = None
    title: str | None = None
    variant_title: str | None = None
    vendor: str | None = None
    url: str | None = None
    image: Any = None
    images: list[Any] | None = None


class Basket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What orders and carts have in common."""

    id: Scalar = None
    email: str | None = None
    customer: Customer | None = None
    created_at: Scalar = None
    updated_at: Scalar = None
    currency: str | None = None
    line_items: list[LineItem] | None = None
    lineitems: list[LineItem] | None = None
    subtotal_price: Scalar = None
    total_discounts: Scalar = None
    total_shipping: Scalar = None
    total_tax: Scalar = None
    total_price: Scalar = None
    cart_token: Scalar = None
    accepts_marketing: Scalar = None
    timestamp: Scalar = None

    @property
    def items(self) -> list[LineItem]:
        """The lines, under either name."""
        return self.line_items or self.lineitems or []

    @property
    def address(self) -> str | None:
        """The e-mail address: the basket's own, or its customer's."""
        return self.email or (self.customer.email if self.customer else None)


class Order(Basket, frozen=True, kw_only=True):
    """An order as shops describe one."""

    cart_id: Scalar = None
    status: dict[str, Any] | str | None = None
    financial_status: dict[str, Any] | str | None = None
    fulfillment_status: Any = None
    channel: str | None = None
    test: Scalar = None


class Cart(Basket, frozen=True, kw_only=True):
    """A cart as shops describe one; anonymous when neither `email` nor `customer` is given."""

    abandoned_checkout_url: str | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A product as shops describe one."""

    id: Scalar = None
    sku: Scalar = None
    title: str | None = None
    vendor: str | None = None
    url: str | None = None
    image: Any = None
    images: list[Any] | None = None
    tags: list[Any] | str | None = None
    categories: list[Any] | None = None
    variants: list[dict[str, Any]] | None = None
    product_exists: Scalar = None
    created_at: Scalar = None
    updated_at: Scalar = None
    timestamp: Scalar = None


class OrderCreated(Data, frozen=True, kw_only=True):
    """An order was made."""

    kind: ClassVar[str] = "order.created"
    inner: ClassVar[str | None] = "order"
    order: Order
    said: Said | None = None
    notes: tuple[str, ...] = ()


class OrderUpdated(OrderCreated, frozen=True, kw_only=True):
    """An order changed: its status, its lines."""

    kind: ClassVar[str] = "order.updated"


class OrderDeleted(OrderCreated, frozen=True, kw_only=True):
    """An order was deleted."""

    kind: ClassVar[str] = "order.deleted"


class ProductCreated(Data, frozen=True, kw_only=True):
    """A product is new."""

    kind: ClassVar[str] = "product.created"
    inner: ClassVar[str | None] = "product"
    product: Product
    said: Said | None = None
    notes: tuple[str, ...] = ()


class ProductUpdated(ProductCreated, frozen=True, kw_only=True):
    """A product changed."""

    kind: ClassVar[str] = "product.updated"


class ProductDeleted(ProductCreated, frozen=True, kw_only=True):
    """A product is no longer sold: it stays, with `product_exists` false (RM-10)."""

    kind: ClassVar[str] = "product.deleted"


class ProductViewed(Data, frozen=True, kw_only=True):
    """A known visitor looked at a product."""

    kind: ClassVar[str] = "product.viewed"
    product_id: str
    categories: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()
    email: str | None = None
    customer_id: str | None = None
    said: Said | None = None
    notes: tuple[str, ...] = ()


class CartCreated(Data, frozen=True, kw_only=True):
    """A cart was begun."""

    kind: ClassVar[str] = "cart.created"
    inner: ClassVar[str | None] = "cart"
    cart: Cart
    said: Said | None = None
    notes: tuple[str, ...] = ()


class CartUpdated(CartCreated, frozen=True, kw_only=True):
    """A cart changed; the same id is the same cart."""

    kind: ClassVar[str] = "cart.updated"


class CartDeleted(CartCreated, frozen=True, kw_only=True):
    """A cart was emptied or dropped by the shop."""

    kind: ClassVar[str] = "cart.deleted"


_FAR = 253_402_300_800
"""Unix seconds at the end of year 9999: nothing in a shop happens later."""


def amount(value: Scalar) -> float | None:
    """Money or a quantity from a number or text; None for null and for what is no finite number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def discount(value: Scalar) -> float | None:
    """A discount's size: some senders make it negative (S3:L370)."""
    number = amount(value)
    return None if number is None else abs(number)


def instant(value: Scalar) -> int | None:
    """A sender's date in microseconds: ISO 8601, a date alone, or unix seconds. Without a zone it is UTC."""
    if value is None or isinstance(value, bool):
        return None
    try:
        if isinstance(value, int | float):
            return int(value * SECOND) if abs(value) < _FAR else None
        parsed = datetime.fromisoformat(value.strip())
        parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return int(parsed.timestamp()) * SECOND + parsed.microsecond
    except (ValueError, OverflowError, OSError):
        return None


def image_url(image: Any, images: list[Any] | None = None) -> str | None:
    """A picture's address from `image` (text or `{src}`) or the first of `images` (RM-8)."""
    for candidate in (image, *(images or ())):
        url = candidate.get("src") if isinstance(candidate, dict) else candidate
        if isinstance(url, str) and url:
            return url
    return None


def status_name(status: dict[str, Any] | str | None) -> str | None:
    """The status in words: `name`, else `code` (RM-23)."""
    if isinstance(status, dict):
        word = status.get("name") or status.get("code")
        return None if word is None else str(word)
    return status or None
