"""How far consumers have come, and what they could not handle."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _positions() -> None:
    op.create_table(
        "positions",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "name", name=op.f("pk_positions")),
    )


def _retries() -> None:
    op.create_table(
        "retries",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("spared", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "name", "seq", name=op.f("pk_retries")),
    )
    op.create_index(op.f("ix_retries_consumer_name_due"), "retries", ["consumer", "name", "due"])


def _parked() -> None:
    op.create_table(
        "parked",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "name", "seq", name=op.f("pk_parked")),
    )


TABLES = (
    _positions,
    _retries,
    _parked,
)
