"""Which feeds' circuit breakers are not closed, for whoever asks from another process: the API, the command line.

A breaker itself is in the memory of the process that delivers (`journal.breaker`); that process writes here what has changed, a moment
later. A feed that has no row is closed, so a start begins with an empty table.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, String, Table, delete, insert, select

from heliograph.database import METADATA
from heliograph.journal.breaker import State
from heliograph.journal.state_writer import StateWriter

BREAKERS = Table(
    "feed_breakers",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("feed", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

Of = tuple[str, str]
"""Account and feed."""


class Held(NamedTuple):
    """A breaker that is not closed, and since when it has not been (microseconds)."""

    state: Literal["half_open", "open"]
    since: int


class BreakerLog:
    """What is said of them; one per process that delivers. It does not know what the one before it wrote until its first time."""

    def __init__(self) -> None:
        self._held: Mapping[Of, Held] = {}
        self._written: Mapping[Of, Held] | None = None

    async def say(self, standing: Mapping[Of, State], now: int, writer: StateWriter) -> None:
        """Write how they stand now, where that is not written already. What cannot be written is written the next time."""
        held = self._held = {
            of: Held(state, self._held[of].since if of in self._held else now)
            for of, state in standing.items()
            if state != "closed"
        }
        if held != self._written:
            await writer.run(partial(write, held=held))
            self._written = held


def write(connection: Connection, held: Mapping[Of, Held]) -> None:
    """These breakers are not closed, all others are."""
    connection.execute(delete(BREAKERS))
    if held:
        rows = [{"account": account, "feed": feed, **one._asdict()} for (account, feed), one in held.items()]
        connection.execute(insert(BREAKERS), rows)


def find(connection: Connection, account: str, feed: str) -> Held | None:
    """A feed's breaker; None when it is closed."""
    of = (BREAKERS.c.account == account, BREAKERS.c.feed == feed)
    row = connection.execute(select(BREAKERS.c.state, BREAKERS.c.since).where(*of)).first()
    return None if row is None else Held(*row)
