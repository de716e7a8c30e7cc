"""An import: rows in, events recorded in order, refused rows reported, and a place from which to go on.

Rows are read a thousand at a time while the journal takes the thousand before, so memory stays flat and neither
waits for the other. The journal may be this process's own or a running engine's: an engine that restarts
meanwhile is waited for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import msgspec

from heliograph.clock import Clock
from heliograph.errors import BadRequest, Unavailable
from heliograph.events.event import Record
from heliograph.journal.journal import Journal
from heliograph.porting import people, records
from heliograph.porting.people import Plan, Read
from heliograph.porting.progress import Progress, ProgressFile
from heliograph.porting.refusals import Report
from heliograph.rowfiles.files import File, Lines
from heliograph.rowfiles.rows import Row, Shape, rows

What = Literal["people", "suppressions", "orders", "products", "records"]

READERS: dict[What, Callable[[Plan, int, Mapping[str, Any]], Read]] = {
    "people": people.person,
    "suppressions": people.suppression,
    "orders": partial(people.document, "orders/create"),
    "products": partial(people.document, "products/create"),
    "records": records.record,
}
"""What the rows of a file can be."""

BATCH, BATCH_CHARACTERS = 1_000, 4 << 20
"""Rows read while the journal takes those before, and how much text they are at most."""

SAVE_SECONDS = 1.0
"""How much work is done again after a crash, at most."""

PATIENCE = (0.2, 0.5, 1.0, 2.0, *[5.0] * 24)
"""Seconds before the journal is asked again: two minutes in all."""


class Seen(NamedTuple):
    """What the operator is shown meanwhile: bytes of the file, and the counts."""

    position: int
    progress: Progress


@dataclass(slots=True, kw_only=True)
class Import:
    """One file on its way into one account."""

    what: What
    file: File
    shape: Shape
    plan: Plan
    report: Report
    progress: Progress
    clock: Clock
    oddities: Counter[str] = field(default_factory=Counter)

    def read(self, told: Callable[[Seen], object]) -> Iterator[tuple[int, list[Record]]]:
        """The rows that were not taken yet, as records, a batch at a time, with the last line of each."""
        lines = Lines(self.file)
        try:
            for batch in _batches(rows(lines, self.shape), self.progress.line):
                self.plan = replace(self.plan, now=self.clock.now())
                records: list[Record] = []
                for row in batch:
                    records += self._take(row)
                told(Seen(lines.position, self.progress))
                yield batch[-1].line, records
        finally:
            lines.close()

    def _take(self, row: Row) -> Sequence[Record]:
        self.progress.rows += 1
        try:
            records, notes = _read(self.what, self.plan, row)
        except BadRequest as error:
            self.progress.refused += 1
            self.report.add(row.line, error.message, row.original)
            return ()
        if notes:
            self.progress.odd += 1
            self.oddities.update(notes if len(self.oddities) < BATCH else ())
        return records


def _read(what: What, plan: Plan, row: Row) -> Read:
    if row.fault:
        raise BadRequest(row.fault)
    try:
        return READERS[what](plan, row.line, row.cells)
    except RecursionError as error:
        raise BadRequest("nests too deep to be read") from error


def name(file: File, what: What, account: str, columns: Mapping[str, str], options: Sequence[object]) -> str:
    """What an import is known by: the same file read in the same way is the same import."""
    how = msgspec.json.encode((file.digest, what, account, sorted(columns.items()), options))
    return blake2b(how, digest_size=12).hexdigest()


def rehearse(work: Import, told: Callable[[Seen], object]) -> None:
    """Read everything, record nothing."""
    for _ in work.read(told):
        work.report.flush()


async def run(work: Import, journal: Journal, kept: ProgressFile, told: Callable[[Seen], object]) -> None:
    """Record everything that was not recorded yet. Raises `Unavailable` when the journal stays away."""
    clock = work.clock
    settled, saved = msgspec.structs.replace(work.progress), clock.monotonic()
    under_way: _UnderWay | None = None
    try:
        for line, records in work.read(told):
            if under_way is not None:
                settled = await _settled(work.progress, under_way)
                if clock.monotonic() - saved > SAVE_SECONDS:
                    saved = clock.monotonic()
                    kept.save(settled)
            reached = msgspec.structs.replace(work.progress, line=line, report=work.report.flush())
            under_way = _UnderWay(
                reached, len(records), asyncio.create_task(_append(journal, records, clock))
            )
            await asyncio.sleep(0)
        if under_way is not None:
            settled = await _settled(work.progress, under_way)
        settled.done = work.progress.done = True
    finally:
        kept.save(settled)


class _UnderWay(NamedTuple):
    """What the journal is taking: where the import will be then, how many events, and how many were new."""

    reached: Progress
    events: int
    new: asyncio.Task[int]


async def _settled(progress: Progress, under_way: _UnderWay) -> Progress:
    """Where the import is now that the journal has taken it."""
    new = await under_way.new
    progress.events += new
    progress.known += under_way.events - new
    return msgspec.structs.replace(under_way.reached, events=progress.events, known=progress.known)


async def _append(journal: Journal, records: Sequence[Record], clock: Clock) -> int:
    """How many of these were new."""
    for pause in PATIENCE:
        try:
            return sum(await journal.append_once(records))
        except Unavailable:
            await clock.sleep(pause)
    return sum(await journal.append_once(records))


def _batches(found: Iterable[Row], after: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in found:
        if row.line <= after:
            continue
        batch.append(row)
        size += len(row.original)
        if len(batch) >= BATCH or size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
