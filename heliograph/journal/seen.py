"""Which ids that can be made again are recorded already: what `append_once` asks.

Only ids of version 8 are kept, 22 bytes each, in `seen.db`. What was recorded lately waits in memory and goes to
the file in the background; the file says up to which event it is complete, and at the start what follows is
read from the journal. So appending pays for a look-up and nothing else, and a crash forgets nothing.

A file is filled for `span` of the journal's own time; then `seen-PLACE.db` begins behind that place, and the one before
the last is removed. So ids are known for one span at least and two at most, and their number is bounded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from heliograph.errors import Unavailable
from heliograph.journal.file_reader import FileReader
from heliograph.journal.key_file import DAMAGE, KeyFile

FILE = "seen.db"
LATER = "seen-*.db"
FOR_EVER = 0

log = logging.getLogger(__name__)

CATCH_UP = 50_000
"""Places of the journal read at once when the file is behind."""

FLUSH_KEYS = 8_192
"""Ids in memory from which on they go to the file: more at once are cheaper each, and all are sorted first."""

FLUSH_ROWS = 50_000
"""Events after which the file's position moves at least, so that a start has little to read."""


def key_of(event_id: str) -> bytes:
    """An id as it is kept: the 16 bytes of the UUID."""
    try:
        return bytes.fromhex(event_id.replace("-", ""))
    except ValueError:  # no UUID: then as it stands
        return event_id.encode("utf-8", "surrogatepass")


class Seen:
    """Asked and told by the writer's thread; only `flush` runs in another."""

    def __init__(self, data: Path, reader: FileReader, span: int = FOR_EVER) -> None:
        """`span` in microseconds."""
        self._data, self._reader, self._span = data, reader, span
        *_, before, self._start = [None, *sorted({0, *map(_start, data.glob(LATER))})]
        self._path = _path(data, self._start)
        self._store = KeyFile(self._path)
        self._lookup = KeyFile(self._path)
        self._past: KeyFile | None = KeyFile(_path(data, before)) if before is not None else None
        self._storing = Lock()
        self._fresh: set[bytes] = set()
        self._leaving: set[bytes] = set()
        self._flushing = False
        self._began: int | None = None
        self._head = self._tried = self._saved = 0
        self._last_id = ""
        try:
            self._catch_up()
        except DAMAGE as error:
            self._start_over(error)

    def known(self, keys: Iterable[bytes]) -> set[bytes]:
        """Which of these are recorded."""
        # Memory is asked before the file: what leaves the one is in the other first.
        leaving, fresh = self._leaving, self._fresh
        found: set[bytes] = set()
        unknown: list[bytes] = []
        for key in keys:
            if key in fresh or key in leaving:
                found.add(key)
            else:
                unknown.append(key)
        try:
            return found | self._stored(unknown)
        except DAMAGE as error:
            self._start_over(error)
            return found | self._stored(unknown)

    def add(self, keys: Iterable[bytes], head: int, last_id: str) -> None:
        """These are recorded; the journal's last entry is this one now."""
        self._fresh.update(keys)
        self._head = head
        self._last_id = last_id

    def due(self) -> bool:
        """Whether it is time to flush: then `flush` must follow, in any thread."""
        behind = len(self._fresh) >= FLUSH_KEYS or self._head - self._tried >= FLUSH_ROWS
        if self._flushing or not behind:
            return False
        if self._span and self._is_old():
            self._begin_next()
        self._prepare()
        return True

    def flush(self) -> None:
        """Write to the file what was recorded up to the moment when it was due."""
        try:
            with self._storing:
                self._store.add(self._leaving, self._tried, self._tried_id)
                self._saved = self._tried
                self._leaving = set()
        except (Unavailable, *DAMAGE) as error:
            log.warning("seen ids stay in memory for now: %s", error)
        finally:
            self._flushing = False

    def settle(self) -> bool:
        """Write everything that is known now: entries may be removed from the journal after that, since nothing
        has to be read from them again. False when it was not possible now."""
        if self._flushing:
            return False
        if self._head > self._saved:
            self._prepare()
            self.flush()
        return self._saved == self._head

    def close(self) -> None:
        """Write everything and let go of the file. No flush may be at work."""
        if self._head > self._saved:
            self._prepare()
            self.flush()
        self._let_go()

    def _stored(self, keys: list[bytes]) -> set[bytes]:
        found = self._lookup.known(keys)
        if self._past is None or len(found) == len(keys):
            return found
        return found | self._past.known(key for key in keys if key not in found)

    def _is_old(self) -> bool:
        """Whether the file has been filled for its span."""
        if self._began is None:  # asked once: retention may remove what the file began with
            self._began = self._reader.recorded_from(self._start + 1)
        now = self._reader.recorded_from(self._head)
        return now is not None and (self._began is None or now - self._began >= self._span)

    def _begin_next(self) -> None:
        """Fill another file from where this one is complete. What waits in memory goes there."""
        with self._storing:
            self._store.close()
            if self._past is not None:
                self._past.remove()
            self._past, self._start, self._began = self._lookup, self._saved, None
            self._path = _path(self._data, self._start)
            self._store, self._lookup = KeyFile(self._path), KeyFile(self._path)

    def _let_go(self) -> None:
        for file in (self._lookup, self._store, self._past):
            if file is not None:
                file.close()

    def _prepare(self) -> None:
        self._flushing = True
        self._leaving = self._leaving | self._fresh if self._leaving else self._fresh
        self._fresh = set()
        self._tried, self._tried_id = self._head, self._last_id

    def _catch_up(self) -> None:
        """Read what the file does not know from the journal; all of it, if the file belongs to another one."""
        head = self._reader.head()
        upto, last_id = self._store.upto()
        gap = self._past is not None and self._past.upto()[0] != self._start
        if gap or (upto and (upto > head or self._id_at(upto) != last_id)):
            log.warning("%s does not fit the journal and is made anew from it", self._path)
            self._renew()
            upto = 0
        upto = max(upto, self._start)
        while upto < head:
            after, upto = upto, min(upto + CATCH_UP, head)
            last_id = self._id_at(upto)
            self._store.add(
                [key_of(event_id) for event_id in self._reader.derived(after, upto)], upto, last_id
            )
        self._head = self._tried = self._saved = head
        self._last_id = last_id

    def _id_at(self, seq: int) -> str:
        return self._reader.id_at(seq) or ""

    def _start_over(self, why: Exception) -> None:
        log.warning("%s is no good and is made anew from the journal: %s", self._path, why)
        with self._storing:
            self._renew()
            self._catch_up()

    def _renew(self) -> None:
        self._let_go()
        for path in self._data.glob(LATER):
            KeyFile(path).remove()
        self._path, self._start, self._began = self._data / FILE, 0, None
        self._past = None
        self._store = KeyFile(self._path)
        self._store.start_over()
        self._lookup = KeyFile(self._path)


def _path(data: Path, start: int) -> Path:
    return data / (f"seen-{start}.db" if start else FILE)


def _start(path: Path) -> int:
    digits = path.stem.partition("-")[2]
    return int(digits) if digits.isdecimal() else 0
