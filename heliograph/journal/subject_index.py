"""Where the entries of a subject are: what `of` and `redact` ask.

Kept in `subjects.db`: for each entry 8 bytes of the subject's hash and 8 of its place. Appending never pays for
it: before it answers it reads what is new from the journal, in pieces. Two subjects may share a hash, so who
asks compares the subject of what is found.
"""

from __future__ import annotations

import hashlib
import heapq
import logging
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path

from heliograph.events.event import Entry
from heliograph.journal.file_reader import FileReader, gather
from heliograph.journal.key_file import DAMAGE, KeyFile

FILE = "subjects.db"

CATCH_UP = 20_000
"""Places of the journal read at once; some 10 MB of memory."""

PAGE = 1_000
"""Places of one subject asked for at once."""

LEAST = 100
"""Places of one subject read at once from the end."""

LAST = (1 << 63) - 1
"""Above every place."""

log = logging.getLogger(__name__)


class SubjectIndex:
    """May be shared by threads, and the file by processes."""

    def __init__(self, data: Path) -> None:
        self._store = KeyFile(data / FILE)

    def catch_up(self, reader: FileReader) -> None:
        """Read what is new. May take a while where much is; others may ask and catch up meanwhile."""
        head = reader.head()
        try:
            self._check(reader, head)
            while (upto := self._store.upto()[0]) < head:
                self._add_window(reader, upto, min(upto + CATCH_UP, head))
        except DAMAGE as error:
            self._start_over(reader, error)

    def places(self, subjects: Iterable[str], after: int) -> Iterator[int]:
        """The places above `after` that may be of these subjects, ascending."""
        merged = heapq.merge(*(self._places(_hash(subject), after) for subject in set(subjects)))
        return (seq for seq, _ in groupby(merged))

    def of(self, reader: FileReader, subjects: Sequence[str], after: int, limit: int) -> list[Entry]:
        """Up to `limit` entries of these subjects above `after`, in order; fewer where they are very large."""
        if limit <= 0:
            return []
        self.catch_up(reader)
        try:
            return gather(self._chunks(reader, subjects, after, min(limit, PAGE)), limit)
        except DAMAGE as error:
            self._start_over(reader, error)
            return gather(self._chunks(reader, subjects, after, min(limit, PAGE)), limit)

    def latest(
        self, reader: FileReader, subjects: Sequence[str], account: str, before: int | None, limit: int
    ) -> list[Entry]:
        """Up to `limit` entries of these subjects of this account below `before`, the newest first. It costs as much as
        is looked at, however much lies before that."""
        self.catch_up(reader)
        try:
            return self._latest(reader, subjects, account, before, limit)
        except DAMAGE as error:
            self._start_over(reader, error)
            return self._latest(reader, subjects, account, before, limit)

    def find(self, reader: FileReader, event_id: str, subjects: Sequence[str], account: str) -> Entry | None:
        """The entry of that id among those of these subjects of this account."""
        self.catch_up(reader)
        try:
            return self._find(reader, event_id, subjects, account)
        except DAMAGE as error:
            self._start_over(reader, error)
            return self._find(reader, event_id, subjects, account)

    def add(self, places: Iterable[tuple[int, str]]) -> None:
        """These places are of these subjects, or will be."""
        self._store.change(put=[_key(subject, seq) for seq, subject in places])

    def forget(self, seqs: Iterable[int], subjects: Iterable[str], now: Mapping[int, str]) -> None:
        """These places are of none of these subjects any more, but of those of `now`; what shares a hash with
        them is kept."""
        gone = {_key(subject, seq) for seq in seqs for subject in subjects}
        self._store.change(remove=gone - {_key(subject, seq) for seq, subject in now.items()})

    def drop(self, places: Iterable[tuple[int, str]]) -> None:
        """These places, of these subjects, are there no more."""
        self._store.change(remove=[_key(subject, seq) for seq, subject in places])

    def truncate(self) -> None:
        """See to it that what was forgotten is gone from the file."""
        self._store.truncate()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _chunks(
        self, reader: FileReader, subjects: Sequence[str], after: int, size: int
    ) -> Iterator[list[Entry]]:
        places = self.places(subjects, after)
        while page := list(islice(places, size)):
            yield from reader.at(page, subjects)

    def _latest(
        self, reader: FileReader, subjects: Sequence[str], account: str, before: int | None, limit: int
    ) -> list[Entry]:
        end = LAST if before is None else min(max(before, 0), LAST)
        size = min(max(limit, LEAST), PAGE)
        places = self._newest_first(subjects, end, size)
        found: list[Entry] = []
        while len(found) < limit and (page := list(islice(places, size))):
            entries = [entry for chunk in reader.at(page[::-1], subjects) for entry in chunk]
            found += [entry for entry in reversed(entries) if entry.account == account]
        return found[: max(limit, 0)]

    def _find(self, reader: FileReader, event_id: str, subjects: Sequence[str], account: str) -> Entry | None:
        places = self._newest_first(subjects, LAST, PAGE)
        while page := list(islice(places, PAGE)):
            place = reader.place_of(event_id, page)
            if place is not None:
                found = (entry for chunk in reader.at([place], subjects) for entry in chunk)
                return next((entry for entry in found if entry.account == account), None)
        return None

    def _newest_first(self, subjects: Sequence[str], before: int, size: int) -> Iterator[int]:
        backwards = (self._places_down(_hash(subject), before, size) for subject in set(subjects))
        return (seq for seq, _ in groupby(heapq.merge(*backwards, reverse=True)))

    def _start_over(self, reader: FileReader, why: Exception) -> None:
        log.warning("the index of subjects is no good and is made anew from the journal: %s", why)
        self._store.start_over()
        self.catch_up(reader)

    def _check(self, reader: FileReader, head: int) -> None:
        upto, last_id = self._store.upto()
        if upto > head:
            head = reader.head()  # another process may have caught up further since it was asked
        if upto and (upto > head or (reader.id_at(upto) or "") != last_id):
            log.warning("the index of subjects does not fit the journal and is made anew from it")
            self._store.start_over()

    def _add_window(self, reader: FileReader, after: int, upto: int) -> None:
        keys = [_key(subject, seq) for seq, subject in reader.subjects(after, upto)]
        self._store.add(keys, upto, reader.id_at(upto) or "", after=after)

    def _places(self, own: bytes, after: int) -> Iterator[int]:
        low = own + after.to_bytes(8)
        while page := self._store.between(low, own + b"\xff" * 8, PAGE):
            yield from struct.unpack(">" + "8xq" * len(page), b"".join(page))
            low = page[-1]

    def _places_down(self, own: bytes, before: int, size: int) -> Iterator[int]:
        high = own + before.to_bytes(8)
        while page := self._store.between(own, high, size, down=True):
            yield from struct.unpack(">" + "8xq" * len(page), b"".join(page))
            high = page[-1]


def _key(subject: str, seq: int) -> bytes:
    return _hash(subject) + seq.to_bytes(8)


def _hash(subject: str) -> bytes:
    return hashlib.blake2b(subject.encode(), digest_size=8).digest()
