"""Jobs with everything around them that is real: journal, state, ledgers, lists; messages end as the test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, open_state
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.definitions import TemplateSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.events.jobs import JobSubmitted
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.jobs import orders, reading, uploads, views
from heliograph.outbound.jobs.reading import Read, Task
from heliograph.outbound.jobs.runner import Runner
from heliograph.outbound.jobs.sources import Sources
from heliograph.outbound.jobs.views import Shown, Standing
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings

PATIENCE = 60.0
"""Seconds."""
NOW = 1_700_000_000 * SECOND  # Tuesday 2023-11-14 22:13:20 UTC

Outcome = Callable[[AnyEvent], Data | None]


def sent(event: AnyEvent) -> Data | None:
    """A relay takes it."""
    assert isinstance(event.data, MessageRequested)
    return MessageSent(message=event.id, address=event.data.address)


async def read_here(task: Task) -> Read:
    """The list is read in this process, where a test can look."""
    return reading.read(task)


class World:
    """One account. `outcome` says what becomes of a message that is asked for; None: nothing yet."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data, self.clock, self.journal = data, ManualClock(NOW), MemoryJournal()
        self.state = open_state(data)
        METADATA.create_all(self.state)
        made = keys.first_start(self.state, data, "http://x.example", NOW)
        assert made is not None
        self.reading = open_state(data, read_only=True)
        self.directory = load_directory(self.reading)
        account = self.directory.account(made["account"])
        assert account is not None
        self.account = account
        self.settings = Settings(data=str(data), **settings)
        self.egress = Egress(self.settings)
        self.outcome: Outcome = sent
        self.requests: list[AnyEvent] = []
        self._folded = 0
        self.runner = self.open()

    def open(self) -> Runner:
        """A runner as a process that has just started has it."""
        return Runner(
            data=self.data,
            journal=self.journal,
            state=self.reading,
            directory=self.directory,
            clock=self.clock,
            settings=self.settings,
            sources=Sources(data=self.data, egress=self.egress, settings=self.settings),
            read=read_here,
        )

    async def close(self) -> None:
        await self.runner.close()
        await self.egress.close()
        self.reading.dispose()
        self.state.dispose()

    async def template(self, *names: str) -> None:
        for name in names:
            parts = {"subject": "s", "html": "<p>h</p>"}
            await self.tell(TemplateSaved(name=name, parts=parts), f"template:{name}")

    async def tell(self, data: Data, subject: str) -> AnyEvent:
        event = codec.make(data, account=self.account.number, subject=subject, now=self.clock.now())
        await self.journal.append([codec.encode(event)])
        await self.follow()
        return event

    async def submit(self, content: bytes | str, **fields: Any) -> str:
        async def chunks() -> Any:
            yield content.encode() if isinstance(content, str) else content

        upload = await uploads.keep(self.data, self.account.number, chunks(), 1 << 30)
        return await self.order(f"upload:{upload}", **fields)

    async def order(self, source: str, *, options: dict[str, Any] | None = None, **fields: Any) -> str:
        wanted = JobSubmitted(
            **{"name": "n", "template": "t", "source": source, "options": options or {}, **fields}
        )
        event = await orders.submit(self.journal, self.clock, self.account, wanted)
        await self.follow()
        return event.id

    async def follow(self) -> None:
        """Fold what is recorded, and give messages their outcome, until nothing comes of it."""
        while entries := await self.journal.read(self._folded):
            self._folded = entries[-1].seq
            events = [codec.decode(entry) for entry in entries]
            with self.state.begin() as connection:
                for fold in FOLDS:
                    fold.apply(connection, [one for one in events if one.kind in fold.kinds])
            asked = [one for one in events if one.kind == MessageRequested.kind]
            self.requests += asked
            for event in asked:
                if (told := self.outcome(event)) is not None:
                    record = codec.encode(codec.follow(event, told, now=self.clock.now()))
                    await self.journal.append_once([record])

    async def steps(self, times: int = 12, seconds: float = 0.1) -> None:
        """Let the runner do so many things, with time between."""
        for _ in range(times):
            await self.runner.step()
            await self.clock.settle()
            await self.follow()
            await self.clock.advance(seconds)

    async def until(self, job: str, state: str, times: int = 400, seconds: float = 0.1) -> Standing:
        """Go on until the job is in this state; between two looks the clock goes on so far. A look while a list is read, which
        another process does and takes its time for, does not count."""
        end = time.monotonic() + PATIENCE
        while times > 0 and time.monotonic() < end:
            found = self.standing(job)
            if found.job.state == state:
                return found
            await self.steps(1, seconds)
            place = self.runner._places.get(job)  # a reading in a task: it is waited for, not slept for
            if place is not None and place.preparing is not None:
                await _either(place.preparing)
            else:
                times -= 1
        raise AssertionError(f"the job is {msgspec.to_builtins(self.standing(job))}")

    def standing(self, job: str) -> Standing:
        with self.reading.connect() as connection:
            found = views.standing(connection, self.data, self.account.number, job)
        assert found is not None
        return found

    def recipients(self, job: str) -> list[Shown]:
        with self.reading.connect() as connection:
            return views.recipients(
                connection, self.data, self.standing(job).job, state=None, after=0, limit=10_000
            )

    async def move(self, job: str, to: orders.Move) -> None:
        await orders.move(self.journal, self.clock, self.standing(job).job, to, by="test")
        await self.follow()

    def addresses(self) -> list[str]:
        return [event.data.address for event in self.requests if isinstance(event.data, MessageRequested)]


async def _either(task: Any) -> None:
    await asyncio.wait({task}, timeout=0.02)
