"""Somebody who opens a mail, looks at it for a while and leaves: as a mail client asks, whatever it is answered with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urljoin

from door_calls import Asked, Doors

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.inbound import tracking
from heliograph.inbound.tracking.codes import Codes
from heliograph.inbound.tracking.readtime import ReadTimes
from heliograph.journal.memory import MemoryJournal
from heliograph.readers import Readers
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.web.http import Reply, Streamed

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PERSON = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
NUMBERS = {"held": "000000000001", "redirects": "000000000002", "off": "000000000003"}
KEYS = Keyring({1: b"k" * 32}, 1)
DIRECTORY = Directory(
    [
        Account(number=number, store_id=name, policy=Policy(read_time=name))  # type: ignore[arg-type] - one of three
        for name, number in NUMBERS.items()
    ],
    [],
    KEYS,
)
READERS = Readers()
EMPTY_STATE = memory_state()

BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
REDIRECTS = 20
"""After so many a browser gives up (Fetch standard, 4.4)."""


class MailReader:
    """Loads a pixel from one of several workers, each request from the next, until it has all or leaves.

    `behind_proxy`: the worker is not told that the reader left."""

    def __init__(
        self, workers: Sequence[Doors], path: str, agent: str = BROWSER, *, behind_proxy: bool = False
    ) -> None:
        self._workers, self._agent, self._behind_proxy = workers, agent, behind_proxy
        self._left = asyncio.Event()
        self.paths = [path]
        self.picture = b""
        self.headers: dict[str, str] = {}
        self.task = asyncio.create_task(self._load())

    def leave(self) -> None:
        """Close the mail."""
        if self._behind_proxy:
            self._workers = ()
        else:
            self._left.set()

    @property
    def has_all(self) -> bool:
        """Whether the picture has come to its end."""
        return self.task.done()

    async def _load(self) -> None:
        while len(self.paths) <= REDIRECTS:
            answer = await self._ask(self.paths[-1])
            self.headers = dict(answer.headers)
            if isinstance(answer, Streamed):
                await answer.body(self._take)
                return
            if answer.status != 302:
                assert answer.status == 200
                self.picture = answer.body
                return
            if self._left.is_set() or not self._workers:
                return
            self.paths.append(urljoin(self.paths[-1], self.headers["location"]))
        raise AssertionError("the browser gave up")

    async def _ask(self, path: str) -> Reply | Streamed:
        worker = self._workers[(len(self.paths) - 1) % len(self._workers)]
        route = next(route for route in worker.routes if route.prefix == path.split("/")[1])
        answer = await route.handler(Asked(path, headers={"user-agent": self._agent}, left=self._left))
        assert answer is not None
        return answer

    async def _take(self, part: bytes) -> None:
        self.picture += part


class Worker:
    """One web worker's doors."""

    def __init__(self, journal: MemoryJournal, clock: ManualClock, room: int = 100) -> None:
        given = DIRECTORY, Refs(KEYS), journal, clock, READERS
        self.read_times = ReadTimes(*given, room=room)
        self.doors = Doors(tracking.routes(*given, self.read_times, Codes(EMPTY_STATE, journal)))


def pixel(technique: str) -> str:
    """The pixel of a mail of the account that measures so."""
    return f"/o/{Refs(KEYS).open(MessageRef(NUMBERS[technique], MESSAGE, PERSON))}.gif"


async def told(journal: MemoryJournal, kind: str = "message.read") -> list[AnyEvent]:
    """What the journal has of a kind."""
    return [codec.decode(entry) for entry in await journal.read(0) if entry.kind == kind]


async def look(reader: MailReader, clock: ManualClock, seconds: float) -> None:
    """Let the reader look for so long, then leave."""
    await clock.settle()
    await clock.advance(seconds)
    reader.leave()
    await clock.settle()
