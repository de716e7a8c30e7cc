"""What became of mail, counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _report_cells() -> None:
    op.create_table(
        "report_cells",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=13), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("bounce_class", sa.String(length=16), nullable=False),
        sa.Column("mode", sa.String(length=5), nullable=False),
        sa.Column("reader", sa.String(length=16), nullable=False),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("reliable", sa.Boolean(), nullable=True),
        sa.Column("mail_client", sa.String(), nullable=False),
        sa.Column("mail_client_specific", sa.String(), nullable=False),
        sa.Column("rendering_engine", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(length=13), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_cells")),
    )


def _report_counts() -> None:
    op.create_table(
        "report_counts",
        sa.Column("origin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quarter", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cell", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "quarter", "cell", name=op.f("pk_report_counts")),
        sqlite_with_rowid=False,
    )


def _report_early() -> None:
    op.create_table(
        "report_early",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_report_early")),
    )
    op.create_index(op.f("ix_report_early_recorded"), "report_early", ["recorded"], unique=False)


def _report_messages() -> None:
    op.create_table(
        "report_messages",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_report_messages")),
        sqlite_with_rowid=False,
    )


def _report_origins() -> None:
    op.create_table(
        "report_origins",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("campaign_name", sa.String(), nullable=False),
        sa.Column("campaign_group", sa.String(), nullable=False),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("automation", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_origins")),
    )
    op.create_index(op.f("ix_report_origins_account"), "report_origins", ["account"], unique=False)


def _report_readers() -> None:
    op.create_table(
        "report_readers",
        sa.Column("origin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("about", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("who", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("by_person", sa.Integer(), nullable=False),
        sa.Column("reliable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "about", "who", name=op.f("pk_report_readers")),
        sqlite_with_rowid=False,
    )


def _report_visits() -> None:
    op.create_table(
        "report_visits",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.BigInteger(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_report_visits")),
        sqlite_with_rowid=False,
    )


TABLES = (
    _report_cells,
    _report_counts,
    _report_early,
    _report_messages,
    _report_origins,
    _report_readers,
    _report_visits,
)
