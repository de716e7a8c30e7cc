"""Tracking codes, opens, and what judging readers must not forget."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("guid", sa.String(length=8), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("merge_tag", sa.String(), nullable=False),
        sa.Column("email_type", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("custom_type", sa.String(), nullable=False),
        sa.Column("custom_data", sa.String(), nullable=False),
        sa.Column("individual", sa.Boolean(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("stopped", sa.BigInteger()),
        sa.Column("archived", sa.BigInteger()),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guid", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_account"), "campaigns", ["account"])
    op.create_index(op.f("ix_campaigns_changed"), "campaigns", ["changed"])


def _campaign_unfilled() -> None:
    op.create_table(
        "campaign_unfilled",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("guid", sa.String(length=8), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_campaign_unfilled")),
    )
    op.create_index(op.f("ix_campaign_unfilled_guid"), "campaign_unfilled", ["guid"])


def _recent_opens() -> None:
    op.create_table(
        "recent_opens",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("custom_id", sa.String(), nullable=False),
        sa.Column("custom_type", sa.String(), nullable=False),
        sa.Column("custom_data", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.Column("referrer", sa.String(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("reliable", sa.Boolean()),
        sa.Column("mail_client", sa.String(), nullable=False),
        sa.Column("mail_client_specific", sa.String(), nullable=False),
        sa.Column("rendering_engine", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_recent_opens")),
    )
    op.create_index(op.f("ix_recent_opens_recorded"), "recent_opens", ["recorded"])


def _open_reads() -> None:
    op.create_table(
        "open_reads",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(length=36)),
        sa.Column("campaign", sa.String(length=8)),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_open_reads")),
    )
    op.create_index(op.f("ix_open_reads_due"), "open_reads", ["due"])


def _judged_visits() -> None:
    op.create_table(
        "judged_visits",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("agent", sa.String(length=16), nullable=False),
        sa.Column("url", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_judged_visits")),
    )
    op.create_index("ix_judged_visits_about", "judged_visits", ["about", "at"])
    op.create_index(op.f("ix_judged_visits_at"), "judged_visits", ["at"])
    op.create_index("ix_judged_visits_place", "judged_visits", ["address", "at"])


def _judged_modes() -> None:
    op.create_table(
        "judged_modes",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("client", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(length=5), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_judged_modes")),
    )
    op.create_index(op.f("ix_judged_modes_at"), "judged_modes", ["at"])
    op.create_index(op.f("ix_judged_modes_client"), "judged_modes", ["client", "at"])


def _judged_ahead() -> None:
    op.create_table(
        "judged_ahead",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("agent", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=36)),
        sa.Column("due", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "about", name=op.f("pk_judged_ahead")),
    )
    op.create_index(op.f("ix_judged_ahead_at"), "judged_ahead", ["at"])
    op.create_index(op.f("ix_judged_ahead_due"), "judged_ahead", ["due"])


TABLES = (
    _campaigns,
    _campaign_unfilled,
    _recent_opens,
    _open_reads,
    _judged_visits,
    _judged_modes,
    _judged_ahead,
)
