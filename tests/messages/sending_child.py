"""A process that performs one attempt at one message and says what came of it; to be killed in the middle.

Arguments: the data directory, the relay's URL, the attempt's number."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dispatch_world import Office, request

from heliograph.clock import SystemClock
from heliograph.journal.sqlite import SqliteJournal


async def main(data: Path, url: str, attempt: int) -> None:
    journal = await SqliteJournal.open(data)
    clock = SystemClock()
    office = Office(url, clock=clock, journal=journal)
    outcome = await office.perform(request(clock, address="sulk@x.example"), attempt)
    print(type(outcome).__name__, flush=True)
    await office.close()
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
