"""What the engine does beside its loops, each at its own pace: dead letters, retention, daily reports.

A chore that fails is logged and comes round again; none of them stops the engine or another one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import Clock
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.journal import Journal
from heliograph.journal.loops import Loops
from heliograph.outbound.daily.days import Daily
from heliograph.outbound.feeds import delivery_log
from heliograph.outbound.jobs import keeping
from heliograph.privacy.evidence import kept_days
from heliograph.queues import keeping as keeping_queues
from heliograph.queues import messages
from heliograph.queues.file import QueueFile
from heliograph.queues.moving import move_some
from heliograph.react.state import records
from heliograph.retention.removing import Retention
from heliograph.settings import Settings

MOVE_SECONDS = 0.05
"""Between two portions of dead letters that are moved."""

LOOK_SECONDS = 0.5
"""Between two looks at which dead letters are to be moved."""

RETAIN_AFTER, RETAIN_SECONDS = 5.0, 3600.0
"""How long after the start, and how often, events are looked for whose days are over."""

DAILY_SECONDS = 600.0
"""How often it is looked whether the files of a day are due, and what failed is tried again."""

log = logging.getLogger("heliograph.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chores:
    """`state` is read only."""

    journal: Journal
    state: Engine
    loops: Loops
    directory: Directory
    queues: QueueFile
    evidence: EvidenceFiles
    retention: Retention
    settings: Settings
    clock: Clock

    def all(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Each of them, to be run until it is cancelled."""
        return self._move_dead_letters(), self._retain(), self._write_days()

    async def _move_dead_letters(self) -> None:
        """Work on the moves that receivers have asked for (StartMessageMoveTask)."""
        while True:
            try:
                going = await self.queues.do(lambda c: move_some(c, self.clock.now() // 1000))
            except Exception:
                log.exception("dead letters could not be moved; tried again soon")
                going = False
            await self.clock.sleep(MOVE_SECONDS if going else LOOK_SECONDS)

    async def _retain(self) -> None:
        """Archive and remove what accounts no longer keep (STD-7); soon after the start, then every hour."""
        await self.clock.sleep(RETAIN_AFTER)
        while True:
            await self.loops.writer.run(partial(records.sweep, now=self.clock.now()))
            await self._empty_queues()
            for account in list(self.directory.accounts.values()):
                try:
                    await asyncio.to_thread(self._expire, account)
                    keep = partial(
                        delivery_log.expire,
                        account=account.number,
                        days=account.policy.retention_days,
                        now=self.clock.now(),
                    )
                    await self.loops.writer.run(keep)
                    done = await self.retention.run(account, self.clock.now())
                    days = kept_days(account, self.settings.evidence_days)
                    await asyncio.to_thread(self.evidence.expire, account.number, days, self.clock.now())
                    if done.removed or done.waiting:
                        log.info("retention of account %s: %s", account.number, done._asdict())
                except Exception:
                    log.exception(
                        "events of account %s could not be archived; tried again later", account.number
                    )
            await self.clock.sleep(RETAIN_SECONDS)

    async def _empty_queues(self) -> None:
        """Let go of what queues keep no longer; where somebody receives, that has happened already."""
        try:
            for queue in await self.queues.do(keeping_queues.every):
                expire = partial(messages.expire, queue=queue, now=self.clock.now() // 1000)
                while await self.queues.do(expire):
                    pass
        except Exception:
            log.exception("what queues keep no longer could not be deleted; tried again later")

    async def _write_days(self) -> None:
        """Deliver the files of a day when they are due (LIT-15)."""
        daily = Daily(
            journal=self.journal,
            state=self.state,
            settings=self.settings,
            write=self.loops.writer.run,
        )
        while True:
            for account in list(self.directory.accounts.values()):
                try:
                    await daily.run(account, self.clock.now())
                except Exception:
                    log.exception("daily reports of account %s have to wait", account.number)
            await self.clock.sleep(DAILY_SECONDS)

    def _expire(self, account: Account) -> None:
        with self.state.connect() as connection:
            keeping.expire(connection, Path(self.settings.data), account, self.clock)
