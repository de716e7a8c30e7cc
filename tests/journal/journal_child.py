"""A process of its own that owns or uses a journal, for tests that end it in the middle of things.

journal_child.py append DATA     own it; append from many tasks; print the id of each acknowledged record
journal_child.py once DATA COUNT own it; append_once the records 0, 1, 2 ... from the first on; print likewise
journal_child.py serve DATA      own it and serve it on its socket; print "ready"; end when standard input does
journal_child.py remote DATA     as append, through the socket of the owner
journal_child.py full DATA       own it on a disk that is full for a while; print what happened as JSON
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import signal
import sys
from pathlib import Path

from journal_records import numbered, record

from heliograph.errors import Unavailable
from heliograph.journal.frames import SOCKET
from heliograph.journal.journal import Journal
from heliograph.journal.remote import RemoteJournal
from heliograph.journal.sqlite import SqliteJournal
from heliograph.journal.writer import serve_journal

TASKS = 40
BATCH = 90


def say(text: str) -> None:
    """In one write: a line is told whole or not at all."""
    os.write(1, text.encode() + b"\n")


async def append(journal: Journal) -> None:
    async def task(number: int) -> None:
        for count in itertools.count():
            size = BATCH if number == 0 else 1
            records = [
                record(b'{"count":%d}' % count, subject=f"{os.getpid()}:{number}") for _ in range(size)
            ]
            try:
                await journal.append(records)
            except Unavailable:
                await asyncio.sleep(0.01)  # refused at once while nobody is there: the journal needs its turn
                continue
            say(" ".join(one.id for one in records))

    await asyncio.gather(*(task(number) for number in range(TASKS)))


async def once(journal: Journal, count: int) -> None:
    for number in range(0, count, 3):
        records = [numbered(number + offset) for offset in range(3)]
        await asyncio.gather(journal.append_once(records), journal.append_once(records[::-1]))
        say(" ".join(one.id for one in records))


async def serve(data: Path) -> None:
    journal = await SqliteJournal.open(data)
    server = await serve_journal(journal, data / SOCKET)
    say("ready")
    await asyncio.to_thread(sys.stdin.read)
    await server.close()
    await journal.close()


async def full(data: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = await SqliteJournal.open(data)
    limit = 2 << 20
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    acknowledged, refused = [], []
    for _ in range(200):
        records = [record(b"x" * 10_000) for _ in range(5)]
        ends = await asyncio.gather(
            *(journal.append([one]) for one in records),
            journal.append_once([numbered(7)]),
            return_exceptions=True,
        )
        for one, end in zip(records, ends, strict=False):
            (acknowledged if end is None else refused).append((one.id, type(end).__name__))
    head = await journal.head()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    after = [record() for _ in range(3)]
    for one in after:
        await journal.append([one])
    ids = [entry.id for entry in await journal.read(0, limit=5000)]
    await journal.close()
    say(
        json.dumps(
            {
                "acknowledged": [one for one, _ in acknowledged],
                "refused": [one for one, _ in refused],
                "as": sorted({name for _, name in refused}),
                "head": head,
                "after": [one.id for one in after],
                "ids": ids,
                "repeated": numbered(7).id,
            }
        )
    )


async def run(mode: str, data: Path) -> None:
    if mode == "append":
        await append(await SqliteJournal.open(data))
    elif mode == "once":
        await once(await SqliteJournal.open(data), int(sys.argv[3]))
    elif mode == "serve":
        await serve(data)
    elif mode == "full":
        await full(data)
    elif mode == "remote":
        await append(await RemoteJournal.connect(data))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))
