"""Where the stream leaves: feeds, topics and daily reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("dialect", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_feeds")),
    )


def _feed_breakers() -> None:
    op.create_table(
        "feed_breakers",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "feed", name=op.f("pk_feed_breakers")),
        sqlite_with_rowid=False,
    )


def _feed_deliveries() -> None:
    op.create_table(
        "feed_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_deliveries")),
    )
    op.create_index(
        op.f("ix_feed_deliveries_account_feed_delivered_at"),
        "feed_deliveries",
        ["account", "feed", "delivered", "at"],
    )
    op.create_index(op.f("ix_feed_deliveries_event"), "feed_deliveries", ["event"])


def _topics() -> None:
    op.create_table(
        "topics",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_topics")),
    )


def _topic_subscriptions() -> None:
    op.create_table(
        "topic_subscriptions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("owner", sa.String(length=12), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger()),
        sa.Column("confirmed_by", sa.String(length=12), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic_subscriptions")),
    )
    op.create_index("ix_topic_subscriptions_topic", "topic_subscriptions", ["account", "topic"])


def _daily_files() -> None:
    op.create_table(
        "daily_files",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", "name", name=op.f("pk_daily_files")),
    )


TABLES = (
    _feeds,
    _feed_breakers,
    _feed_deliveries,
    _topics,
    _topic_subscriptions,
    _daily_files,
)
