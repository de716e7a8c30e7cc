"""What is sent, and what became of each message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def _templates() -> None:
    op.create_table(
        "templates",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger()),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", "version", name=op.f("pk_templates")),
        sa.UniqueConstraint("event", name=op.f("uq_templates_event")),
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=36)),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("template_version", sa.Integer()),
        sa.Column("campaign_id", sa.BigInteger()),
        sa.Column("campaign_name", sa.String()),
        sa.Column("campaign_group", sa.String()),
        sa.Column("automation", sa.String()),
        sa.Column("run", sa.String(length=36)),
        sa.Column("job", sa.String(length=36)),
        sa.Column("request_id", sa.String()),
        sa.Column("correlation_id", sa.String()),
        sa.Column("recipient_id", sa.String()),
        sa.Column("job_category", sa.String()),
        sa.Column("topic", sa.String()),
        sa.Column("transactional", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(length=36)),
        sa.Column("subject", sa.String()),
        sa.Column("sender", sa.String()),
        sa.Column("body", sa.String()),
        sa.Column("message_id", sa.String()),
        sa.Column("via", sa.String()),
        sa.Column("response", sa.String()),
        sa.Column("size", sa.Integer()),
        sa.Column("characters", sa.Integer()),
        sa.Column("segments", sa.Integer()),
        sa.Column("country", sa.String()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.BigInteger()),
        sa.Column("bounce_code", sa.Integer()),
        sa.Column("bounce_class", sa.String(length=16)),
        sa.Column("bounce_category", sa.String()),
        sa.Column("bounce_details", sa.String()),
        sa.Column("reason", sa.String()),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", sa.BigInteger()),
        sa.Column("deferred_at", sa.BigInteger()),
        sa.Column("cancelled_at", sa.BigInteger()),
        sa.Column("suppressed_at", sa.BigInteger()),
        sa.Column("render_failed_at", sa.BigInteger()),
        sa.Column("in_doubt_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("delivered_at", sa.BigInteger()),
        sa.Column("bounced_at", sa.BigInteger()),
        sa.Column("complained_at", sa.BigInteger()),
        sa.Column("unsubscribed_at", sa.BigInteger()),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("clicked_at", sa.BigInteger()),
        sa.Column("read_seconds", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_job"), "messages", ["job"], sqlite_where=sa.text("job IS NOT NULL"))
    op.create_index(
        op.f("ix_messages_account_requested_at_id"), "messages", ["account", "requested_at", "id"]
    )
    op.create_index(
        op.f("ix_messages_account_person_requested_at"),
        "messages",
        ["account", "person", "requested_at"],
        sqlite_where=sa.text("person IS NOT NULL"),
    )


def _message_hits() -> None:
    op.create_table(
        "message_hits",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", "event", name=op.f("pk_message_hits")),
        sqlite_with_rowid=False,
    )


def _short_links() -> None:
    op.create_table(
        "short_links",
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("person", sa.String(length=36)),
        sa.Column("aggregate", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("link", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_short_links")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_short_links_message"), "short_links", ["message"])
    op.create_index(op.f("ix_short_links_person"), "short_links", ["person"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("submission", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.String()),
        sa.Column("correlation_id", sa.String()),
        sa.Column("submitted", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("error_code", sa.String()),
        sa.Column("error_message", sa.String()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("winner", sa.String()),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_account_id"), "jobs", ["account", "id"])
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"])


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("account", "prefix", "key", name=op.f("pk_records")),
    )
    op.create_index(op.f("ix_records_event"), "records", ["event"])
    op.create_index("ix_records_expires", "records", ["expires"])


TABLES = (
    _templates,
    _messages,
    _message_hits,
    _short_links,
    _jobs,
    _records,
)
