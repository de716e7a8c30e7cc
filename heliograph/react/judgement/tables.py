"""What judging must not forget: visits for an hour, and what was fetched ahead for three days. In state.

Both are bounded by time and cleaned by a timer. They are no fold: what was decided rests on them, not on what a
replay might make of later rules.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from heliograph.database import METADATA

VISITS = Table(
    "judged_visits",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("subject", String, nullable=False),
    Column("kind", String(5), nullable=False),
    Column("about", String, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("address", String, nullable=False),
    Column("agent", String(16), nullable=False),
    Column("url", String(16), nullable=False),
    Column("name", String, nullable=False),
    Column("verdict", Text, nullable=False),
    Index("ix_judged_visits_about", "about", "at"),
    Index("ix_judged_visits_place", "address", "at"),
)
"""Recent visits: what `evidence.Seen` has. User-Agent and URL are digests; `verdict` is JSON."""

AHEAD = Table(
    "judged_ahead",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("about", String, primary_key=True),
    Column("event", String(36), nullable=False),
    Column("subject", String, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("address", String, nullable=False),
    Column("agent", String(16), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("by", String(36)),
    Column("due", BigInteger, index=True),
)
"""The first open of a message that was fetched ahead. `by`: a person's visit that came later; `due`: when that counts,
if nothing has been found out about it until then; null before and after."""
