"""The audit of suppressions: every one that was added or lifted, when, why and by whom; append-only.

Written by the fold of `consent`, which owns the table. What follows by rule (a bounce, an unsubscription) has no `by`:
its `cause` is the event that led to it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Index, String, Table, and_, or_, select

from heliograph.database import METADATA
from heliograph.events.consent import Channel
from heliograph.react.state.cursors import Cursor

SUPPRESSION_LOG = Table(
    "suppression_log",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("channel", String(5), nullable=False),
    Column("address", String, nullable=False),
    Column("type", String(32), nullable=False),
    Column("change", String(7), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Column("cause", String(36)),
    Index(None, "account", "at", "event"),
    Index(None, "account", "channel", "address"),
)


class Change(NamedTuple):
    """One entry; the fields are the columns in their order. `at` in microseconds."""

    event: str
    account: str
    channel: Channel
    address: str
    type: str
    change: Literal["added", "removed"]
    at: int
    reason: str
    by: str
    cause: str | None


def page(
    connection: Connection,
    account: str,
    *,
    channel: Channel | None = None,
    address: str | None = None,
    type: str | None = None,
    before: Cursor | None = None,
    limit: int,
) -> list[Change]:
    """Up to `limit` changes of the account's suppressions, the newest first; of one channel, address or type alone."""
    table = SUPPRESSION_LOG.c
    where = [table.account == account]
    wanted = ((table.channel, channel), (table.address, address), (table.type, type))
    where += [column == value for column, value in wanted if value is not None]
    if before is not None:
        same = and_(table.at == before.at, table.event < before.id)
        where.append(or_(table.at < before.at, same))
    found = connection.execute(
        select(SUPPRESSION_LOG).where(*where).order_by(table.at.desc(), table.event.desc()).limit(limit)
    )
    return [Change(*row) for row in found]
