"""What automations are, and what their runs must not forget."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _automations() -> None:
    op.create_table(
        "automations",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("removed", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_automations")),
        sa.UniqueConstraint("account", "id", name=op.f("uq_automations_account_id")),
    )


def _automation_versions() -> None:
    op.create_table(
        "automation_versions",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", "version", name=op.f("pk_automation_versions")),
        sa.UniqueConstraint("event", name=op.f("uq_automation_versions_event")),
    )


def _automation_runs() -> None:
    op.create_table(
        "automation_runs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("automation", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("chain", sa.JSON(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("trigger", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_runs")),
    )
    op.create_index("ix_automation_runs_key", "automation_runs", ["person", "automation", "key"])
    op.create_index(
        "ix_automation_runs_object",
        "automation_runs",
        ["object", "account"],
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_automation_runs_person",
        "automation_runs",
        ["person", "account"],
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_automation_runs_state", "automation_runs", ["account", "automation", "state", "version"]
    )
    op.create_index(
        "ix_automation_runs_trigger", "automation_runs", ["trigger"], sqlite_where=sa.text("state = 'open'")
    )


def _automation_timers() -> None:
    op.create_table(
        "automation_timers",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_automation_timers")),
    )
    op.create_index(op.f("ix_automation_timers_due"), "automation_timers", ["due"])


def _automation_wanted() -> None:
    op.create_table(
        "automation_wanted",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("person", sa.String(length=36), nullable=False),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_automation_wanted")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_automation_wanted_person", "automation_wanted", ["person", "at"])


def _automation_held() -> None:
    op.create_table(
        "automation_held",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=36)),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("settles", sa.BigInteger()),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation_held")),
    )
    op.create_index(op.f("ix_automation_held_expires"), "automation_held", ["expires"])
    op.create_index(op.f("ix_automation_held_settles"), "automation_held", ["settles"])


TABLES = (
    _automations,
    _automation_versions,
    _automation_runs,
    _automation_timers,
    _automation_wanted,
    _automation_held,
)
