"""How far each consumer has come, in state beside its effects.

A fold's or a reaction's position is written in the transaction of its effects. An act's effects are in the
world, so its position follows them: it is kept in memory and written soon after, many moves at once; a crash
between repeats what was done since (at least once). A fold that has nothing to do with what it passes moves in
memory too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Connection, String, Table, bindparam, insert, select, update

from heliograph.clock import Clock
from heliograph.database import METADATA, Change
from heliograph.journal.state_writer import StateWriter

FOLD, REACTION, ACT = "fold", "reaction", "act"

WRITE_AFTER = 0.1
"""Seconds for which moves in memory are gathered: what a crash may repeat, against one flush for each."""

POSITIONS = Table(
    "positions",
    METADATA,
    Column("consumer", String, primary_key=True),  # fold, reaction or act
    Column("name", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # everything up to here is settled
)


class Who(NamedTuple):
    """A consumer: `fold`, `reaction` or `act`, and its name."""

    consumer: str
    name: str


class Moved(Exception):
    """A position in state is not where this process left it: somebody else started it over."""


_MOVE = Change(
    update(POSITIONS)
    .where(
        POSITIONS.c.consumer == bindparam("of_consumer"),
        POSITIONS.c.name == bindparam("of_name"),
        POSITIONS.c.seq.between(bindparam("from_seq"), bindparam("to_seq")),
    )
    .values(seq=bindparam("to_seq"))
)


def load(connection: Connection) -> dict[Who, int]:
    """All positions."""
    rows = connection.execute(select(POSITIONS.c.consumer, POSITIONS.c.name, POSITIONS.c.seq))
    return {Who(consumer, name): seq for consumer, name, seq in rows}


def enroll(connection: Connection, starts: Mapping[Who, int]) -> dict[Who, int]:
    """All positions, after those that are seen for the first time were given their start."""
    known = load(connection)
    new = {who: start for who, start in starts.items() if who not in known}
    if new:
        rows = [{"consumer": who.consumer, "name": who.name, "seq": seq} for who, seq in new.items()]
        connection.execute(insert(POSITIONS), rows)
    return known | new


def move(connection: Connection, moves: Mapping[Who, tuple[int, int]]) -> bool:
    """Write new positions (from, to). False when one is not between: it stays as it is."""
    rows = [
        {"of_consumer": who.consumer, "of_name": who.name, "from_seq": old, "to_seq": new}
        for who, (old, new) in moves.items()
    ]
    return not rows or _MOVE.many(connection, rows) == len(rows)


class Positions:
    """Positions as the engine process knows them: where each stands, and what of it is written."""

    def __init__(self, writer: StateWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock
        self._at: dict[Who, int] = {}
        self._written: dict[Who, int] = {}
        self._unwritten = asyncio.Event()
        self.on_move: Callable[[], None] = lambda: None

    async def enroll(self, starts: Mapping[Who, int]) -> None:
        """Find each one's place in state, or give it its start there."""
        known = await self._writer.run(lambda connection: enroll(connection, starts))
        for who in starts:
            self._at[who] = self._written[who] = known[who]

    def at(self, who: Who) -> int:
        """Where it stands; -1 before it was enrolled."""
        return self._at.get(who, -1)

    def written(self, who: Who) -> int:
        """Where it stands in state, at least; -1 before it was enrolled."""
        return self._written.get(who, -1)

    def step(self, who: Iterable[Who], seq: int) -> dict[Who, tuple[int, int]]:
        """What `move` has to write so that these stand at `seq`."""
        return {one: (self._written[one], seq) for one in who}

    def note(self, moves: Mapping[Who, tuple[int, int]]) -> None:
        """These moves are in state."""
        for who, (_, seq) in moves.items():
            self._at[who] = self._written[who] = seq
        self.on_move()

    def restart(self, who: Who) -> None:
        """It was put before the first event, in state."""
        self._at[who] = self._written[who] = 0
        self.on_move()

    def move(self, who: Who, seq: int) -> None:
        """It stands here now; to be written soon."""
        if self._at[who] == seq:
            return
        self._at[who] = seq
        self._unwritten.set()
        self.on_move()

    async def flush(self) -> None:
        """Write what stands in memory only."""
        self._unwritten.clear()
        moves = {who: (self._written[who], seq) for who, seq in self._at.items() if seq != self._written[who]}
        if not moves:
            return
        try:
            await self._writer.run(lambda connection: move(connection, moves))
        except Exception:
            self._unwritten.set()
            raise
        for who, (_, seq) in moves.items():
            self._written[who] = max(seq, self._written[who])

    async def keep(self) -> None:
        """Write moves for ever, soon after they were made."""
        while True:
            await self._unwritten.wait()
            await self._clock.sleep(WRITE_AFTER)
            await self.flush()
