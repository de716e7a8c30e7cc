"""Who may be written to, and what follows by rule from what they wish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _suppressions() -> None:
    op.create_table(
        "suppressions",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", "type", name=op.f("pk_suppressions")),
        sqlite_with_rowid=False,
    )


def _suppression_log() -> None:
    op.create_table(
        "suppression_log",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("change", sa.String(length=7), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("cause", sa.String(length=36)),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_suppression_log")),
    )
    op.create_index(
        op.f("ix_suppression_log_account_at_event"), "suppression_log", ["account", "at", "event"]
    )
    op.create_index(
        op.f("ix_suppression_log_account_channel_address"),
        "suppression_log",
        ["account", "channel", "address"],
    )


def _opt_ins() -> None:
    op.create_table(
        "opt_ins",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("own", sa.Boolean()),
        sa.Column("shop", sa.Boolean()),
        sa.Column("shop_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_opt_ins")),
        sqlite_with_rowid=False,
    )


def _subscription_topics() -> None:
    op.create_table(
        "subscription_topics",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("titles", sa.JSON(), nullable=False),
        sa.Column("descriptions", sa.JSON(), nullable=False),
        sa.Column("by_default", sa.Boolean(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_subscription_topics")),
    )


def _topic_choices() -> None:
    op.create_table(
        "topic_choices",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", "topic", name=op.f("pk_topic_choices")),
        sqlite_with_rowid=False,
    )


def _marketing_pauses() -> None:
    op.create_table(
        "marketing_pauses",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_marketing_pauses")),
        sqlite_with_rowid=False,
    )


def _consent_log() -> None:
    op.create_table(
        "consent_log",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("opted_in", sa.Boolean()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("optin_ip", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger()),
        sa.Column("confirmed_at", sa.BigInteger()),
        sa.Column("text_version", sa.String(), nullable=False),
        sa.Column("message", sa.String(length=36)),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", "channel", name=op.f("pk_consent_log")),
    )
    op.create_index(
        op.f("ix_consent_log_account_channel_address"), "consent_log", ["account", "channel", "address"]
    )


def _policy_standings() -> None:
    op.create_table(
        "policy_standings",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("opt_in", sa.Boolean(), nullable=True),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("suppressions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_policy_standings")),
    )


def _policy_optins() -> None:
    op.create_table(
        "policy_optins",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("ip", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_policy_optins")),
    )


def _policy_soft_bounces() -> None:
    op.create_table(
        "policy_soft_bounces",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_policy_soft_bounces")),
    )


TABLES = (
    _suppressions,
    _suppression_log,
    _opt_ins,
    _subscription_topics,
    _topic_choices,
    _marketing_pauses,
    _consent_log,
    _policy_standings,
    _policy_optins,
    _policy_soft_bounces,
)
