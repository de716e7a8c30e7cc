"""An engine of its own process, to be killed: notes, follows, and says on its output what it performed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from loops_world import FOLLOWED, SAID, following, name_of, noting

from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Act, Delivered, Outcome
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal


async def perform(event: AnyEvent, _: int) -> Outcome:
    os.write(sys.stdout.fileno(), f"{name_of(event)}\n".encode())
    return Delivered()


async def main(data: Path) -> None:
    journal = await SqliteJournal.open(data)
    engine = open_state(data)
    loops = Loops(
        journal=journal,
        engine=engine,
        clock=SystemClock(),
        folds=[noting(), noting("followed", kinds=FOLLOWED)],
        reactions=[following()],
        acts=[Act("say", SAID | FOLLOWED, perform, concurrency=4)],
    )
    running = asyncio.create_task(loops.run())
    await loops.caught_up()
    await loops.stop()
    await running
    await journal.close()
    engine.dispose()
    os.write(sys.stdout.fileno(), b"done\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
