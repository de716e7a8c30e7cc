"""The log that proves consent: append-only, one entry for whatever somebody said or wished (STD-7).

Written by the fold of `consent`, which owns the table.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, String, Table, select

from heliograph.database import METADATA
from heliograph.react.state.spelling import Spelling

CONSENT_LOG = Table(
    "consent_log",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("channel", String(5), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("address", String, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("opted_in", Boolean),
    Column("at", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("ip", String, nullable=False),
    Column("optin_ip", String, nullable=False),
    Column("requested_at", BigInteger),
    Column("confirmed_at", BigInteger),
    Column("text_version", String, nullable=False),
    Column("message", String(36)),
    Column("reason", String, nullable=False),
    Index(None, "account", "channel", "address"),
)
"""Append-only proof (STD-7): who said what, when, from where, to which text. `opted_in` is None for a wish that
still waits for its confirmation."""


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; the fields are the columns in their order."""

    event: str
    channel: str
    account: str
    address: str
    kind: str
    opted_in: bool | None = None
    at: int
    source: str = ""
    ip: str = ""
    optin_ip: str = ""
    requested_at: int | None = None
    confirmed_at: int | None = None
    text_version: str = ""
    message: str | None = None
    reason: str = ""


def log(connection: Connection, account: str, channel: str, address: str) -> list[dict[str, Any]]:
    """What is on record about the consent of an address, in the order of time."""
    wanted = Spelling(connection).forms(account, address) if channel == "email" else [address]
    found = connection.execute(
        select(CONSENT_LOG)
        .where(
            CONSENT_LOG.c.account == account,
            CONSENT_LOG.c.channel == channel,
            CONSENT_LOG.c.address.in_(wanted),
        )
        .order_by(CONSENT_LOG.c.at, CONSENT_LOG.c.event)
    )
    return [dict(row._mapping) for row in found]
