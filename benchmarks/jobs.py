"""Bulk jobs: reading a list of a million recipients with flat memory, and asking for their messages.

The list is read by the child that the engine uses, whose peak memory is what the kernel says of it. Asking is measured
up to the journal: what sends is measured elsewhere. `JOBS_PEOPLE` in the environment makes the list shorter.
"""

from __future__ import annotations

import asyncio
import csv
import os
import resource
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.report import Row
from heliograph.accounts.model import Account
from heliograph.clock import SystemClock
from heliograph.database import METADATA, open_state
from heliograph.events.jobs import JobSubmitted
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.jobs.asking import Asking
from heliograph.outbound.jobs.ledger import Ledger
from heliograph.outbound.jobs.options import Options
from heliograph.outbound.jobs.reading import Task, read_apart
from heliograph.outbound.jobs.work import Work
from heliograph.react.state.jobs import Job

PEOPLE = 1_000_000
ASKED = 20_000
BATCH = 1_000
MEMORY_GOAL = 300


def a_million(scratch: Path) -> list[Row]:
    """Reading, memory and asking, against what a plain loop over the same rows into a plain table takes."""
    people = int(os.environ.get("JOBS_PEOPLE", PEOPLE))
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        place = Path(made)
        source = place / "people.csv"
        with source.open("w") as file:
            file.write("EmailAddress,FirstName,City,RecipientId\n")
            file.writelines(
                f"p{n}@host{n % 997}.example,Name{n},Town {n % 1000},{n}\n" for n in range(people)
            )
        plain = _plainly(source, place / "plain.db")
        task = Task(
            ledger=str(place / "jobs" / "j.db"),
            list=str(source),
            left_out=(),
            channel="email",
            columns={},
            keep_case=False,
            limit=1 << 34,
        )
        began = time.monotonic()
        done = asyncio.run(read_apart(task))
        seconds = time.monotonic() - began
        assert done.done, done
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        rate = asyncio.run(_asking(place))
    return [
        Row(
            f"reading {people:,} recipients into a ledger",
            f"{people / seconds:,.0f} rows/s",
            f"csv module into a plain table {people / plain:,.0f}",
            plain / seconds,
        ),
        Row(
            "the reader's peak memory", f"{peak:,.0f} MiB", f"goal {MEMORY_GOAL}", MEMORY_GOAL / peak, goal=1
        ),
        Row("asking: ledger to journal, durable", f"{rate:,.0f} messages/s", "", None),
    ]


def _plainly(source: Path, target: Path) -> float:
    began = time.monotonic()
    connection = sqlite3.connect(target)
    connection.execute("CREATE TABLE people (address TEXT PRIMARY KEY, name TEXT, city TEXT, id TEXT)")
    with source.open(newline="") as file:
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", csv.reader(file))
    connection.commit()
    connection.close()
    return time.monotonic() - began


async def _asking(place: Path) -> float:
    state, clock = open_state(place), SystemClock()
    METADATA.create_all(state)
    journal = await SqliteJournal.open(place)
    ledger = Ledger(place / "jobs" / "j.db")
    work = Work(ledger=ledger, journal=journal, state=state, clock=clock)
    asking = Asking(job=_job(), options=Options(), account=Account(number="1" * 12, store_id="7"))
    began = time.monotonic()
    for _ in range(ASKED // BATCH):
        await work.ask(asking, BATCH)
    seconds = time.monotonic() - began
    ledger.close()
    await journal.close()
    state.dispose()
    return ASKED / seconds


def _job() -> Job:
    return Job(
        id="018cc251-f400-7000-8000-0123456789ab",
        account="1" * 12,
        state="running",
        submission=JobSubmitted(name="n", template="t", source="upload:x"),
        submitted=0,
        started=0,
        ended=None,
        error_code=None,
        error_message=None,
        reason="",
        winner=None,
        counts={},
    )
