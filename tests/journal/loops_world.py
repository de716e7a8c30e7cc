"""A small world for the tests of the loops: a journal that can be made to fail, state in a real file, consumers
that note what they were given."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy.event
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
)

from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, open_state
from heliograph.events.codec import encode, follow, make
from heliograph.events.commerce import ProductViewed
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent, Entry, Record, derived_id
from heliograph.journal.consumer import Act, Delivered, Fold, Outcome, Reaction
from heliograph.journal.loops import Loops
from heliograph.journal.memory import MemoryJournal

PATIENCE = 60.0
"""Seconds after which a test that waits has failed."""

ACCOUNT = "000000000001"
TABLES = MetaData()
NOTES = Table(
    "notes",
    TABLES,
    Column("fold", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("subject", String),
    Column("place", Integer),
)
TIMERS = Table("timers", TABLES, Column("cause", String, primary_key=True), Column("due", Integer))
SAID = frozenset(("custom",))
FOLLOWED = frozenset(("product.viewed",))


class WatchedJournal(MemoryJournal):
    """A journal whose entries can be looked at. Appending raises what `refuse` holds; the places in `gone` are
    read no more."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse: Exception | None = None
        self.gone: set[int] = set()

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries

    async def read(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        limit: int = 1000,
        upto: int | None = None,
    ) -> Sequence[Entry]:
        found = await super().read(after, kinds=kinds, limit=limit, upto=upto)
        return [entry for entry in found if entry.seq not in self.gone]

    async def append(self, records: Sequence[Record]) -> None:
        if self.refuse is not None:
            raise self.refuse
        await super().append(records)

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        if self.refuse is not None:
            raise self.refuse
        return await super().append_once(records)

    def names(self, kind: str = "product.viewed") -> list[str]:
        """What the events of a kind are about, in order."""
        return [said(entry.data) for entry in self.entries if entry.kind == kind]


def said(data: bytes) -> str:
    """What a test's event is about."""
    body = msgspec.json.decode(data)
    return str(body.get("name") or body.get("product_id"))


def name_of(event: AnyEvent) -> str:
    return said(event.raw)


def noting(
    name: str = "notes", bad: Callable[[str], bool] = lambda _: False, kinds: frozenset[str] = SAID
) -> Fold:
    """A fold that notes what it was given, in what order for each subject; it fails at what is `bad`."""

    def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
        for event in events:
            if bad(name_of(event)):
                raise ZeroDivisionError(name_of(event))
            mine = (NOTES.c.fold == name, NOTES.c.subject == event.subject)
            if connection.execute(select(NOTES.c.id).where(mine[0], NOTES.c.id == event.id)).first():
                continue
            place = connection.execute(select(func.count()).select_from(NOTES).where(*mine)).scalar_one()
            row = {"fold": name, "id": event.id, "subject": event.subject, "place": place}
            connection.execute(insert(NOTES), row)

    return Fold(name, kinds, (NOTES,), apply)


def following(name: str = "follow", bad: Callable[[str], bool] = lambda _: False) -> Reaction:
    """A reaction that answers each event with one of its own."""

    def decide(_: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
        if any(bad(name_of(event)) for event in events):
            raise ZeroDivisionError
        return [follow(event, ProductViewed(product_id=name_of(event)), name, now=now) for event in events]

    return Reaction(name, SAID, decide)


def waking(after: float, name: str = "wake") -> Reaction:
    """A reaction that answers each event so many seconds later, or as many as it is called; one called `cancel`
    drops what waits."""

    def decide(connection: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
        for event in events:
            if name_of(event) == "cancel":
                connection.execute(delete(TIMERS))
                continue
            wait = float(name_of(event)) if name_of(event).isdigit() else after
            connection.execute(insert(TIMERS).values(cause=event.id, due=now + int(wait * SECOND)))
        return ()

    def due(connection: Connection, now: int) -> Sequence[AnyEvent]:
        causes = connection.execute(select(TIMERS.c.cause).where(TIMERS.c.due <= now)).scalars().all()
        connection.execute(delete(TIMERS).where(TIMERS.c.due <= now))
        return [
            make(
                ProductViewed(product_id="woken"),
                account=ACCOUNT,
                subject="person:1",
                now=now,
                id=derived_id(cause, "woken"),
            )
            for cause in causes
        ]

    def next_due(connection: Connection) -> int | None:
        return connection.execute(select(func.min(TIMERS.c.due))).scalar()

    return Reaction(name, SAID, decide, due, next_due)


class Performer:
    """What an act does in these tests: notes each attempt, answers as it is told, and can be held."""

    def __init__(
        self, *answers: Outcome | Exception, by_name: dict[str, Outcome | Exception] | None = None
    ) -> None:
        self.made: list[tuple[str, int]] = []
        self.ended: list[str] = []
        self.given_up: list[tuple[str, str, int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self._answers = list(answers)
        self._by_name = by_name or {}
        self._changed = asyncio.Condition()

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        name = name_of(event)
        async with self._changed:
            self.made.append((name, attempt))
            self._changed.notify_all()
        await self.open.wait()
        self.ended.append(name)
        answer = self._answers.pop(0) if self._answers else self._by_name.get(name, Delivered())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def gave_up(self, event: AnyEvent, why: str, attempts: int) -> Sequence[AnyEvent]:
        self.given_up.append((name_of(event), why, attempts))
        return [follow(event, ProductViewed(product_id=f"gave up {name_of(event)}"), now=event.recorded)]

    def act(self, name: str = "send", **options: Any) -> Act:
        given = {"kinds": SAID, "gave_up": self.gave_up} | options
        return Act(name, perform=self.perform, **given)

    async def until(self, number: int) -> None:
        """Return when so many attempts have begun."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: len(self.made) >= number)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.made]


class World:
    """A clock, a journal, state in a file; `running` is an engine on them."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock()
        self.journal = WatchedJournal()
        self.engine = open_state(data)
        METADATA.create_all(self.engine)
        TABLES.create_all(self.engine)
        self.power = True
        self.fail_commit = 0
        sqlalchemy.event.listen(self.engine, "begin", self._begin)
        sqlalchemy.event.listen(self.engine, "commit", self._commit)

    @asynccontextmanager
    async def running(
        self,
        folds: Sequence[Fold] = (),
        reactions: Sequence[Reaction] = (),
        acts: Sequence[Act] = (),
        **following: Any,
    ) -> AsyncIterator[Loops]:
        """An engine at work. It is stopped at the end, or dies if the power was cut. `following`: where it leads, or by
        whom it is led."""
        loops = Loops(
            journal=self.journal,
            engine=self.engine,
            clock=self.clock,
            folds=folds,
            reactions=reactions,
            acts=acts,
            **following,
        )
        await loops.prepare()
        task = asyncio.create_task(loops.run())
        try:
            yield loops
        finally:
            await loops.stop(grace=0)
            await task
            self.power = True

    async def say(self, *names: str, subject: str = "person:1") -> None:
        """Record events of these names."""
        events = [
            make(Custom(name=name), account=ACCOUNT, subject=subject, now=self.clock.now()) for name in names
        ]
        await self.journal.append([encode(event) for event in events])

    def ask(self, question: Callable[[Connection], Any]) -> Any:
        """The answer to a question to state."""
        with self.engine.begin() as connection:
            return question(connection)

    def notes(self, fold: str = "notes") -> list[tuple[str, str, int]]:
        """What a noting fold remembers: id, subject and place among the subject's."""
        query = select(NOTES.c.id, NOTES.c.subject, NOTES.c.place).where(NOTES.c.fold == fold)
        return [
            tuple(row)
            for row in self.ask(lambda connection: connection.execute(query.order_by(NOTES.c.id)).all())
        ]

    def _begin(self, _: Connection) -> None:
        if not self.power:
            raise sqlite3.OperationalError("the power is cut")

    def _commit(self, _: Connection) -> None:
        if self.fail_commit:
            self.fail_commit -= 1
            raise sqlite3.OperationalError("the disk is gone")


async def settled(loops: Loops) -> None:
    """Everything is settled, soon."""
    async with asyncio.timeout(PATIENCE):
        await loops.caught_up()


async def in_time(world: World, true: Callable[[], bool]) -> None:
    """It becomes true as time goes on; for what is tried again after a pause."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await world.clock.advance(0.5)
            await asyncio.sleep(0.002)


async def soon(true: Callable[[], bool]) -> None:
    """It becomes true, soon; for what has no event to wait for."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)
