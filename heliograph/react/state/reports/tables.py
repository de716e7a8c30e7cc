"""The tables of reports, and their rows as structs.

Counts are what reports are made of, and stay. The others are what is needed to count each thing once and to move a
count when a verdict changes: a row for each message, visit and reader. They name people by a digest alone, and go when
somebody is erased.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Integer, String, Table

from heliograph.database import METADATA

ORIGINS = Table(
    "report_origins",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String(12), nullable=False, index=True),
    Column("channel", String(5), nullable=False),
    Column("campaign", String, nullable=False),
    Column("campaign_name", String, nullable=False),
    Column("campaign_group", String, nullable=False),
    Column("job", String, nullable=False),
    Column("automation", String, nullable=False),
    Column("template", String, nullable=False),
    Column("code", String, nullable=False),
)
"""What mail belongs to, each combination once; `code` is a tracking code's GUID. Blank for what it has none of."""

CELLS = Table(
    "report_cells",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("what", String(13), nullable=False),
    Column("detail", String, nullable=False),
    Column("bounce_class", String(16), nullable=False),
    Column("mode", String(5), nullable=False),
    Column("reader", String(16), nullable=False),
    Column("by_person", Boolean, nullable=False),
    Column("reliable", Boolean),
    Column("mail_client", String, nullable=False),
    Column("mail_client_specific", String, nullable=False),
    Column("rendering_engine", String, nullable=False),
    Column("platform", String, nullable=False),
    Column("seconds", Integer),
    Column("category", String(13), nullable=False),
)
"""What is known of a thing that is counted (`cells.Cell`)."""

COUNTS = Table(
    "report_counts",
    METADATA,
    Column("origin", BigInteger, primary_key=True, autoincrement=False),
    Column("quarter", BigInteger, primary_key=True, autoincrement=False),
    Column("cell", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How often; `quarter` in quarters of an hour since the epoch, UTC."""

MESSAGES = Table(
    "report_messages",
    METADATA,
    Column("message", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("origin", BigInteger, nullable=False),
    Column("who", BigInteger, nullable=False),
    Column("seen", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Whose and to whom a message was; `seen` has a bit for each thing that was counted of it (`cells.LIFE`)."""

VISITS = Table(
    "report_visits",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("origin", BigInteger, nullable=False),
    Column("quarter", BigInteger, nullable=False),
    Column("cell", BigInteger, nullable=False),
    Column("who", BigInteger),
    sqlite_with_rowid=False,
)
"""In which cell an open, click, print or forward was counted, by its event; `who` None where nobody is named."""

EARLY = Table(
    "report_early",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("cell", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False, index=True),
)
"""What is known of a visit that is not known itself yet; let go of after `counting.PATIENCE`."""

READERS = Table(
    "report_readers",
    METADATA,
    Column("origin", BigInteger, primary_key=True, autoincrement=False),
    Column("about", BigInteger, primary_key=True, autoincrement=False),
    Column("who", BigInteger, primary_key=True, autoincrement=False),
    Column("total", Integer, nullable=False),
    Column("by_person", Integer, nullable=False),
    Column("reliable", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Who opened, who clicked, who clicked which link: how often, how often as a person, how often reliably. `about` is
the cell of just that (`cells.about`)."""


class MessageRow(msgspec.Struct, gc=False):
    """A row of `report_messages`."""

    message: str
    account: str
    origin: int
    who: int
    seen: int


class VisitRow(msgspec.Struct, gc=False):
    """A row of `report_visits`."""

    event: str
    account: str
    origin: int
    quarter: int
    cell: int
    who: int | None


class EarlyRow(msgspec.Struct, gc=False):
    """A row of `report_early`."""

    event: str
    account: str
    cell: int
    recorded: int


class ReaderRow(msgspec.Struct, gc=False):
    """A row of `report_readers`."""

    origin: int
    about: int
    who: int
    total: int = 0
    by_person: int = 0
    reliable: int = 0
