"""Erasing one person by command (STD-7): the order is an event, as the API gives it; a running engine carries it out.

Where none runs, folds and the act that erases are run here until it is done: nothing else is decided or sent.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Engine

from heliograph.app.person import meant
from heliograph.app.storage import ENGINE, engine_runs, only, reachable
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.journal import Journal
from heliograph.journal.loops import Loops
from heliograph.privacy import orders
from heliograph.privacy.erasing import Eraser, erasure_act
from heliograph.privacy.evidence import evidence_forgets
from heliograph.privacy.jobs import jobs_forget
from heliograph.privacy.queues import queues_forget
from heliograph.queues.file import QueueFile
from heliograph.react.state import erasures
from heliograph.react.state.erasures import Erasure
from heliograph.react.state.folds import FOLDS
from heliograph.retention.archive import Archive
from heliograph.retention.forgetting import archive_forgets
from heliograph.settings import Settings

DONE_SECONDS = 600
"""How long an erasure may take before the command stops waiting for it: it looks through the whole journal."""

LOOK_SECONDS = 0.05


async def erase(settings: Settings, account: str | None, who: str) -> Erasure:
    """Erase the person of this address, phone, number or id; returns what became of it. Raises `OperatorError`."""
    reading = open_state(Path(settings.data), read_only=True)
    try:
        number, person = meant(reading, account, who)
        async with reachable(settings) as journal:
            order = await orders.erase(journal, SystemClock(), number, person.id, by="command line")
            if engine_runs(settings):
                return await _finished(reading, number, order.id)
            with only(settings, ENGINE):
                return await _carry_out(settings, journal, reading, number, order.id)
    finally:
        reading.dispose()


async def _carry_out(
    settings: Settings, journal: Journal, reading: Engine, account: str, order: str
) -> Erasure:
    state, clock = open_state(Path(settings.data)), SystemClock()
    queues = QueueFile(Path(settings.data))
    eraser = Eraser(
        journal=journal,
        clock=clock,
        reading=reading,
        state=state,
        loops=lambda: loops,
        elsewhere=(
            queues_forget(queues),
            archive_forgets(Archive(Path(settings.data))),
            evidence_forgets(EvidenceFiles(Path(settings.data))),
            jobs_forget(Path(settings.data), reading),
        ),
    )
    loops = Loops(
        journal=journal, engine=state, clock=clock, folds=FOLDS, reactions=(), acts=(erasure_act(eraser),)
    )
    running = asyncio.create_task(loops.run())
    try:
        return await _finished(reading, account, order)
    finally:
        await loops.stop()
        await running
        queues.close()
        state.dispose()


async def _finished(reading: Engine, account: str, order: str) -> Erasure:
    """The erasure, as soon as it is done."""
    try:
        async with asyncio.timeout(DONE_SECONDS):
            while True:
                with reading.connect() as connection:
                    known = erasures.find(connection, account, order)
                if known is not None and known.finished is not None:
                    return known
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError as error:
        raise OperatorError(
            f"the erasure {order} is not done yet: see the engine's log and `heliograph parked list`"
        ) from error
