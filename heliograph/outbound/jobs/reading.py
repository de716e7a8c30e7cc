"""Reading a list of recipients into its ledger, in a process of its own.

Apart, because it is a minute of pure Python for a million rows, during which the engine's loops would get half a
core, and because what came from outside is decoded here: the child has a bound on its memory, and may be killed at any
time. A batch of rows and the line up to which the list was read are one transaction, so the next child goes on where
this one was. Nobody is written to before the whole list is read: one that is cut short reaches nobody.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

from heliograph.events.consent import Channel
from heliograph.outbound.jobs import lists
from heliograph.outbound.jobs.ledger import (
    BROKEN_KEPT,
    DUPLICATE,
    REFUSED,
    WAITING,
    Ledger,
    Progress,
    Recipient,
)
from heliograph.outbound.jobs.lists import Found, Unreadable
from heliograph.outbound.jobs.packing import CannotUnpack, unpack
from heliograph.supervisor import die_with_parent

BATCH = 2_000
"""Rows of one transaction."""

MEMORY = 1 << 30
"""Bytes of address space of the child: rows are bounded, so it needs a tenth."""

UNPACKED = ".list"
"""What an unpacked list is called, beside its ledger."""


T = TypeVar("T")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job cannot be processed, in the words of the MessageGears document: `Transfer Error`, and a message."""

    code: str
    message: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read: a list and those who are left out, both as they came; `limit` in bytes, unpacked."""

    ledger: str
    list: str
    left_out: tuple[str, ...]
    channel: Channel
    columns: dict[str, str]
    keep_case: bool
    limit: int


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; neither done nor failed where the reader died."""

    done: bool = False
    failure: Failure | None = None


async def read_apart(task: Task) -> Read:
    """As `read`, in a child. A child that died is an answer that is neither done nor failed: try again."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, str(os.getpid())),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await child.communicate(msgspec.json.encode(task))
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
    try:
        return msgspec.json.decode(said, type=Read)
    except msgspec.DecodeError:
        return Read()


def read(task: Task) -> Read:
    """Read everything that was not read yet. Blocks."""
    ledger = Ledger(Path(task.ledger), reading=True)
    try:
        progress = ledger.progress
        if not progress.done:
            for number, packed in enumerate(task.left_out):
                _leave_out(ledger, task, Path(packed), number)
            _take(ledger, task, progress)
        return Read(done=True, failure=_nobody(ledger))
    except (Unreadable, CannotUnpack) as error:
        return Read(failure=Failure(code="Recipient Error", message=f"The list cannot be read: {error}"))
    except MemoryError:  # one row that is a gigabyte: it would be the same the next time
        most = f"it needs more than {MEMORY} bytes of memory"
        return Read(failure=Failure(code="Recipient Error", message=f"The list cannot be read: {most}"))
    finally:
        ledger.close()


def _leave_out(ledger: Ledger, task: Task, packed: Path, number: int) -> None:
    plain = Path(task.ledger).with_suffix(f".{number}{UNPACKED}")
    try:
        unpack(packed, plain, task.limit)
        found = (
            lists.same(task.channel, one, keep_case=task.keep_case)
            for one in lists.addresses(plain, task.channel)
        )
        while batch := _some(found):
            with ledger.writing():
                ledger.leave_out(batch)
    except (Unreadable, CannotUnpack) as error:
        raise Unreadable(f"suppression list {number + 1}: {error}") from error
    finally:
        plain.unlink(missing_ok=True)


def _take(ledger: Ledger, task: Task, progress: Progress) -> None:
    """Read the rows behind those that were taken."""
    plain = Path(task.ledger).with_suffix(UNPACKED)
    try:
        unpack(Path(task.list), plain, task.limit)
        found = lists.recipients(plain, task.channel, task.columns)
        fresh = islice(found, progress.seen, None)
        while batch := _some(fresh):
            with ledger.writing():
                for one in batch:
                    _row(ledger, task, progress, one)
                progress.seen += len(batch)
                ledger.note("progress", progress)
    finally:
        plain.unlink(missing_ok=True)
    progress.done = True
    with ledger.writing():
        ledger.note("progress", progress)
        ledger.forget_keys()
    ledger.empty_log()


def _row(ledger: Ledger, task: Task, progress: Progress, found: Found) -> None:
    if found.fault:
        progress.broken += 1
        if progress.broken <= BROKEN_KEPT:
            ledger.add_broken(progress.broken, found.line, found.fault)
        return
    progress.rows += 1
    state, reason = WAITING, None
    same = lists.same(task.channel, found.address, keep_case=task.keep_case)
    key = int.from_bytes(blake2b(same.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1
    first = ledger.known(key)
    if first is not None:
        if lists.same(task.channel, first.address, keep_case=task.keep_case) == same:
            state, reason = DUPLICATE, f"line {first.line} has this address"
    elif ledger.is_left_out(same):
        state, reason = REFUSED, "on a suppression list of the job"
    ledger.add(
        key if first is None else None,
        Recipient(
            progress.rows,
            found.line,
            state,
            found.address,
            found.recipient_id,
            found.time_zone,
            found.data,
            reason=reason,
        ),
    )


def _nobody(ledger: Ledger) -> Failure | None:
    """A list without a single recipient, but with broken rows, is not a list of recipients."""
    progress = ledger.progress
    if progress.rows or not progress.broken:
        return None
    first = ledger.broken(after=0, limit=1)[0]
    return Failure(
        code="Recipient Error",
        message=f"None of {progress.broken} rows is a recipient; the first: line {first.line} {first.reason}",
    )


def _some(rows: Iterator[T]) -> list[T]:
    return list(islice(rows, BATCH))


def main() -> None:
    """The child: a task in, what came of it out."""
    die_with_parent(int(sys.argv[1]))
    os.nice(5)  # who waits for an answer goes first
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (most, most))
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    sys.stdout.buffer.write(msgspec.json.encode(read(task)))


if __name__ == "__main__":
    main()
