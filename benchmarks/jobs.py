"""Bulk jobs: reading a list of a million recipients with flat memory, and asking for their messages.

The list is read by the child that the engine uses, whose peak memory is what the kernel says of it. Asking is measured
up to the journal: what sends is measured elsewhere. `JOBS_PEOPLE` in the environment makes the list shorter.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import resource
import sqlite3
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.machine import memory_mb
from benchmarks.report import Row
from benchmarks.servers import Server, ours
from benchmarks.sink import sink
from heliograph.accounts import keys
from heliograph.accounts.model import Account
from heliograph.app import templates
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
from heliograph.settings import load as load_settings

PEOPLE = 1_000_000
ASKED = 20_000
BATCH = 1_000
MEMORY_GOAL = 300
WATCHED_SECONDS = 40.0
"""For how long a sending engine's memory is looked at, from its first mail."""


def a_million(scratch: Path) -> list[Row]:
    """Reading, memory and asking, against what a plain loop over the same rows into a plain table takes."""
    people = int(os.environ.get("JOBS_PEOPLE", PEOPLE))
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        place = Path(made)
        source = place / "people.csv"
        _write_list(source, people)
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


def memory(scratch: Path) -> list[Row]:
    """A whole engine that sends to everybody of a list: what it holds after its first seconds, and at its most."""
    people = int(os.environ.get("JOBS_PEOPLE", PEOPLE))
    place = scratch / "sending"
    place.mkdir()
    source = place / "people.csv"
    _write_list(source, people)
    with sink(10**9, str(place / "taken")) as (port, _):
        relay = f"smtp://127.0.0.1:{port}"
        with ours(place, smtp_relay=relay, smtp_connections="16") as server:
            asyncio.run(_may_send(server))
            _submit(server, source)
            while not (place / "taken").exists() or not (place / "taken").stat().st_size:
                time.sleep(0.1)
            (engine,) = server.pids("engine")[:1]
            held = []
            end = time.monotonic() + WATCHED_SECONDS
            while time.monotonic() < end:
                time.sleep(0.5)
                held.append(memory_mb(engine))
        sent = (place / "taken").read_bytes().count(b"\n")
    begun, most = held[len(held) // 4], max(held)
    return [
        Row(
            f"an engine's memory at its most, {people:,} on the list, {sent:,} sent",
            f"{most:,.0f} MiB",
            f"goal {MEMORY_GOAL}",
            MEMORY_GOAL / most,
            goal=1,
        ),
        Row("the same, against after a quarter of the time", f"{begun:,.0f} MiB", "", most / begun),
    ]


def _write_list(path: Path, people: int) -> None:
    with path.open("w") as file:
        file.write("EmailAddress,FirstName,City,RecipientId\n")
        file.writelines(f"p{n}@host{n % 997}.example,Name{n},Town {n % 1000},{n}\n" for n in range(people))


async def _may_send(server: Server) -> None:
    state = open_state(server.data)
    with state.begin() as connection:
        keys.set_policy(connection, server.keys["account"], {"from_address": "news@shop.example"})
    state.dispose()
    parts = {"subject": "News", "html": "<p>Hello {{ recipient.FirstName }} of {{ recipient.City }}</p>"}
    await templates.save(load_settings({"data": str(server.data)}, environ={}), None, "news", parts, {})
    await asyncio.sleep(1.0)  # for the policy to be seen


def _submit(server: Server, source: Path) -> None:
    uploaded = _post(server, "/uploads", source.read_bytes())
    _post(server, "/api/v1/jobs", json.dumps({"template": "news", "source": uploaded["source"]}).encode())


def _post(server: Server, path: str, body: bytes) -> dict[str, str]:
    headers = {"x-api-key": server.keys["api_key"], "content-type": "application/json"}
    request = urllib.request.Request(server.url + path, data=body, headers=headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        said: dict[str, str] = json.loads(answer.read())
    return said


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
