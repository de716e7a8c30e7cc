"""Reading a journal from any process: the owner's, its clients', or a tool beside a running or stopped engine.

Reads run in a few threads, each with a connection of its own, and hold neither the event loop nor the writer up.
`open_reader` is for tools (`export`, `tail`): everything but writing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TypeVar

from heliograph.errors import Unavailable
from heliograph.events.event import Entry
from heliograph.journal.file_reader import WINDOW, FileReader
from heliograph.journal.subject_index import SubjectIndex

READERS = 2
"""Reads at once: one long search does not hold up what is short."""

POLL = 0.1
"""Seconds between looks at the head where nobody tells about it."""

T = TypeVar("T")


def open_reader(data: Path) -> JournalReader:
    """What lies in a data directory, whether its engine runs or not. Raises `OperatorError` where nothing does."""
    FileReader(data).close()
    return JournalReader(data)


class JournalReader:
    """The reading half of a journal; opens the file when it is first asked."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-read")
        self._idle: LifoQueue[FileReader] = LifoQueue()
        self._opening = threading.Lock()
        self._subjects: SubjectIndex | None = None
        self._closed = False

    async def read(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        limit: int = 1000,
        upto: int | None = None,
    ) -> Sequence[Entry]:
        """As `Journal.read`. Fewer than `limit`, but never none, where the data are many megabytes."""
        return await self.run(lambda reader: reader.read(after, kinds, limit, upto))

    async def of(self, subjects: Sequence[str], *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """As `Journal.of`. The first call on a large journal takes a while: the index is made."""
        wanted = tuple(subjects)
        if not wanted:
            return []
        return await self.run(lambda reader: self.index().of(reader, wanted, after, limit))

    async def latest(
        self, subjects: Sequence[str], *, account: str, before: int | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """As `Journal.latest`."""
        wanted = tuple(subjects)
        if not wanted:
            return []
        return await self.run(lambda reader: self.index().latest(reader, wanted, account, before, limit))

    async def find(self, event_id: str, subjects: Sequence[str], *, account: str) -> Entry | None:
        """As `Journal.find`."""
        wanted = tuple(subjects)
        return await self.run(lambda reader: self.index().find(reader, event_id, wanted, account))

    async def mentions(self, words: Sequence[str], *, account: str) -> Sequence[int]:
        """As `Journal.mentions`."""
        found: list[int] = []
        wanted = tuple(word for word in words if word)
        after, head = 0, await self.head() if wanted else 0
        while after < head:  # a window at a time, so that others may ask in between
            found += await self.run(partial(FileReader.mentions, account=account, words=wanted, after=after))
            after += WINDOW
        return sorted(set(found))  # where old entries were removed, windows overlap

    async def head(self) -> int:
        """The `seq` of the last entry; 0 when empty."""
        return await self.run(FileReader.head)

    async def wait(self, after: int, timeout: float) -> int:
        """As `Journal.wait`, by looking every now and then."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while (head := await self.head()) <= after and (left := end - loop.time()) > 0:  # noqa: ASYNC110  # another process appends
            await asyncio.sleep(min(POLL, left))
        return head

    async def close(self) -> None:
        """Let go of the files."""
        self._closed = True
        await asyncio.to_thread(self.let_go)

    async def run(self, work: Callable[[FileReader], T]) -> T:
        """Have this done in a reading thread."""
        if self._closed:
            raise Unavailable("the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._with_reader, work)

    def index(self) -> SubjectIndex:
        """The index of subjects, opened when it is first asked for. In a thread: it may block."""
        with self._opening:
            if self._subjects is None:
                self._subjects = SubjectIndex(self._data)
            return self._subjects

    def let_go(self) -> None:
        """As `close`; blocks until what is being read has been read."""
        self._closed = True
        self._threads.shutdown()
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()
        if self._subjects is not None:
            self._subjects.close()

    def _with_reader(self, work: Callable[[FileReader], T]) -> T:
        try:
            reader = self._idle.get_nowait()
        except Empty:
            reader = FileReader(self._data)
        try:
            return work(reader)
        finally:
            self._idle.put(reader)
