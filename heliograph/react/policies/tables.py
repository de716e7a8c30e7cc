"""What the policies must not forget, in state: decisions still on their way, and confirmations asked for.

Neither is a mirror of consent: `policy_pending` rows live until the event they stand for has come round through
the journal (milliseconds), `policy_optins` rows until the person has confirmed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from heliograph.database import METADATA

PENDING = Table(
    "policy_pending",
    METADATA,
    Column("n", Integer, primary_key=True, autoincrement=True),
    Column("event", String, nullable=False, unique=True),
    Column("account", String(12), nullable=False),
    Column("channel", String, nullable=False),
    Column("address", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("type", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_policy_pending_place", "account", "channel", "address"),
)
"""Consequences that were decided and may not be folded yet; `type` is the suppression's, else empty."""

OPTINS = Table(
    "policy_optins",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("requested_at", BigInteger, nullable=False),
    Column("ip", String, nullable=False),
    Column("source", String, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
)
"""Double opt-ins that wait: the wish's instant and origin for the proof, and when we last asked."""
