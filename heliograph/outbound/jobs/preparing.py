"""What a job needs before its first message: its list, those who are left out, and what goes with every mail.

Everything is fetched when the job is submitted, so what is wrong with it shows then and not at the hour of sending. What
cannot be got just now is tried again for a minute or so; what cannot be got at all ends the job.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from heliograph.attachments.kept import KeptFiles
from heliograph.attachments.rules import SIZE_LIMIT, type_of
from heliograph.clock import Clock
from heliograph.events.messages import Attachment
from heliograph.outbound.jobs.asking import Asking
from heliograph.outbound.jobs.ledger import Ledger, path_of
from heliograph.outbound.jobs.options import JobAttachment
from heliograph.outbound.jobs.reading import Failure, Read, Task, read_apart
from heliograph.outbound.jobs.sources import Later, Sources, unreachable
from heliograph.outbound.jobs.work import ATTACHED
from heliograph.settings import Settings

log = logging.getLogger("heliograph.jobs")

TRIES = (2.0, 10.0, 60.0)
"""Seconds before something is fetched, kept or read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparing:
    """Prepares jobs of every account."""

    data: Path
    clock: Clock
    settings: Settings
    sources: Sources
    read: Callable[[Task], Awaitable[Read]] = read_apart

    async def prepare(self, asking: Asking) -> Failure | None:
        """Fetch what the job names and have its list read. None when the ledger is complete."""
        why = ""
        for pause in (*TRIES, 0.0):
            try:
                return await self._once(asking)
            except (OSError, sqlite3.Error) as error:  # a full disk, most likely
                why = str(error)
                log.warning("what the job %s needs cannot be kept: %s", asking.job.id, why)
                await self.clock.sleep(pause)
        return Failure(code="Job Error", message=f"What the job needs cannot be kept: {why}")

    async def _once(self, asking: Asking) -> Failure | None:
        job, path = asking.job, path_of(self.data, asking.job.id)
        ledger = Ledger(path)
        try:
            if ledger.progress.done:
                return None
            attached = await self._attached(asking, path)
            if isinstance(attached, Failure):
                return attached
            with ledger.writing():
                ledger.note(ATTACHED, attached)
        finally:
            ledger.close()
        wanted = (job.submission.source, *asking.options.suppress)
        packed = [path.with_suffix(f".{number}.packed") for number in range(len(wanted))]
        for source, target in zip(wanted, packed, strict=True):
            if not target.exists() and (failure := await self._fetch(job.account, source, target)):
                return failure
        task = Task(
            ledger=str(path),
            list=str(packed[0]),
            left_out=tuple(map(str, packed[1:])),
            channel=job.submission.channel,
            columns={str(what): name for what, name in asking.options.columns.items()},
            keep_case=asking.account.policy.keep_local_case,
            limit=self.settings.jobs_list_limit,
        )
        failure = await self._read(task)
        for target in packed:
            target.unlink(missing_ok=True)
        return failure

    async def _attached(self, asking: Asking, path: Path) -> list[Attachment] | Failure:
        """What goes with every mail, kept."""
        account, found, size = asking.job.account, [], 0
        target = path.with_suffix(".attached")
        try:
            for one in asking.options.attachments:
                if one.source is None:
                    found.append(_for_each(one))
                    continue
                if (failure := await self._fetch(account, one.source, target)) is not None:
                    return failure
                size += target.stat().st_size
                if size > SIZE_LIMIT:
                    most = f"The attachments of a mail may have {SIZE_LIMIT} bytes at most, all together"
                    return Failure(code="Job Error", message=most)
                kept = await asyncio.to_thread(KeptFiles(self.data).keep, account, target.read_bytes())
                kind = one.content_type or type_of(one.name)
                found.append(
                    Attachment(name=one.name, content_type=kind, content_id=one.content_id, kept=kept)
                )
            return found
        finally:
            target.unlink(missing_ok=True)

    async def _fetch(self, account: str, source: str, target: Path) -> Failure | None:
        part = target.with_suffix(".part")
        why = ""
        try:
            for pause in (*TRIES, 0.0):
                answer = await self.sources.fetch(account, source, part)
                if not isinstance(answer, Later):
                    if answer is None:
                        part.replace(target)
                    return answer
                why = answer.why
                await self.clock.sleep(pause)
            return unreachable(source, why)
        finally:
            part.unlink(missing_ok=True)

    async def _read(self, task: Task) -> Failure | None:
        for pause in (*TRIES, 0.0):
            read = await self.read(task)
            if read.done or read.failure:
                return read.failure
            log.warning("the reading of %s was cut short", task.list)
            await self.clock.sleep(pause)
        return Failure(
            code="Recipient Error", message="The list cannot be read: its reader died again and again"
        )


def _for_each(one: JobAttachment) -> Attachment:
    """A file that each mail fetches for itself."""
    return Attachment(name=one.name, content_type=one.content_type, content_id=one.content_id, url=one.url)
