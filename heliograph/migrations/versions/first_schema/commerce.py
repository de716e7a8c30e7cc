"""What the shop sells and who buys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("customer_id", sa.String()),
        sa.Column("cart", sa.String()),
        sa.Column("status", sa.String()),
        sa.Column("currency", sa.String()),
        sa.Column("subtotal", sa.Float()),
        sa.Column("discounts", sa.Float()),
        sa.Column("total", sa.Float()),
        sa.Column("created", sa.BigInteger()),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger()),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_account_cart"), "orders", ["account", "cart"])
    op.create_index(op.f("ix_orders_account_customer_id"), "orders", ["account", "customer_id"])
    op.create_index(op.f("ix_orders_account_email"), "orders", ["account", "email"])


def _carts() -> None:
    op.create_table(
        "carts",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("customer_id", sa.String()),
        sa.Column("token", sa.String()),
        sa.Column("currency", sa.String()),
        sa.Column("total", sa.Float()),
        sa.Column("created", sa.BigInteger()),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger()),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name=op.f("pk_carts")),
    )


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String()),
        sa.Column("sku", sa.String()),
        sa.Column("vendor", sa.String()),
        sa.Column("url", sa.String()),
        sa.Column("image", sa.String()),
        sa.Column("product_exists", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.BigInteger()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name=op.f("pk_products")),
    )


def _product_views() -> None:
    op.create_table(
        "product_views",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("views", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "subject", name=op.f("pk_product_views")),
        sqlite_with_rowid=False,
    )


TABLES = (
    _orders,
    _carts,
    _products,
    _product_views,
)
