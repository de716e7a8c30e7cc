"""The journal in memory: the same promises but the disk's, for tests and tools."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from heliograph.errors import Unavailable
from heliograph.events.codec import REDACTED
from heliograph.events.event import Entry, Record, is_derived
from heliograph.journal.head import HeadWatch
from heliograph.journal.intake import only_derived
from heliograph.journal.journal import Rewrite


class MemoryJournal:
    """A `Journal` that is gone when the process is."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._removed: set[int] = set()
        self._seen: set[str] = set()
        self._watch = HeadWatch()
        self._closed = False

    async def append(self, records: Sequence[Record]) -> None:
        """As `Journal.append`."""
        self._record(records)
        await asyncio.sleep(0)  # as everywhere, others run meanwhile

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        """As `Journal.append_once`."""
        only_derived(records)
        recorded = []
        new: dict[str, Record] = {}
        for record in records:
            recorded.append(record.id not in self._seen and record.id not in new)
            new.setdefault(record.id, record)
        self._record([record for record, own in zip(records, recorded, strict=True) if own])
        await asyncio.sleep(0)
        return recorded

    async def read(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        limit: int = 1000,
        upto: int | None = None,
    ) -> Sequence[Entry]:
        """As `Journal.read`."""
        found: list[Entry] = []
        for entry in self._above(after):
            if len(found) >= limit or (upto is not None and entry.seq > upto):
                break
            if kinds is None or entry.kind in kinds:
                found.append(entry)
        return found

    async def of(self, subjects: Sequence[str], *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """As `Journal.of`."""
        wanted = set(subjects)
        theirs = [entry for entry in self._above(after) if entry.subject in wanted]
        return theirs[: max(limit, 0)]

    async def latest(
        self, subjects: Sequence[str], *, account: str, before: int | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """As `Journal.latest`."""
        wanted = set(subjects)
        theirs = [
            one
            for one in self._above(0)
            if (before is None or one.seq < before) and one.subject in wanted and one.account == account
        ]
        return theirs[::-1][: max(limit, 0)]

    async def find(self, event_id: str, subjects: Sequence[str], *, account: str) -> Entry | None:
        """As `Journal.find`."""
        theirs = await self.latest(subjects, account=account, limit=len(self._entries))
        return next((entry for entry in theirs if entry.id == event_id), None)

    async def redact(self, subjects: Sequence[str], *, account: str, replacement: str) -> int:
        """As `Journal.redact`."""
        if replacement in subjects:
            raise ValueError("what replaces a subject cannot be one of those to erase")
        theirs = set(subjects)
        changed = 0
        for entry in self._above(0):
            if entry.subject in theirs and entry.account == account:
                self._entries[entry.seq - 1] = entry._replace(subject=replacement, data=REDACTED)
                changed += 1
        return changed

    async def rewrite(self, changes: Sequence[Rewrite], *, account: str) -> int:
        """As `Journal.rewrite`."""
        changed = 0
        for seq, subject, data in changes:
            known = 0 < seq <= len(self._entries) and seq not in self._removed
            if known and self._entries[seq - 1].account == account:
                self._entries[seq - 1] = self._entries[seq - 1]._replace(subject=subject, data=data)
                changed += 1
        return changed

    async def remove(self, places: Sequence[int], *, account: str, before: int) -> int:
        """As `Journal.remove`."""
        wanted = set(places) - {len(self._entries)}
        gone = [
            entry.seq
            for entry in self._above(0)
            if entry.seq in wanted and entry.account == account and entry.recorded < before
        ]
        self._removed.update(gone)
        return len(gone)

    async def mentions(self, words: Sequence[str], *, account: str) -> Sequence[int]:
        """As `Journal.mentions`."""
        wanted = [word.encode().lower() for word in words if word]
        return [
            entry.seq
            for entry in self._above(0)
            if entry.account == account and any(word in entry.data.lower() for word in wanted)
        ]

    async def head(self) -> int:
        """The `seq` of the last entry; 0 when empty."""
        return self._watch.head

    async def wait(self, after: int, timeout: float) -> int:
        """As `Journal.wait`."""
        return await self._watch.wait(after, timeout)

    async def close(self) -> None:
        """As `Journal.close`."""
        self._closed = True
        self._watch.close()

    def _above(self, after: int) -> Sequence[Entry]:
        later = self._entries[max(after, 0) :]
        return [entry for entry in later if entry.seq not in self._removed] if self._removed else later

    def _record(self, records: Sequence[Record]) -> None:
        if self._closed:
            raise Unavailable("the journal is closed")
        first = len(self._entries) + 1
        self._entries += [Entry(seq, *record) for seq, record in enumerate(records, first)]
        self._seen.update([record.id for record in records if is_derived(record.id)])
        self._watch.move(len(self._entries))
