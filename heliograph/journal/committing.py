"""The thread that writes the journal: takes whatever waits, commits it, says so, and goes on.

No time is added to wait for more: while one commit is on its way to the disk, the next one gathers by itself. One
thread does all writing and all looking up of ids, so two callers can never both record the same one. Moving the
WAL into the file goes on beside it (`Sweeper`), in small portions: done by the commits themselves it would
stop them for 200 ms at a time (measured with 40,000 orders a second; so, 10 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import apsw

from heliograph.errors import Unavailable
from heliograph.events.event import Record, is_derived
from heliograph.journal.file_reader import FileReader
from heliograph.journal.intake import Line, Outcome, Parcel
from heliograph.journal.journal_file import UNFIT, JournalFile, Sweeper
from heliograph.journal.seen import Seen, key_of

log = logging.getLogger(__name__)

SWEEP_PAGES = 500
"""Pages in the WAL (8 MB) from which on they are moved into the file: more at once stop commits for longer."""


Append = tuple[Sequence[Record], bool]
"""What one caller wants recorded; True: without what is recorded already."""

T = TypeVar("T")


class _Job(NamedTuple, Generic[T]):
    work: Callable[[], T]
    done: Future[T]


class Committer:
    """The thread, what it writes to, and what it is handed."""

    def __init__(self, data: Path, repeat_span: int) -> None:
        """Blocks while the file is opened and what a crash left behind is put right. `repeat_span`: for how long, in
        microseconds, an id is known again; 0: for ever."""
        self.file = JournalFile(data)
        self.reader = FileReader(data)
        self._seen = Seen(data, self.reader, repeat_span)
        self._sweeper = Sweeper(data)
        self._tell: Callable[[int, Sequence[Parcel[Append]], Sequence[Outcome]], object]
        self._inbox: queue.SimpleQueue[Parcel[Append] | _Job[Any] | None] = queue.SimpleQueue()
        self._line: Line[Append] = Line()
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="journal-sweep")
        self._pages = 0
        self._sweeping = self._swept = False
        self._stopping = self._failing = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        settled: Callable[[int, Sequence[Parcel[Append]], Sequence[Outcome]], None],
    ) -> None:
        """Begin. `settled` is called on the event loop after each commit: the head, the parcels, and how each of
        their appends went."""
        self._tell = lambda *what: loop.call_soon_threadsafe(settled, *what)
        self._thread.start()

    def hand_on(self, parcel: Parcel[Append]) -> None:
        """Have this recorded."""
        self._inbox.put(parcel)

    async def run(self, work: Callable[[], T]) -> T:
        """Have this done by the thread, between commits."""
        done: Future[T] = Future()
        self._inbox.put(_Job(work, done))
        return await asyncio.wrap_future(done)

    def settle_seen(self) -> int | None:
        """Have every id that is recorded in the file of ids; the place up to which that is so. None when it was
        not possible now. Called by the thread that writes."""
        return self.file.head if self._seen.settle() else None

    def close(self) -> None:
        """Record what was handed on, then end and let go of everything. Blocks; may take a second."""
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._beside.shutdown()
        self._seen.close()
        self._sweeper.close()
        self.reader.close()
        self.file.close()

    def _run(self) -> None:
        while self._line or not self._stopping:
            self._receive()
            parcels = self._line.take()
            if parcels:
                self._settle(parcels, self._record([append for parcel in parcels for append in parcel.items]))
                try:
                    self._look_after()
                except Exception:
                    log.exception("a bug while looking after the journal; recording goes on")

    def _receive(self) -> None:
        """Take in everything that has come; wait for something if there is nothing to do."""
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._inbox.get(block=not self._line and not self._stopping)
                if item is None:
                    self._stopping = True
                elif isinstance(item, Parcel):
                    self._line.add(item)
                else:
                    _perform(item)

    def _record(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        try:
            outcomes = self._commit(appends)
        except Exception as error:
            if isinstance(error, apsw.Error) and not isinstance(error, UNFIT):
                self._failed(error)
                return [Unavailable(f"the journal cannot be written to now: {error}")] * len(appends)
            if len(appends) == 1 or isinstance(error, Unavailable):
                return [error] * len(appends)
            # One of them cannot be stored: only its own caller shall hear of it. Halving finds it soon.
            half = len(appends) // 2
            return [*self._record(appends[:half]), *self._record(appends[half:])]
        if self._failing:
            self._failing = False
            log.warning("the journal can be written to again")
        return outcomes

    def _failed(self, error: apsw.Error) -> None:
        """Say it once, not for each commit."""
        if not self._failing:
            self._failing = True
            log.error("the journal cannot be written to; events are refused until it can: %s", error)

    def _commit(self, appends: Sequence[Append]) -> Sequence[Outcome]:
        rows: list[Record] = []
        new: set[bytes] = set()
        outcomes: list[Outcome] = []
        known = self._known(appends)
        for records, once in appends:
            if not once:
                rows += records
                new.update([key_of(record.id) for record in records if is_derived(record.id)])
                outcomes.append(None)
                continue
            recorded = []
            for record in records:
                key = key_of(record.id)
                recorded.append(key not in known and key not in new)
                if recorded[-1]:
                    new.add(key)
                    rows.append(record)
            outcomes.append(recorded)
        self.file.write(rows)
        if rows:
            self._seen.add(new, self.file.head, rows[-1].id)
        return outcomes

    def _known(self, appends: Sequence[Append]) -> set[bytes]:
        asked = [key_of(record.id) for records, once in appends if once for record in records]
        return self._seen.known(asked) if asked else set()

    def _settle(self, parcels: Sequence[Parcel[Append]], outcomes: Sequence[Outcome]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._tell(self.file.head, parcels, outcomes)

    def _look_after(self) -> None:
        """What must be done now and then, after the callers were told."""
        self._pages += self.file.written_pages()
        if self._swept:
            # Only what was written during the sweep is left: with that the WAL is done, and begins anew.
            self._swept = self._sweeping = False
            self._pages = 0
            with _warned("the WAL could not be finished"):
                self.file.checkpoint()
        elif self._pages >= SWEEP_PAGES and not self._sweeping:
            self._sweeping = True
            self._beside.submit(self._sweep)
        if self._seen.due():
            self._beside.submit(self._seen.flush)

    def _sweep(self) -> None:
        with _warned("the WAL could not be moved into the file"):
            self._sweeper.sweep()
        self._swept = True


def _perform(job: _Job[Any]) -> None:
    if not job.done.set_running_or_notify_cancel():
        return
    try:
        job.done.set_result(job.work())
    except BaseException as error:
        job.done.set_exception(error)


@contextlib.contextmanager
def _warned(what: str) -> Iterator[None]:
    try:
        yield
    except apsw.BusyError:
        pass  # somebody else does it just now
    except apsw.Error as error:
        log.warning("%s: %s", what, error)
