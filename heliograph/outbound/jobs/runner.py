"""The loop that carries jobs on, in the engine: fetch the list, have it read, wait for its time, ask, see, finish.

It looks at state again and again and does the next small thing for each job; what a job waits for never holds up
another. Jobs share what may be under way, so a second one halves the first. What was begun and not finished when the
process died is in the ledgers and the journal, and is found there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import SECOND, Clock, iso
from heliograph.errors import BadRequest
from heliograph.events import codec, jobs, subjects
from heliograph.events.event import Data, derived_id
from heliograph.journal.journal import Journal
from heliograph.outbound.jobs.asking import Asking
from heliograph.outbound.jobs.ledger import FOLDER, Ledger, path_of
from heliograph.outbound.jobs.options import Options, options_of, templates_of
from heliograph.outbound.jobs.pacing import Pace
from heliograph.outbound.jobs.preparing import Preparing
from heliograph.outbound.jobs.reading import Failure, Read, Task, read_apart
from heliograph.outbound.jobs.sources import Sources
from heliograph.outbound.jobs.splits import winner
from heliograph.outbound.jobs.work import Work
from heliograph.react.state import definitions, preferences
from heliograph.react.state import jobs as known
from heliograph.react.state.jobs import Job
from heliograph.settings import Settings

log = logging.getLogger("heliograph.jobs")

BUSY_SECONDS, IDLE_SECONDS = 0.02, 0.5
"""Between two looks, while a job is at work and while none is."""

SPEED_SECONDS = 1.0
"""How often a job's speed is noted."""


@dataclass(slots=True)
class _Place:
    """What this process holds of a job: its list on the way into the ledger, then the work on it."""

    preparing: asyncio.Task[Failure | None] | None = None
    work: Work | None = None
    cancelled: bool = False
    over: bool = False
    speed: Pace = field(default_factory=lambda: Pace(10.0))
    noted: float = 0.0


@dataclass(slots=True, kw_only=True)
class Runner:
    """Carries every account's jobs on. `state` is an engine that only reads."""

    data: Path
    journal: Journal
    state: Engine
    directory: Directory
    clock: Clock
    settings: Settings
    sources: Sources
    read: Callable[[Task], Awaitable[Read]] = read_apart
    _preparing: Preparing = field(init=False)
    _pace: Pace = field(default_factory=Pace)
    _places: dict[str, _Place] = field(default_factory=dict)
    _found: bool = False

    def __post_init__(self) -> None:
        self._preparing = Preparing(
            data=self.data,
            clock=self.clock,
            settings=self.settings,
            sources=self.sources,
            read=self.read,
        )

    async def run(self) -> None:
        """Carry on for ever."""
        while True:
            try:
                busy = await self.step()
            except Exception:
                log.exception("jobs could not be looked at; tried again soon")
                busy = False
            await self.clock.sleep(BUSY_SECONDS if busy else IDLE_SECONDS)

    async def step(self) -> bool:
        """Do the next thing for each job. Whether there is more to do at once."""
        jobs = await asyncio.to_thread(self._look)
        running = sum(job.state == "running" for job in jobs) or 1
        busy = False
        for job in jobs:
            try:
                busy |= await self._advance(job, self._pace.window(self.clock.monotonic()) // running)
            except Exception:
                log.exception("the job %s has to wait", job.id)
        return busy

    async def close(self) -> None:
        """Let go of everything; another process goes on from here."""
        for place in self._places.values():
            if place.preparing is not None:
                place.preparing.cancel()
                await asyncio.gather(place.preparing, return_exceptions=True)
            if place.work is not None:
                place.work.ledger.close()
        self._places.clear()

    def _look(self) -> list[Job]:
        """Jobs that are not over, and those that are and still have something open here."""
        if not self._found:
            self._places |= {path.stem: _Place() for path in (self.data / FOLDER).glob("*.db")}
            self._found = True
        with self.state.connect() as connection:
            jobs = known.under_way(connection)
            rest = self._places.keys() - {job.id for job in jobs}
            return jobs + known.these(connection, sorted(rest))

    async def _advance(self, job: Job, places: int) -> bool:
        place = self._places.setdefault(job.id, _Place())
        account = self.directory.account(job.account)
        if account is None or (place.over and not job.over):
            return False
        try:
            asking = self._asking(job, account)
        except BadRequest as error:
            return await self._fail(job, place, Failure(code="Job Error", message=error.message))
        if job.over:
            return await self._close(asking, place)
        if place.work is None:
            return await self._begin(asking, place)
        busy = await self._settle(job, place, place.work)
        if job.state == "paused" or (not job.started and not await self._may_start(asking, place)):
            return busy
        return await self._go_on(asking, place, place.work, places) or busy

    async def _begin(self, asking: Asking, place: _Place) -> bool:
        """Have the list read; when it is, open the ledger."""
        if place.preparing is None:
            place.preparing = asyncio.create_task(self._preparing.prepare(asking))
            return True
        if not place.preparing.done():
            return False
        prepared, place.preparing = place.preparing, None
        failure = prepared.result()
        if failure is not None:
            return await self._fail(asking.job, place, failure)
        place.work = await self._open(asking)
        return True

    async def _open(self, asking: Asking) -> Work:
        ledger = Ledger(path_of(self.data, asking.job.id))
        work = Work(ledger=ledger, journal=self.journal, state=self.state, clock=self.clock)
        await work.open(asking)
        return work

    async def _settle(self, job: Job, place: _Place, work: Work) -> bool:
        settled, now = await work.settle(job.id), self.clock.monotonic()
        for pace in (self._pace, place.speed):
            pace.settled(settled, now)
        if now - place.noted > SPEED_SECONDS:
            place.noted = now
            work.ledger.note("speed", place.speed.per_second(now))
        return settled > 0 or bool(work.under_way)

    async def _may_start(self, asking: Asking, place: _Place) -> bool:
        """Whether its time has come; then it has begun. A job that is too late, or has no template, fails."""
        job, now = asking.job, self.clock.now()
        send_at, lateness = job.submission.send_at, asking.options.lateness
        if send_at is not None and now < send_at:
            return False
        if send_at is not None and now > send_at + lateness * SECOND:
            late = f"It was to begin at {iso(send_at)}, at most {lateness} s later; it is {iso(now)}"
            return not await self._fail(job, place, Failure(code="Schedule Error", message=late))
        missing = await asyncio.to_thread(self._missing, job, asking.options)
        if missing is not None:
            return not await self._fail(job, place, missing)
        await self._tell(job, jobs.JobStarted(job=job.id))
        return True

    def _missing(self, job: Job, options: Options) -> Failure | None:
        """What the job names and the account does not have."""
        with self.state.connect() as connection:
            for name in templates_of(job.submission, options):
                if definitions.template(connection, job.account, name, options.template_version) is None:
                    return Failure(code="Template Error", message=f"There is no template {name}")
            offered = [topic.name for topic in preferences.topics(connection, job.account)]
        if options.topic is not None and options.topic not in offered:
            return Failure(code="Job Error", message=f"There is no subscription topic {options.topic}")
        return None

    async def _go_on(self, asking: Asking, place: _Place, work: Work, places: int) -> bool:
        """Ask for more, if there is room; finish when nobody is left."""
        job = asking.job
        if asking.options.split is not None:
            await self._decide(asking, work)
        room = places - len(work.under_way)
        if room > 0 and await work.ask(asking, room):
            return True
        if not work.under_way and not work.open_rows:
            await self._tell(job, jobs.JobFinished(job=job.id, counts=work.ledger.counts()))
            place.over = True
        return False

    async def _decide(self, asking: Asking, work: Work) -> None:
        """Let those go who were held for a winner; name it, when its time has come."""
        job, split, now = asking.job, asking.options.split, self.clock.now()
        if job.winner is not None:
            if not work.ledger.fact("decided", bool, False):
                await asyncio.to_thread(work.let_go)
        elif (
            split is not None
            and split.by != "hand"
            and job.started
            and now >= job.started + split.after * SECOND
        ):
            with self.state.connect() as connection:
                figures = known.figures_by_template(connection, job.account, job.id)
            shown = {
                template: {"messages": one.messages, "opens": one.opens, "clicks": one.clicks}
                for template, one in figures.items()
            }
            best = winner(split, figures)
            await self._tell(job, jobs.JobDecided(job=job.id, template=best, figures=shown, by=split.by))

    async def _fail(self, job: Job, place: _Place, failure: Failure) -> bool:
        wanted = job.submission
        failed = jobs.JobFailed(
            job=job.id,
            error_code=failure.code,
            error_message=failure.message,
            correlation_id=wanted.correlation_id,
            request_id=wanted.request_id,
            job_category=wanted.job_category,
        )
        await self._tell(job, failed)
        place.over = True
        return True

    async def _close(self, asking: Asking, place: _Place) -> bool:
        """Let go of a job that is over. One that was cancelled is called back first, and seen to its end."""
        job = asking.job
        if place.preparing is not None:
            place.preparing.cancel()
            await asyncio.gather(place.preparing, return_exceptions=True)
            place.preparing = None
        if job.state == "cancelled" and path_of(self.data, job.id).exists():
            if place.work is None:
                place.work = await self._open(asking)
            if not place.cancelled:
                place.cancelled = True
                await place.work.cancel(asking, job.reason or "the job was cancelled")
            await self._settle(job, place, place.work)
            if place.work.open_rows:
                return True
        if place.work is not None:
            place.work.ledger.empty_log()
            place.work.ledger.close()
        for left in (self.data / FOLDER).glob(f"{job.id}.*"):
            if not left.name.startswith(f"{job.id}.db"):
                left.unlink(missing_ok=True)
        del self._places[job.id]
        return False

    async def _tell(self, job: Job, data: Data) -> None:
        event = codec.make(
            data,
            account=job.account,
            subject=subjects.thing("job", job.id),
            now=self.clock.now(),
            cause=job.id,
            id=derived_id(job.id, data.kind),
        )
        await self.journal.append_once([codec.encode(event)])

    def _asking(self, job: Job, account: Account) -> Asking:
        return Asking(job=job, options=options_of(job.submission), account=account)
