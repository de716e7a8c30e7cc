"""The job: what was recorded longer ago than an account's `retention_days` goes into the archive, day by day, and
then out of the journal.

Whole UTC days by `recorded`, so that what came in late is not gone the day it came. Nothing is removed that a
fold, a reaction, an act or a feed (a paused one, too) has not passed, nor the history of anything that waits for
another attempt or is parked. A step is at most `PORTION` events of one day: noted (`.moving`), written, removed.
Wherever it is cut short, the next run goes on with the same events and the same file.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from sqlalchemy import BindParameter, Connection, Engine, bindparam, select, union

from heliograph.accounts.model import Account
from heliograph.clock import SECOND
from heliograph.events.event import Entry
from heliograph.events.jobs import RecordPut
from heliograph.journal import positions
from heliograph.journal.journal import Journal
from heliograph.journal.parked import PARKED, RETRIES
from heliograph.journal.places import SKEW
from heliograph.journal.positions import ACT
from heliograph.outbound.feeds.subscription import act_name
from heliograph.porting import tables
from heliograph.react.state import definitions, portraits, records
from heliograph.react.state.persons import IDENTITIES, PERSONS
from heliograph.retention import archive as files
from heliograph.retention.archive import Archive, Moving
from heliograph.retention.kept import REMOVABLE, says_who

FEED = "feed:"
"""How the names of feeds' acts begin."""

T = TypeVar("T")

DAY = 86_400 * SECOND
PAGE = 1_000
PORTION = 50_000
"""Events of one file at most: their places are held in memory, and noted."""

NOBODY = ""


class Limit(NamedTuple):
    """Everything up to this place is settled; `by` is who stands there."""

    place: int
    by: str


class Done(NamedTuple):
    """What a run did: how many events went out of the journal and into which files; how many are old enough and
    have to wait, and for whom."""

    removed: int = 0
    files: tuple[str, ...] = ()
    waiting: int = 0
    by: str = NOBODY


@dataclass(slots=True)
class _Portion:
    """Events of one day that may go, and what was seen while they were looked for, up to place `reached`."""

    day: str = ""
    places: list[int] = field(default_factory=list)
    waiting: int = 0
    reached: int = 0
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Carries it out. `state` is only read."""

    journal: Journal
    state: Engine
    archive: Archive

    async def run(self, account: Account, now: int) -> Done:
        """Everything of this account whose days are over is archived and removed. Raises `OperatorError` where a
        file cannot be written, `Unavailable` where the journal cannot be changed now; calling it again goes on."""
        async with self._alone():
            done = await self._go_on(account.number)
        if account.policy.retention_days == 0:
            return done
        before = first_kept(account, now)
        limit = await asyncio.to_thread(self._ask, limit_of)
        limit = limit._replace(place=min(limit.place, await self.journal.head() - 1))
        busy = await self._busy(account.number)
        portion = _Portion()
        while not portion.last:
            async with self._alone():
                portion = await self._find(account.number, portion.reached, before, limit.place, busy)
                moved = await self._move(account, portion, before)
            waiting = done.waiting + portion.waiting
            by = limit.by if waiting else NOBODY
            done = Done(done.removed + moved.removed, done.files + moved.files, waiting, by)
        return done

    async def _move(self, account: Account, portion: _Portion, before: int) -> Done:
        """Have a portion in the archive, if the account wants one, and out of the journal."""
        number, places = account.number, portion.places
        if not places:
            return Done()
        if not account.policy.archive:
            return Done(await self.journal.remove(places, account=number, before=before))
        name = await asyncio.to_thread(self.archive.next_name, number, portion.day)
        await asyncio.to_thread(self.archive.begin, number, Moving(name, before, places))
        return await self._go_on(number)

    async def _go_on(self, account: str) -> Done:
        """Do what is noted: write the file, if it is not there, then remove what is in it."""
        moving = await asyncio.to_thread(self.archive.moving, account)
        if moving is None:
            return Done()
        file = self.archive.path(account, moving.file)
        if not file.exists():
            pages = self._pages(moving.places, asyncio.get_running_loop())
            await asyncio.to_thread(files.write, file, pages)
        removed = await self.journal.remove(moving.places, account=account, before=moving.before)
        await asyncio.to_thread(self.archive.end, account)
        return Done(removed, (moving.file,))

    def _pages(self, places: Sequence[int], loop: asyncio.AbstractEventLoop) -> Iterator[tables.Page]:
        """The rows in these places, for a thread that writes them."""
        wanted, after = frozenset(places), places[0] - 1
        while after < places[-1]:
            reading = self.journal.read(after, kinds=REMOVABLE, limit=PAGE)
            entries = asyncio.run_coroutine_threadsafe(reading, loop).result()
            yield [tables.event(entry) for entry in entries if entry.seq in wanted]
            after = entries[-1].seq if entries else places[-1]

    async def _find(
        self, account: str, after: int, before: int, limit: int, busy: Collection[str]
    ) -> _Portion:
        found = _Portion(reached=after)
        async for entries in self._old(after, before):
            own = [one for one in entries if one.account == account and one.recorded < before]
            free = {
                one.seq for one in await asyncio.to_thread(self._ask, lambda c, own=own: removable(c, own))
            }
            for entry in own:
                if entry.seq in free and (entry.seq > limit or entry.subject in busy):
                    found.waiting += 1
                elif entry.seq in free:
                    day = files.day_of(entry.recorded)
                    if found.places and (day != found.day or len(found.places) == PORTION):
                        return found
                    found.day = day
                    found.places.append(entry.seq)
                found.reached = entry.seq
        found.last = True
        return found

    async def _old(self, after: int, before: int) -> AsyncIterator[Sequence[Entry]]:
        """What may be old enough, in order; `recorded` goes back where somebody set the machine's clock."""
        while entries := await self.journal.read(after, kinds=REMOVABLE, limit=PAGE):
            yield entries
            after = entries[-1].seq
            if entries[-1].recorded > before + SKEW:
                return

    async def _busy(self, account: str) -> frozenset[str]:
        """The subjects of everything that waits for another attempt or is parked: who tries again reads what was
        done before."""
        subjects: set[str] = set()
        for seq in await asyncio.to_thread(self._ask, lambda c: c.scalars(_CASES, {"of": account}).all()):
            found = await self.journal.read(seq - 1, limit=1)
            subjects.update(entry.subject for entry in found if entry.seq == seq)
        return frozenset(subjects)

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Be the only one to change the archive: an erasure waits for a portion at most, and the other way round."""
        lock = self.archive.locked()
        await asyncio.to_thread(lock.__enter__)
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        with self.state.connect() as connection:
            return question(connection)


def first_kept(account: Account, now: int) -> int:
    """The midnight (UTC) from which on an account's events are kept."""
    return (now - account.policy.retention_days * DAY) // DAY * DAY


def limit_of(connection: Connection) -> Limit:
    """How far everybody has come who reads the journal: folds, reactions, acts, and feeds that are not removed."""
    feeds = {act_name(feed) for feed in definitions.feeds(connection)}
    standing = [
        Limit(place, f"{who.consumer} {who.name}")
        for who, place in positions.load(connection).items()
        if who.consumer != ACT or not who.name.startswith(FEED) or who.name in feeds
    ]
    return min(standing, default=Limit(0, "the first start of the engine"))


def removable(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Those that say nothing of a person which a replay needs, and put no record that still stands. The event by which
    somebody came gave them their id."""
    asked = [entry.id for entry in entries if entry.kind in portraits.KINDS]
    needed = set(connection.scalars(_CAME, {"ids": asked})) if asked else set()
    put = [entry.id for entry in entries if entry.kind == RecordPut.kind]
    needed |= records.standing(connection, put) if put else set()
    return [entry for entry in entries if entry.id not in needed and not says_who(entry)]


_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_CAME = union(
    select(PERSONS.c.id).where(PERSONS.c.id.in_(_IDS)),
    select(IDENTITIES.c.value).where(IDENTITIES.c.kind == "person", IDENTITIES.c.value.in_(_IDS)),
)
_CASES = union(
    *(select(table.c.seq).where(table.c.account == bindparam("of")) for table in (RETRIES, PARKED))
)
