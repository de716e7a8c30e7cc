"""The journal as every process but its owner has it: appends go to the owner, reads to the file.

    journal = await RemoteJournal.connect(data, queue_limit=..., queue_bytes=...)

All that waits goes in one frame, a few frames are on their way at once, and each is answered when it is on disk.
When the owner goes away, what was on its way fails as `Unavailable` (it may be recorded or not; nothing that was
acknowledged is lost), what had not been sent waits for the next owner for a short while, and the connection is
made again by itself. Reading and waiting go on meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from heliograph.errors import OperatorError, Unavailable
from heliograph.events.event import Entry, Record
from heliograph.journal.frames import (
    SOCKET,
    Alter,
    Answer,
    Erase,
    Follow,
    Framed,
    Remove,
    Sealed,
    error_of,
    outcome_of,
    seal,
)
from heliograph.journal.head import HeadWatch
from heliograph.journal.intake import Intake, Line, Parcel, only_derived, size_of
from heliograph.journal.journal import Rewrite
from heliograph.journal.reading import JournalReader
from heliograph.journal.sqlite import QUEUE_BYTES, QUEUE_LIMIT

log = logging.getLogger(__name__)

ON_THE_WAY = 4
"""Frames sent and not yet answered: more only makes them smaller."""

PATIENCE = 2.0
"""Seconds that events wait for an owner that went away before they are refused: a restart takes less."""

LAST_ANSWER = 10.0
"""Seconds that closing waits for what is on its way."""

BACKOFF = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Seconds between attempts to connect; the last one again and again."""

LOOK = 1.0
"""Seconds between looks at the file while waiting, should the owner not be there to tell."""

REWRITES = 200
"""Places of one frame: an entry may have a megabyte."""

REMOVALS = 5_000
"""Places of one frame that are to be removed."""

LOST = "the process that writes the journal went away; the events on their way may be recorded or not"
AWAY = "the process that writes the journal is not there"

_decode = msgspec.msgpack.Decoder(Answer).decode


class RemoteJournal:
    """A `Journal`. Made by `connect`; all calls come from the event loop that made it."""

    def __init__(self, data: Path, socket: Path, queue_limit: int, queue_bytes: int) -> None:
        self._socket = socket
        self._reader = JournalReader(data)
        self._watch = HeadWatch()
        self._line: Line[msgspec.Raw] = Line()
        self._intake: Intake[msgspec.Raw] = Intake(
            self._line_up, queue_limit=queue_limit, queue_bytes=queue_bytes
        )
        self._link: Framed | None = None
        self._linked = asyncio.Event()
        self._gone = asyncio.Event()
        self._gone.set()
        self._number = 0
        self._sent: dict[int, list[Parcel[msgspec.Raw]]] = {}
        self._erasures: dict[int, asyncio.Future[int]] = {}
        self._following = 0
        self._giving_up: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def connect(
        cls,
        data: Path,
        *,
        socket: Path | None = None,
        queue_limit: int = QUEUE_LIMIT,
        queue_bytes: int = QUEUE_BYTES,
        patience: float = 15.0,
    ) -> RemoteJournal:
        """The journal in this directory, through its owner's socket (None: where owners put it). Raises
        `OperatorError` when no owner was there for `patience` seconds."""
        journal = cls(data, socket or data / SOCKET, queue_limit, queue_bytes)
        journal._keeping = asyncio.get_running_loop().create_task(journal._keep())
        try:
            async with asyncio.timeout(patience):
                await journal._linked.wait()
        except TimeoutError as error:
            await journal.close()
            raise OperatorError(
                f"nobody serves the journal at {journal._socket}: start `heliograph serve` first"
            ) from error
        return journal

    @property
    def waiting(self) -> int:
        """Events that are not acknowledged yet."""
        return self._intake.rows

    @property
    def refused(self) -> int:
        """Appends refused since the start because the queue was full or the owner away."""
        return self._intake.refused

    async def append(self, records: Sequence[Record]) -> None:
        """As `Journal.append`. `Unavailable` also when the owner went away: the events may be recorded then."""
        if records:
            await self._intake.put(seal(records, False), len(records), size_of(records))

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        """As `Journal.append_once`. When `Unavailable`, asking again records nothing twice."""
        only_derived(records)
        if not records:
            return []
        return await self._intake.put(seal(records, True), len(records), size_of(records)) or []

    async def read(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        limit: int = 1000,
        upto: int | None = None,
    ) -> Sequence[Entry]:
        """As `Journal.read`. Fewer than `limit`, but never none, where the data are many megabytes."""
        return await self._reader.read(after, kinds=kinds, limit=limit, upto=upto)

    async def of(self, subjects: Sequence[str], *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """As `Journal.of`. The first call on a large journal takes a while: the index is made."""
        return await self._reader.of(subjects, after=after, limit=limit)

    async def latest(
        self, subjects: Sequence[str], *, account: str, before: int | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """As `Journal.latest`."""
        return await self._reader.latest(subjects, account=account, before=before, limit=limit)

    async def find(self, event_id: str, subjects: Sequence[str], *, account: str) -> Entry | None:
        """As `Journal.find`."""
        return await self._reader.find(event_id, subjects, account=account)

    async def mentions(self, words: Sequence[str], *, account: str) -> Sequence[int]:
        """As `Journal.mentions`."""
        return await self._reader.mentions(words, account=account)

    async def redact(self, subjects: Sequence[str], *, account: str, replacement: str) -> int:
        """As `Journal.redact`; done by the owner. Asking again after `Unavailable` finishes it."""
        return await self._have_erased(Erase(self._next(), account, list(subjects), replacement))

    async def rewrite(self, changes: Sequence[Rewrite], *, account: str) -> int:
        """As `Journal.rewrite`; done by the owner. Asking again after `Unavailable` finishes it."""
        done = 0
        for start in range(0, len(changes), REWRITES):
            piece = list(changes[start : start + REWRITES])
            done += await self._have_erased(Alter(self._next(), account, piece))
        return done

    async def remove(self, places: Sequence[int], *, account: str, before: int) -> int:
        """As `Journal.remove`; done by the owner. Asking again after `Unavailable` finishes it."""
        done = 0
        for start in range(0, len(places), REMOVALS):
            piece = list(places[start : start + REMOVALS])
            done += await self._have_erased(Remove(self._next(), account, piece, before))
        return done

    async def _have_erased(self, asked: Erase | Alter | Remove) -> int:
        if self._link is None:
            raise Unavailable(AWAY)
        number = asked.number
        self._erasures[number] = asyncio.get_running_loop().create_future()
        try:
            self._link.send(asked)
            return await self._erasures[number]
        finally:
            del self._erasures[number]

    async def head(self) -> int:
        """The `seq` of the last entry; 0 when empty."""
        return await self._reader.head()

    async def wait(self, after: int, timeout: float) -> int:
        """As `Journal.wait`: the owner tells; the file is looked at now and then, should it not be there."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while (left := end - loop.time()) > 0 and self._watch.head <= after and not self._closed:
            moved = self._watch.above(after)
            self._follow()
            try:
                await asyncio.wait({moved}, timeout=min(left, LOOK))
            finally:
                moved.cancel()
            if self._watch.head <= after and not self._closed:
                self._watch.move(await self._reader.head())
        return self._watch.head

    async def close(self) -> None:
        """As `Journal.close`; what the owner does not take within moments fails as `Unavailable`."""
        if self._closed:
            return
        self._closed = True
        self._intake.shut("the journal is being closed")
        await self._drain()
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        if self._link is not None:
            self._link.close()
            await self._gone.wait()
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._watch.close()
        await self._reader.close()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(LAST_ANSWER):
                await self._intake.drained()
        except TimeoutError:
            log.warning("%d events were not acknowledged before the journal was closed", self._intake.rows)
            for parcel in self._line.empty():
                parcel.fail(Unavailable(AWAY))

    async def _keep(self) -> None:
        """Connect, and again whenever the owner went away. How long the first time may take is `connect`'s to say."""
        loop = asyncio.get_running_loop()
        tries = 0
        while True:
            try:
                _, link = await loop.create_unix_connection(
                    lambda: Framed(self._received, self._lost), str(self._socket)
                )
            except OSError:
                await asyncio.sleep(BACKOFF[min(tries, len(BACKOFF) - 1)])
                tries += 1
                continue
            tries = 0
            self._begin(link)
            await self._gone.wait()

    def _begin(self, link: Framed) -> None:
        self._link = link
        self._gone.clear()
        self._linked.set()
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        if not self._closed:
            self._intake.shut(None)
        self._pump()
        if self._watch.awaited:
            self._follow()

    def _lost(self, link: Framed) -> None:
        self._link = None
        self._following = 0
        self._linked.clear()
        self._gone.set()
        sent, self._sent = self._sent, {}
        for parcels in sent.values():
            for parcel in parcels:
                parcel.fail(Unavailable(LOST))
        for erasure in self._erasures.values():
            if not erasure.done():
                erasure.set_exception(Unavailable("the erasure was interrupted: ask again to finish it"))
        self._wait_for_owner()

    def _wait_for_owner(self) -> None:
        self._giving_up = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        """No owner came: refuse, until one is there."""
        log.warning("nobody serves the journal at %s: events are refused", self._socket)
        if not self._closed:
            self._intake.shut(AWAY)
        for parcel in self._line.empty():
            parcel.fail(Unavailable(AWAY))

    def _line_up(self, parcel: Parcel[msgspec.Raw]) -> None:
        self._line.add(parcel)
        self._pump()

    def _pump(self) -> None:
        """Send what waits, if not enough is on its way."""
        while self._link is not None and self._line and len(self._sent) < ON_THE_WAY:
            parcels = self._line.take()
            if parcels[0].large:  # frames of their own: the owner lets small ones pass
                for parcel in parcels:
                    self._send(self._link, [parcel])
            else:
                self._send(self._link, parcels)

    def _send(self, link: Framed, parcels: list[Parcel[msgspec.Raw]]) -> None:
        number = self._next()
        self._sent[number] = parcels
        rows, size = sum(parcel.rows for parcel in parcels), sum(parcel.size for parcel in parcels)
        link.send(Sealed(number, rows, size, [item for parcel in parcels for item in parcel.items]))

    def _received(self, link: Framed, frame: memoryview) -> None:
        answer = _decode(frame)
        self._watch.move(answer.head)
        if answer.number in self._sent:
            self._settle(self._sent.pop(answer.number), answer)
            self._pump()
        elif answer.number in self._erasures:
            erasure = self._erasures[answer.number]
            if not erasure.done() and answer.fault is not None:
                erasure.set_exception(error_of(answer.fault))
            elif not erasure.done():
                erasure.set_result(answer.count)
        elif answer.number == self._following:
            self._following = 0
            if self._watch.awaited:
                self._follow()

    def _settle(self, parcels: list[Parcel[msgspec.Raw]], answer: Answer) -> None:
        start = 0
        for parcel in parcels:
            end = start + len(parcel.items)
            if answer.fault is not None:
                parcel.fail(error_of(answer.fault))
            elif answer.outcomes is None:
                parcel.settle([None] * len(parcel.items))
            else:
                parcel.settle([outcome_of(told) for told in answer.outcomes[start:end]])
            start = end

    def _follow(self) -> None:
        """Have the owner tell when the head moves, if it is not to do so already."""
        if self._link is not None and not self._following:
            self._following = self._next()
            self._link.send(Follow(self._following, self._watch.head))

    def _next(self) -> int:
        self._number += 1
        return self._number
