"""Who is who, what they did, and what conditions ask of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _persons() -> None:
    op.create_table(
        "persons",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("customer_id", sa.String()),
        sa.Column("phone", sa.String()),
        sa.Column("first_name", sa.String()),
        sa.Column("last_name", sa.String()),
        sa.Column("gender", sa.String(length=1)),
        sa.Column("accepts_marketing", sa.Boolean()),
        sa.Column("accepts_tracking", sa.Boolean()),
        sa.Column("tracking_at", sa.BigInteger()),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger()),
        sa.Column("said", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_index(op.f("ix_persons_account_created_id"), "persons", ["account", "created", "id"])


def _identities() -> None:
    op.create_table(
        "identities",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "kind", "value", name=op.f("pk_identities")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_identities_person"), "identities", ["person"])


def _coincidences() -> None:
    op.create_table(
        "coincidences",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("other", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("event", "other", name=op.f("pk_coincidences")),
        sqlite_with_rowid=False,
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("requested", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger()),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_person"), "erasures", ["person"])


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("registered", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "device", name=op.f("pk_devices")),
        sqlite_with_rowid=False,
    )


def _engagement() -> None:
    op.create_table(
        "engagement",
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_engagement")),
        sqlite_with_rowid=False,
    )


def _segments() -> None:
    op.create_table(
        "segments",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("who", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_segments")),
        sqlite_with_rowid=False,
    )


TABLES = (
    _persons,
    _identities,
    _coincidences,
    _erasures,
    _devices,
    _engagement,
    _segments,
)
