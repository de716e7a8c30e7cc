"""What was sent and what came back: every failure and a sample of the successes, for operators to look at.

Deliveries note here as they end; the engine writes what was noted a moment later, many at once, and keeps so many of
each feed for so many days. It is no truth, only a window: what is delivered is known by the feed's place in the journal
and by what waits or is parked. Rows go by their event when a person is erased (STD-7); what would let somebody else
speak as we do (signatures, the query of the URL) is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
)

from heliograph.clock import SECOND
from heliograph.database import METADATA
from heliograph.events.event import new_id
from heliograph.journal.consumer import Delivered, Outcome, Skipped

FAILURES, SUCCESSES = 500, 100
"""Rows kept of each feed."""

DAYS = 7
"""For which rows are kept; fewer where the account keeps its events for less."""

SAMPLE_SECONDS = 5.0
"""At most one success of a feed is kept in so many seconds."""

BURST = 50
"""Failures of one feed noted between two writings; what is beyond is counted in the metrics only."""

BODY, ANSWER = 4_096, 1_024
"""Bytes kept of what was sent and of what came back."""

DELIVERIES = Table(
    "feed_deliveries",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("feed", String, nullable=False),
    Column("event", String(36), nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("report", JSON, nullable=False),
    Index(None, "account", "feed", "delivered", "at"),
)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink did for one event: the outcome, and what went over the wire, as far as anything did."""

    outcome: Outcome
    headers: dict[str, str] = {}
    status: int | None = None
    answer_headers: Mapping[str, str] = {}
    answer: bytes = b""


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as an operator is shown it. Times in milliseconds; `why` is empty when it was delivered."""

    attempt: int
    topic: str
    endpoint: str
    outcome: str
    why: str = ""
    milliseconds: float = 0.0
    headers: dict[str, str] = {}
    body: str = ""
    status: int | None = None
    answer_headers: dict[str, str] = {}
    answer: str = ""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A report, with whose it is. `at` in microseconds."""

    id: str
    account: str
    feed: str
    event: str
    at: int
    delivered: bool
    report: Conversation


def report(
    exchange: Exchange, *, attempt: int, topic: str, endpoint: str, body: bytes, seconds: float
) -> Conversation:
    """What may be shown of an exchange."""
    outcome = exchange.outcome
    return Conversation(
        attempt=attempt,
        topic=topic,
        endpoint=endpoint.partition("?")[0],
        outcome=type(outcome).__name__.lower(),
        why="" if isinstance(outcome, Delivered | Skipped) else outcome.why,
        milliseconds=round(seconds * 1000, 1),
        headers={name: _shown(name, value) for name, value in exchange.headers.items()},
        body=body[:BODY].decode("utf-8", "replace"),
        status=exchange.status,
        answer_headers={name: _shown(name, value) for name, value in exchange.answer_headers.items()},
        answer=exchange.answer[:ANSWER].decode("utf-8", "replace"),
    )


class DeliveryLog:
    """What was noted and is not written yet; one per engine process."""

    def __init__(self) -> None:
        self._noted: list[Noted] = []
        self._sampled: dict[tuple[str, str], int] = {}
        self._failures: dict[tuple[str, str], int] = {}

    def wants(self, account: str, feed: str, outcome: Outcome, now: int) -> bool:
        """Whether this attempt is to be kept; asked before a report is made, which costs more than this."""
        of = (account, feed)
        if isinstance(outcome, Delivered):
            if now - self._sampled.get(of, 0) < SAMPLE_SECONDS * SECOND:
                return False
            self._sampled[of] = now
            return True
        seen = self._failures[of] = self._failures.get(of, 0) + 1
        return seen <= BURST

    def note(self, account: str, feed: str, event: str, now: int, made: Conversation) -> None:
        """Keep this one."""
        delivered = made.outcome == "delivered"
        self._noted.append(
            Noted(
                id=new_id(now),
                account=account,
                feed=feed,
                event=event,
                at=now,
                delivered=delivered,
                report=made,
            )
        )

    def take(self) -> Sequence[Noted]:
        """What was noted since, to be written."""
        noted, self._noted = self._noted, []
        self._failures.clear()
        return noted

    def clear(self) -> None:
        """Let go of what is not written yet: somebody was erased. It is half a second's window on failures and samples, so all
        of it goes; what of them is written is found in state (STD-7)."""
        self.take()


def write(connection: Connection, noted: Sequence[Noted]) -> None:
    """Add these, and let go of each feed's oldest beyond what is kept."""
    if not noted:
        return
    connection.execute(insert(DELIVERIES), [_row(one) for one in noted])
    for account, feed, delivered in {(one.account, one.feed, one.delivered) for one in noted}:
        of = {"of_account": account, "of_feed": feed, "of_delivered": delivered}
        last = connection.scalar(_LAST, of | {"kept": SUCCESSES if delivered else FAILURES})
        if last is not None:
            connection.execute(_BEYOND, of | {"last": last})


def expire(connection: Connection, account: str, days: int, now: int) -> None:
    """Let go of what is older. `days`: how long the account keeps its events; 0: for ever."""
    kept = min(DAYS, days) if days else DAYS
    before = now - kept * 86_400 * SECOND
    connection.execute(_OLD, {"of_account": account, "before": before})


def remove(connection: Connection, account: str, feed: str) -> None:
    """Let go of everything of a feed that is no more."""
    connection.execute(delete(DELIVERIES).where(DELIVERIES.c.account == account, DELIVERIES.c.feed == feed))


def find(
    connection: Connection,
    account: str,
    feed: str,
    *,
    delivered: bool | None = None,
    event: str | None = None,
    before: str | None = None,
    limit: int = 100,
) -> list[Noted]:
    """What is kept of a feed, the latest first. `before`: only what was noted before the one of this id."""
    query = select(DELIVERIES).where(DELIVERIES.c.account == account, DELIVERIES.c.feed == feed)
    if delivered is not None:
        query = query.where(DELIVERIES.c.delivered == delivered)
    if event is not None:
        query = query.where(DELIVERIES.c.event == event)
    if before is not None:
        query = query.where(DELIVERIES.c.id < before)
    rows = connection.execute(query.order_by(DELIVERIES.c.id.desc()).limit(limit))
    return [msgspec.convert({str(k): v for k, v in row._mapping.items()}, Noted) for row in rows]


def _row(one: Noted) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one), "report": msgspec.to_builtins(one.report)}


def _shown(name: str, value: str) -> str:
    """A header's value, unless it proves who speaks."""
    lowered = name.lower()
    secret = any(word in lowered for word in ("signature", "hmac", "authorization", "cookie"))
    return "(not kept)" if secret else value


_OF = (
    DELIVERIES.c.account == bindparam("of_account"),
    DELIVERIES.c.feed == bindparam("of_feed"),
    DELIVERIES.c.delivered == bindparam("of_delivered"),
)
_LAST = (
    select(DELIVERIES.c.at).where(*_OF).order_by(DELIVERIES.c.at.desc()).offset(bindparam("kept")).limit(1)
)
_BEYOND = delete(DELIVERIES).where(*_OF, DELIVERIES.c.at <= bindparam("last"))
_OLD = delete(DELIVERIES).where(
    DELIVERIES.c.account == bindparam("of_account"), DELIVERIES.c.at < bindparam("before")
)
