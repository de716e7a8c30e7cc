"""The journal in a SQLite file, as its owner has it: appends share commits, reads go beside them.

    journal = await SqliteJournal.open(data, queue_limit=..., queue_bytes=...)
    server = await serve_journal(journal, data / SOCKET)      # heliograph.journal.writer, for other processes
    ...
    await server.close()
    await journal.close()

An append goes through the `Intake` (bounded) to the `Committer` (the thread that writes) and is answered on the
event loop that opened the journal: all calls come from that loop. One process owns the file (`ownership`); others
use `heliograph.journal.remote.RemoteJournal`, and tools `heliograph.journal.reading.open_reader`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from heliograph.errors import OperatorError, Unavailable
from heliograph.events.event import Entry, Record
from heliograph.journal.committing import Append, Committer
from heliograph.journal.erasing import Erasure, Rewriting
from heliograph.journal.head import HeadWatch
from heliograph.journal.intake import Intake, Outcome, Parcel, only_derived, size_of
from heliograph.journal.journal import Rewrite
from heliograph.journal.ownership import Ownership
from heliograph.journal.reading import JournalReader
from heliograph.journal.seen import FOR_EVER
from heliograph.journal.subject_index import SubjectIndex

QUEUE_LIMIT = 50_000
QUEUE_BYTES = 32 << 20
"""Defaults of what may wait for the disk; the operator's are in `settings`."""

REMOVAL = 250
"""Entries removed in one transaction: others wait for the writer some milliseconds meanwhile."""

SETTLE, SETTLES = 0.05, 100
"""Seconds between attempts to have all ids in their file before a removal, and how many there are."""

T = TypeVar("T")

GIVE_WAY, TRIES = 500, 20
"""Milliseconds for which readers are asked to let the WAL be emptied after an erasure, and how often."""


class SqliteJournal:
    """A `Journal`. Made by `open`."""

    def __init__(
        self, data: Path, ownership: Ownership, committer: Committer, queue_limit: int, queue_bytes: int
    ) -> None:
        self._ownership = ownership
        self._committer = committer
        self._reader = JournalReader(data)
        self._watch = HeadWatch(committer.file.head)
        self._erasing = asyncio.Lock()
        self._closed = False
        self._intake: Intake[Append] = Intake(
            committer.hand_on, queue_limit=queue_limit, queue_bytes=queue_bytes
        )

    @classmethod
    async def open(
        cls,
        data: Path,
        *,
        queue_limit: int = QUEUE_LIMIT,
        queue_bytes: int = QUEUE_BYTES,
        repeat_span: int = FOR_EVER,
    ) -> SqliteJournal:
        """The journal in this directory; both are made if they are not there. What a crash left behind is put
        right first. For `repeat_span` microseconds `append_once` knows an id again. Raises `OperatorError` when
        another process owns it."""
        ownership, committer = await asyncio.to_thread(_take, data, repeat_span)
        journal = cls(data, ownership, committer, queue_limit, queue_bytes)
        committer.start(asyncio.get_running_loop(), journal._settle)
        return journal

    @property
    def at(self) -> int:
        """The head, without waiting for it."""
        return self._watch.head

    @property
    def waiting(self) -> int:
        """Events that wait for the disk."""
        return self._intake.rows

    @property
    def refused(self) -> int:
        """Appends refused since the start because the queue was full."""
        return self._intake.refused

    async def append(self, records: Sequence[Record]) -> None:
        """As `Journal.append`."""
        if records:
            await self._intake.put((records, False), len(records), size_of(records))

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        """As `Journal.append_once`."""
        only_derived(records)
        if not records:
            return []
        return await self._intake.put((records, True), len(records), size_of(records)) or []

    def append_parcel(
        self,
        appends: list[Append],
        rows: int,
        size: int,
        settled: Callable[[Sequence[Outcome]], None],
    ) -> None:
        """Appends of another process, in one go: `settled` hears how each went. Raises as `append`."""
        self._intake.put_parcel(appends, rows, size, settled)

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
        """As `Journal.redact`. When a reader (a backup) keeps old pages from going away, `Unavailable`: the
        entries are erased, and asking again finishes it."""
        if replacement in subjects:
            raise ValueError("what replaces a subject cannot be one of those to erase")
        if not subjects:
            return 0
        index = await self._reader.run(lambda _: self._reader.index())
        await self._reader.run(index.catch_up)  # the long part, beside the writer
        return await self._erase(Erasure(account, tuple(subjects), replacement), index)

    async def rewrite(self, changes: Sequence[Rewrite], *, account: str) -> int:
        """As `Journal.rewrite`; `Unavailable` as of `redact`."""
        if not changes:
            return 0
        index = await self._reader.run(lambda _: self._reader.index())
        return await self._erase(Rewriting(account, tuple(changes)), index)

    async def remove(self, places: Sequence[int], *, account: str, before: int) -> int:
        """As `Journal.remove`. In small pieces; the files are caught up first, so that none of them has to be made
        anew from a journal in which entries are missing."""
        if not places:
            return 0
        below = await self._settled()
        index = await self._reader.run(lambda _: self._reader.index())
        await self._reader.run(index.catch_up)
        kept = sorted(place for place in set(places) if place < below)
        removed = 0
        async with self._erasing:
            for start in range(0, len(kept), REMOVAL):
                piece = kept[start : start + REMOVAL]
                removed += await self._remove_piece(piece, account, before, index)
        return removed

    async def _remove_piece(self, piece: list[int], account: str, before: int, index: SubjectIndex) -> int:
        file = self._committer.file
        subjects = await self._reader.run(lambda reader: reader.subjects_at(piece))
        removed = await self._on_writer(lambda: file.remove(piece, account, before))
        left = {seq for seq, _ in await self._reader.run(lambda reader: reader.subjects_at(piece))}
        await self._reader.run(lambda _: index.drop(one for one in subjects if one[0] not in left))
        return removed

    async def _settled(self) -> int:
        """The head, when every id up to it is in the file of ids."""
        for _ in range(SETTLES):
            head = await self._on_writer(self._committer.settle_seen)
            if head is not None:
                return head
            await asyncio.sleep(SETTLE)
        raise Unavailable("the file of ids cannot be written now: nothing is removed until it can")

    async def _erase(self, erasure: Erasure | Rewriting, index: SubjectIndex) -> int:
        file, reader = self._committer.file, self._committer.reader
        async with self._erasing:
            while not erasure.done:
                await self._on_writer(lambda: erasure.step(file, reader, index))
            for _ in range(TRIES):
                if await self._on_writer(lambda: file.truncate(GIVE_WAY)):
                    break
            else:
                raise Unavailable("erased, but a reader keeps old pages in journal.db-wal: ask again later")
            await self._reader.run(lambda _: index.truncate())
        return erasure.changed

    async def head(self) -> int:
        """The `seq` of the last entry; 0 when empty."""
        return self._watch.head

    async def wait(self, after: int, timeout: float) -> int:
        """As `Journal.wait`."""
        return await self._watch.wait(after, timeout)

    def above(self, after: int) -> asyncio.Future[None]:
        """Done when the head is above `after` (`head` says where); cancel it to wait no more."""
        return self._watch.above(after)

    async def close(self) -> None:
        """As `Journal.close`."""
        if self._closed:
            return
        self._closed = True
        self._intake.shut("the journal is being closed")
        await self._intake.drained()
        async with self._erasing:
            await asyncio.to_thread(self._let_go)
        self._watch.close()

    def _settle(self, head: int, parcels: Sequence[Parcel[Append]], outcomes: Sequence[Outcome]) -> None:
        """After each commit, on the event loop."""
        self._watch.move(head)
        start = 0
        for parcel in parcels:
            end = start + len(parcel.items)
            parcel.settle(outcomes[start:end])
            start = end

    async def _on_writer(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("the journal is being closed")
        return await self._committer.run(work)

    def _let_go(self) -> None:
        self._reader.let_go()
        self._committer.close()
        self._ownership.release()


def _take(data: Path, repeat_span: int) -> tuple[Ownership, Committer]:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        ownership = Ownership.take(data)
        try:
            return ownership, Committer(data, repeat_span)
        except BaseException:
            ownership.release()
            raise
    except OSError as error:
        raise OperatorError(f"data: the journal in {data} cannot be opened for writing: {error}") from error
