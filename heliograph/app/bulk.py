"""Bulk jobs by command: submit one with its list, watch it, move it. A running engine carries it out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine

from heliograph.accounts.directory import load_directory
from heliograph.app.accounts import account_number
from heliograph.app.storage import engine_runs, recording
from heliograph.clock import Clock, SystemClock
from heliograph.database import open_state
from heliograph.errors import CallerError, OperatorError, reason_of
from heliograph.events.jobs import JobSubmitted
from heliograph.outbound.jobs import orders, tables, uploads, views
from heliograph.outbound.jobs.ledger import State
from heliograph.outbound.jobs.views import Shown, Standing
from heliograph.react.state import jobs as known
from heliograph.react.state.jobs import Job
from heliograph.settings import Settings

LOOK_SECONDS = 0.25
CHUNK = 1 << 20


class Desk:
    """Jobs of one account, for a command."""

    def __init__(self, settings: Settings, account: str | None) -> None:
        """Raises `OperatorError` where the account is not clear."""
        self.settings = settings
        self.data = Path(settings.data)
        self.clock: Clock = SystemClock()
        self.state: Engine = open_state(self.data, read_only=True)
        self.account = account_number(self.state, account)

    async def hand_in(self, file: Path) -> str:
        """Keep a file as an upload; the source by which a job names it."""

        async def chunks() -> AsyncIterator[bytes]:
            with file.open("rb") as source:
                while chunk := source.read(CHUNK):
                    yield chunk

        try:
            kept = await uploads.keep(self.data, self.account, chunks(), self.settings.jobs_list_limit)
        except (OSError, CallerError) as error:
            raise OperatorError(f"{file} cannot be read: {reason_of(error)}") from error
        return f"upload:{kept}"

    async def submit(self, submission: JobSubmitted) -> str:
        """Have it on record; the job's id. Raises `OperatorError`."""
        account = load_directory(self.state).account(self.account)
        if account is None:
            raise OperatorError(f"there is no account {self.account}")
        async with recording(self.settings) as journal:
            try:
                return (await orders.submit(journal, self.clock, account, submission)).id
            except CallerError as error:
                raise OperatorError(error.message) from error

    async def move(self, job: str, to: orders.Move, reason: str) -> None:
        """Pause, resume or cancel. Raises `OperatorError`."""
        found = self.job(job)
        async with recording(self.settings) as journal:
            try:
                await orders.move(journal, self.clock, found, to, by="command line", reason=reason)
            except CallerError as error:
                raise OperatorError(error.message) from error

    async def decide(self, job: str, template: str) -> None:
        """Name the winner of a split test. Raises `OperatorError`."""
        found = self.job(job)
        async with recording(self.settings) as journal:
            try:
                await orders.decide(journal, self.clock, found, template, by="command line")
            except CallerError as error:
                raise OperatorError(error.message) from error

    def job(self, job: str) -> Job:
        """The job of this id. Raises `OperatorError`."""
        return self.standing(job).job

    def standing(self, job: str) -> Standing:
        """How it stands. Raises `OperatorError`."""
        found = self._standing(job)
        if found is None:
            raise OperatorError(f"there is no job {job} in account {self.account}")
        return found

    def jobs(self, limit: int) -> list[Standing]:
        """The newest jobs."""
        with self.state.connect() as connection:
            found = known.page(connection, self.account, limit=limit)
            standings = [views.standing(connection, self.data, self.account, job.id) for job in found]
        return [one for one in standings if one is not None]

    def recipients(self, job: str, *, state: State | None, after: int, limit: int) -> list[Shown]:
        """Whom a job is for."""
        found = self.job(job)
        with self.state.connect() as connection:
            return views.recipients(connection, self.data, found, state=state, after=after, limit=limit)

    def recipients_csv(self, job: str, *, state: State | None) -> Iterator[bytes]:
        """Everybody on its list, or those in one state, as CSV."""
        return tables.recipients_csv(self.state, self.data, self.job(job), state)

    async def watch(self, job: str, told: Callable[[Standing], object]) -> Standing | None:
        """Tell how it stands until it is over; None where no engine runs that would carry it out."""
        while engine_runs(self.settings):
            found = self._standing(job)
            if found is not None:
                told(found)
                if found.job.over:
                    return found
            await self.clock.sleep(LOOK_SECONDS)
        return None

    def _standing(self, job: str) -> Standing | None:
        with self.state.connect() as connection:
            return views.standing(connection, self.data, self.account, job)
