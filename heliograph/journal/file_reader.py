"""Reading `journal.db`: one read-only connection, for one thread at a time, in any process.

Each question is answered by one step of one statement, which gathers all rows into one JSON text and one blob
of data: a step gives the interpreter lock away, and with a busy thread beside it a step for each row makes a
read of a thousand rows fifty times slower (measured: 530 ms against 9). Each statement is short, so that a
reader never keeps the WAL from being emptied for long.
"""

from __future__ import annotations

import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from heliograph.errors import OperatorError, Unavailable
from heliograph.events.event import Entry
from heliograph.journal.journal_file import BUSY, FILE

CHUNK_ROWS, CHUNK_BYTES = 1_000, 8 << 20
"""What one statement gathers at most (but one row at least)."""

READ_BYTES = 32 << 20
"""Data of one read; what is more comes with the next one."""

WINDOW = 20_000
"""Places looked at by one statement for entries of certain kinds."""

_GATHERED = """
SELECT json_group_array(json_array(seq, id, account, kind, subject, at, recorded, cause, octet_length(data))),
    CAST(group_concat(CAST(data AS TEXT), '') AS BLOB)
FROM (ROWS)
"""
_BETWEEN = _GATHERED.replace("ROWS", "SELECT * FROM event WHERE seq > ? AND seq <= ? ORDER BY seq")
_BETWEEN_KINDS = _GATHERED.replace(
    "ROWS",
    "SELECT * FROM event WHERE seq > ? AND seq <= ? AND kind IN (SELECT value FROM carray(?)) ORDER BY seq",
)
_AT = _GATHERED.replace(
    "ROWS",
    "SELECT event.* FROM carray(?) JOIN event ON seq = value WHERE subject IN (SELECT value FROM carray(?))",
)
_SIZES = (
    "SELECT json_group_array(json_array(seq, size)) FROM "
    "(SELECT seq, octet_length(data) AS size FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?)"
)
_SIZES_KINDS = (
    "SELECT json_group_array(json_array(seq, size)) FROM "
    "(SELECT seq, octet_length(data) AS size FROM event WHERE seq > ? AND seq <= ? "
    "AND kind IN (SELECT value FROM carray(?)) ORDER BY seq LIMIT ?)"
)
_SIZES_AT = (
    "SELECT json_group_array(json_array(seq, octet_length(data))) FROM carray(?) JOIN event ON seq = value"
)
_SUBJECTS = (
    "SELECT json_group_array(json_array(seq, subject)) FROM "
    "(SELECT seq, subject FROM event WHERE seq > ? AND seq <= ? ORDER BY seq)"
)
_SUBJECTS_AT = "SELECT json_group_array(json_array(seq, subject)) FROM carray(?) JOIN event ON seq = value"
_PLACE_OF = "SELECT seq FROM carray(?) JOIN event ON seq = value WHERE id = ?"
_DERIVED = "SELECT json_group_array(id) FROM event WHERE seq > ? AND seq <= ? AND substr(id, 15, 1) = '8'"

_WHOLE = "SELECT CAST(group_concat(CAST(data AS TEXT), '') AS BLOB) FROM event WHERE seq > ? AND seq <= ?"
_SAID = "SELECT seq, data FROM event WHERE seq > ? AND seq <= ? AND account = ? ORDER BY seq"

_rows = msgspec.json.Decoder(list[tuple[int, str, str, str, str, int, int, str | None, int]])
_sizes = msgspec.json.Decoder(list[tuple[int, int]])
_subjects = msgspec.json.Decoder(list[tuple[int, str]])
_ids = msgspec.json.Decoder(list[str])


class FileReader:
    """Answers questions about what is in the file. Raises `OperatorError` where there is no journal, and
    `Unavailable` when it cannot be read now."""

    def __init__(self, data: Path) -> None:
        path = data / FILE
        if not path.exists():
            raise OperatorError(f"there is no journal in {data}: `heliograph serve --data {data}` makes one")
        try:
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            self._connection.set_busy_timeout(BUSY)
            self._connection.pragma("cache_size", -4096)
        except apsw.Error as error:
            raise Unavailable(f"{path} cannot be read: {error}") from error

    def head(self) -> int:
        """The last place; 0 in an empty journal."""
        return int(self._one("SELECT ifnull(max(seq), 0) FROM event")[0])

    def read(
        self, after: int, kinds: frozenset[str] | None, limit: int, upto: int | None = None
    ) -> list[Entry]:
        """Up to `limit` entries above `after` and up to `upto`, in order, of these kinds (None: all). Fewer where
        their data are very large, but at least one if there is one."""
        if limit <= 0 or (kinds is not None and not kinds):
            return []
        end = self.head() if upto is None else min(upto, self.head())
        return gather(self._chunks(after, kinds, limit, end), limit)

    def at(self, seqs: Sequence[int], subjects: Sequence[str]) -> Iterator[list[Entry]]:
        """The entries in these places (ascending), as far as they are of these subjects, chunk by chunk."""
        for start in range(0, len(seqs), CHUNK_ROWS):
            places = array.array("q", seqs[start : start + CHUNK_ROWS])
            sizes = sorted(_sizes.decode(self._one(_SIZES_AT, (apsw.carray(places),))[0]))
            for piece in _bounded(sizes):
                places = array.array("q", [seq for seq, _ in piece])
                yield self._entries(_AT, (apsw.carray(places), apsw.carray(tuple(subjects))))

    def place_of(self, event_id: str, seqs: Sequence[int]) -> int | None:
        """Which of these places has the event of this id; None: none of them."""
        rows = self._all(_PLACE_OF, (apsw.carray(array.array("q", seqs)), event_id))
        return rows[0][0] if rows else None

    def id_at(self, seq: int) -> str | None:
        """The id of the event in this place; None where there is none."""
        rows = self._all("SELECT id FROM event WHERE seq = ?", (seq,))
        return rows[0][0] if rows else None

    def recorded_from(self, seq: int) -> int | None:
        """When the event in this place, or the next one that there is, was recorded, in microseconds."""
        rows = self._all("SELECT recorded FROM event WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,))
        return rows[0][0] if rows else None

    def free_bytes(self) -> int:
        """Bytes of the file that hold nothing: what was removed left them to what comes."""
        pages, size = self._one(
            "SELECT freelist_count, page_size FROM pragma_freelist_count, pragma_page_size"
        )
        return int(pages) * int(size)

    def subjects(self, after: int, upto: int) -> list[tuple[int, str]]:
        """Every place in (`after`, `upto`], and whose it is."""
        return _subjects.decode(self._one(_SUBJECTS, (after, upto))[0])

    def subjects_at(self, seqs: Sequence[int]) -> list[tuple[int, str]]:
        """These places, and whose they are."""
        return _subjects.decode(self._one(_SUBJECTS_AT, (apsw.carray(array.array("q", seqs)),))[0])

    def mentions(self, *, account: str, words: Sequence[str], after: int) -> list[int]:
        """The places among the next `WINDOW` in whose data one of these words stands, whatever the case. Many
        entries are looked through as one text; only where a word is in it, one by one."""
        wanted = [word.encode().lower() for word in words]
        found: list[int] = []
        for sizes in self._plan(after, None, WINDOW, self.head()):
            for piece in _bounded(sizes):
                between = (piece[0][0] - 1, piece[-1][0])
                whole = (self._one(_WHOLE, between)[0] or b"").lower()
                if any(word in whole for word in wanted):
                    rows = self._all(_SAID, (*between, account))
                    found += [seq for seq, data in rows if any(word in data.lower() for word in wanted)]
        return found

    def derived(self, after: int, upto: int) -> list[str]:
        """The ids that can be made again of the events in (`after`, `upto`]."""
        return _ids.decode(self._one(_DERIVED, (after, upto))[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _chunks(
        self, after: int, kinds: frozenset[str] | None, limit: int, end: int
    ) -> Iterator[list[Entry]]:
        for sizes in self._plan(after, kinds, limit, end):
            for piece in _bounded(sizes):
                places = (piece[0][0] - 1, piece[-1][0])
                if kinds is None:
                    yield self._entries(_BETWEEN, places)
                else:
                    yield self._entries(_BETWEEN_KINDS, (*places, apsw.carray(tuple(kinds))))

    def _plan(
        self, after: int, kinds: frozenset[str] | None, limit: int, end: int
    ) -> Iterator[list[tuple[int, int]]]:
        """Places and sizes of what there is to read."""
        while limit > 0 and after < end:
            if kinds is None:
                sizes = _sizes.decode(self._one(_SIZES, (after, end, min(limit, CHUNK_ROWS)))[0])
                if not sizes:
                    return
                after = sizes[-1][0]
            else:
                values = (after, min(after + WINDOW, end), apsw.carray(tuple(kinds)), limit)
                sizes = _sizes.decode(self._one(_SIZES_KINDS, values)[0])
                after += WINDOW
            limit -= len(sizes)
            yield sizes

    def _entries(self, statement: str, values: tuple[object, ...]) -> list[Entry]:
        envelopes, data = self._one(statement, values)
        entries = []
        start = 0
        for seq, id_, account, kind, subject, at, recorded, cause, size in _rows.decode(envelopes):
            end = start + size
            entries.append(Entry(seq, id_, account, kind, subject, at, recorded, cause, data[start:end]))
            start = end
        return entries

    def _one(self, statement: str, values: tuple[object, ...] = ()) -> tuple[Any, ...]:
        return self._all(statement, values)[0]

    def _all(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except apsw.Error as error:
            raise Unavailable(f"the journal cannot be read: {error}") from error


def gather(chunks: Iterable[list[Entry]], limit: int) -> list[Entry]:
    """Chunks as one list, up to `limit` entries; it ends early when their data are `READ_BYTES` or more."""
    found: list[Entry] = []
    size = 0
    for chunk in chunks:
        found += chunk
        size += sum([len(entry.data) for entry in chunk])
        if len(found) >= limit or size >= READ_BYTES:
            break
    return found[:limit]


def _bounded(sizes: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    """Cut where the rows or the bytes of one statement are used up."""
    start = size = 0
    for index, (_, own) in enumerate(sizes):
        if index > start and (index - start >= CHUNK_ROWS or size + own > CHUNK_BYTES):
            yield sizes[start:index]
            start, size = index, 0
        size += own
    if start < len(sizes):
        yield sizes[start:]
