"""The engine: one process that runs folds, reactions and timers over the journal.

It reads the journal's file, appends through its owner's socket, and is the only process that writes what is remembered.
What goes out follows it in a process of its own (`app.outbound`); here are only those acts that change state: erasure.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import uvloop

from heliograph.accounts.directory import Directory, load_directory
from heliograph.app import lag, part, seeing
from heliograph.app.chores import Chores
from heliograph.app.storage import ENGINE, only, remote
from heliograph.clock import Clock, SystemClock
from heliograph.database import empty_wal, open_state, sweep_wal
from heliograph.egress import Egress
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.consumer import Reaction
from heliograph.journal.following import SOCKET
from heliograph.journal.journal import Journal
from heliograph.journal.loops import Loops
from heliograph.outbound.jobs.runner import Runner
from heliograph.outbound.jobs.sources import Sources
from heliograph.privacy.erasing import Eraser, erasure_act
from heliograph.privacy.evidence import evidence_forgets
from heliograph.privacy.jobs import jobs_forget
from heliograph.privacy.queues import queues_forget
from heliograph.queues.file import QueueFile
from heliograph.react import automations, identities, judgement, policies, readtimes
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.readers import load as load_readers
from heliograph.retention.archive import Archive
from heliograph.retention.forgetting import archive_forgets
from heliograph.retention.removing import Retention
from heliograph.settings import Settings

log = logging.getLogger("heliograph.engine")

EMPTY_SECONDS = 60.0
"""How long what was erased may still lie in the state's write-ahead log."""

LOOK_SECONDS = 0.5
"""How soon a change of accounts counts, and how often the state's log is swept."""


def run(settings: Settings) -> None:
    """Run the engine until SIGTERM."""
    with only(settings, ENGINE):
        uvloop.run(_run(settings, SystemClock()))


def reactions(directory: Directory, readers: Readers) -> tuple[Reaction, ...]:
    """What decides, in one tuple."""
    return (
        identities.REACTION,
        policies.reaction(directory),
        judgement.reaction(directory, readers),
        readtimes.REACTION,
        automations.reaction(directory),
    )


async def _run(settings: Settings, clock: Clock) -> None:
    async with contextlib.AsyncExitStack() as closing:
        journal = await closing.enter_async_context(remote(settings))
        engine = EngineRoom(settings, clock, journal)
        closing.push_async_callback(engine.close)
        await part.until_stopped(engine)


class EngineRoom:
    """The loops and what they need, put together."""

    def __init__(self, settings: Settings, clock: Clock, journal: Journal) -> None:
        self._settings, self._clock = settings, clock
        data = Path(settings.data)
        self._state, self._reading = open_state(data), open_state(data, read_only=True)
        self._directory, readers = load_directory(self._reading), load_readers(settings)
        readers.ready()
        self._journal, self._egress, self._queues = journal, Egress(settings), QueueFile(data)
        self._archive, self._evidence = Archive(data), EvidenceFiles(data)
        self._jobs = self._runner()
        self._retention = Retention(journal=journal, state=self._reading, archive=self._archive)
        self.loops = Loops(
            journal=journal,
            engine=self._state,
            clock=clock,
            folds=FOLDS,
            reactions=reactions(self._directory, readers),
            acts=(erasure_act(self._eraser()),),
            leads=data / SOCKET,
        )
        self._beside: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Feed until `stop`."""
        start = asyncio.get_running_loop().create_task
        beside = (self._look_around(), self._jobs.run(), *self._chores().all())
        self._beside = [start(work) for work in beside]
        await self.loops.run()

    async def stop(self) -> None:
        """Begin nothing more, finish what was begun."""
        for task in self._beside:
            task.cancel()
        await self.loops.stop(self._settings.shutdown_grace)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._jobs.close()
        await self._egress.close()
        self._queues.close()
        self._reading.dispose()
        empty_wal(self._state)
        self._state.dispose()

    async def _look_around(self) -> None:
        """See what others changed, say how far behind everybody is, and move the log of state into its file in small pieces;
        nothing erased is left in it."""
        emptied = self._clock.monotonic()
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                await asyncio.to_thread(sweep_wal, self._state)
                if self._clock.monotonic() - emptied > EMPTY_SECONDS:
                    emptied = self._clock.monotonic()
                    await asyncio.to_thread(empty_wal, self._state)
                await asyncio.to_thread(self._directory.reload, self._reading)
            except Exception:
                log.exception("what was changed could not be looked at; tried again soon")
            lag.say(self.loops)
            seeing.say("engine", self._directory)

    def _eraser(self) -> Eraser:
        return Eraser(
            journal=self._journal,
            clock=self._clock,
            reading=self._reading,
            state=self._state,
            loops=lambda: self.loops,
            elsewhere=(
                queues_forget(self._queues),
                archive_forgets(self._archive),
                evidence_forgets(self._evidence),
                jobs_forget(Path(self._settings.data), self._reading),
            ),
        )

    def _runner(self) -> Runner:
        data = Path(self._settings.data)
        return Runner(
            data=data,
            journal=self._journal,
            state=self._reading,
            directory=self._directory,
            clock=self._clock,
            settings=self._settings,
            sources=Sources(data=data, egress=self._egress, settings=self._settings),
        )

    def _chores(self) -> Chores:
        return Chores(
            journal=self._journal,
            state=self._reading,
            loops=self.loops,
            directory=self._directory,
            queues=self._queues,
            evidence=self._evidence,
            retention=self._retention,
            settings=self._settings,
            clock=self._clock,
        )


if __name__ == "__main__":
    part.run("engine", run)
