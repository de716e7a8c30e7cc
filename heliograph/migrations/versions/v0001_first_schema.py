"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _accounts()
    _consumers()
    _people()
    _consent()
    _commerce()
    _messages()
    _jobs()
    _definitions()
    _images()
    _segments()
    _reactions()
    _judgement()
    _reports()
    _texts()


def _accounts() -> None:
    """Accounts, their keys, and the keys that sign."""
    op.create_table(
        "accounts",
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("store_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent", sa.String(length=12)),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_accounts")),
        sa.UniqueConstraint("store_id", name=op.f("uq_accounts_store_id")),
    )
    op.create_table(
        "accounts_revision",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts_revision")),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("public", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
    )
    op.create_index(op.f("ix_keys_account"), "keys", ["account"])
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger()),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )


def _consumers() -> None:
    """How far consumers have come, and what they could not handle."""
    op.create_table(
        "dkim_keys",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("selector", sa.String(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger()),
        sa.PrimaryKeyConstraint("account", "domain", "selector", name=op.f("pk_dkim_keys")),
    )
    op.create_table(
        "positions",
        sa.Column("consumer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "name", name=op.f("pk_positions")),
    )
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


def _people() -> None:
    """Who is who."""
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


def _consent() -> None:
    """Who may be written to."""
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
    op.create_table(
        "marketing_pauses",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(length=5), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_marketing_pauses")),
        sqlite_with_rowid=False,
    )
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


def _commerce() -> None:
    """What the shop sells and who buys."""
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
    op.create_table(
        "product_views",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("views", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "subject", name=op.f("pk_product_views")),
        sqlite_with_rowid=False,
    )


def _messages() -> None:
    """What became of each message."""
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
    op.create_table(
        "message_hits",
        sa.Column("message", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", "event", name=op.f("pk_message_hits")),
        sqlite_with_rowid=False,
    )


def _jobs() -> None:
    """Bulk jobs; their recipients are in files of their own."""
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


def _definitions() -> None:
    """What operators defined."""
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
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_feeds")),
    )
    op.create_table(
        "feed_breakers",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "feed", name=op.f("pk_feed_breakers")),
        sqlite_with_rowid=False,
    )
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


def _images() -> None:
    """Live pictures, looks at them, and votes."""
    op.create_table(
        "images",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.Column("archived", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_index(op.f("ix_images_account"), "images", ["account"])
    op.create_table(
        "image_views",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_image_views")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "image_counts",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("variant", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "variant", "reader", name=op.f("pk_image_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "votes",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.Column("voter", sa.String(), nullable=False),
        sa.Column("visitor", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("rushed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_votes")),
    )
    op.create_index("ix_votes_voter", "votes", ["image", "voter", "at"])
    op.create_index("ix_votes_visitor", "votes", ["image", "visitor", "at"])
    op.create_table(
        "ballots",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("voter", sa.String(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "voter", name=op.f("pk_ballots")),
    )
    op.create_table(
        "vote_tallies",
        sa.Column("image", sa.String(length=25), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("image", "option", name=op.f("pk_vote_tallies")),
        sqlite_with_rowid=False,
    )


def _segments() -> None:
    """What conditions ask of people."""
    op.create_table(
        "segments",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("who", sa.JSON(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_segments")),
        sqlite_with_rowid=False,
    )
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


def _reactions() -> None:
    """What automations and policies must not forget."""
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
    op.create_index("ix_automation_runs_object", "automation_runs", ["object", "automation"])
    op.create_index("ix_automation_runs_person", "automation_runs", ["person", "automation", "key"])
    op.create_index(
        "ix_automation_runs_state", "automation_runs", ["account", "automation", "state", "version"]
    )
    op.create_index(op.f("ix_automation_runs_trigger"), "automation_runs", ["trigger"])
    op.create_table(
        "automation_timers",
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_automation_timers")),
    )
    op.create_index(op.f("ix_automation_timers_due"), "automation_timers", ["due"])
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
    op.create_table(
        "policy_soft_bounces",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("account", "channel", "address", name=op.f("pk_policy_soft_bounces")),
    )


def _judgement() -> None:
    """What judging readers must not forget, and what waits for its verdict."""
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
    op.create_table(
        "certificates",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
    )
    op.create_table(
        "topics",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_topics")),
    )
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
    op.create_table(
        "campaign_unfilled",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("guid", sa.String(length=8), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_campaign_unfilled")),
    )
    op.create_index(op.f("ix_campaign_unfilled_guid"), "campaign_unfilled", ["guid"])
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


def _reports() -> None:
    """What became of mail, counted."""
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
    op.create_table(
        "report_counts",
        sa.Column("origin", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("quarter", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cell", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "quarter", "cell", name=op.f("pk_report_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report_early",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_report_early")),
    )
    op.create_index(op.f("ix_report_early_recorded"), "report_early", ["recorded"], unique=False)
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


def _texts() -> None:
    """Devices that are pushed to, and short links."""
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
