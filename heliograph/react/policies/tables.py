"""What the policies must not forget, in state: what they have heard and decided, and confirmations asked for.

`policy_standings` is no copy of consent's fold but the other side of it: the fold has what was announced and may
be ahead of the event that is being decided, or, after a crash, have the very announcements that are about to be
decided again. A decision rests on what was decided before it, and on nothing that follows from it.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, String, Table

from heliograph.database import METADATA

STANDINGS = Table(
    "policy_standings",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("opt_in", Boolean),
    Column("said_at", BigInteger, nullable=False),
    Column("suppressions", JSON, nullable=False),
)
"""Where each place stands: the last yes or no and when it was said, and each suppression with its instant."""

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

SOFT_BOUNCES = Table(
    "policy_soft_bounces",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("messages", JSON, nullable=False),
)
"""What has bounced softly at each place since something last arrived there: message -> instant."""
