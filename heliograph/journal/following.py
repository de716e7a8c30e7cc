"""The horizon in another process: acts may run apart from the folds that they follow.

    followers = Followers(data / SOCKET)        # the process that folds and decides: tells how far the folds have come
    following = Following(data / SOCKET, ...)   # a process that only acts: reads the journal up to there

One that follows acts on nothing beyond what it was told, and on nothing at all while nobody tells it. What waits for acts to
end (a fold that starts over, an erasure) waits for those of the followers too: they are asked and answer when they
are quiet.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from heliograph.clock import Clock
from heliograph.events.people import PersonErased
from heliograph.journal.bell import Bell, Horizon
from heliograph.journal.context import Context
from heliograph.journal.frames import Framed, listener
from heliograph.journal.positions import Who

SOCKET = "horizon.sock"
"""File name of the socket, in the data directory."""

MOST = 2_048
"""Entries read at once."""

AGAIN = 0.1
"""Seconds between attempts to reach the process that folds."""

log = logging.getLogger("heliograph.journal")


class At(msgspec.Struct, array_like=True, frozen=True):
    """The horizon is at `seq`. With a number, an answer is wanted as soon as nothing is being performed; `forget`: what is
    kept in memory was erased, let go of it first."""

    seq: int
    number: int = 0
    forget: bool = False


class Quiet(msgspec.Struct, array_like=True, frozen=True):
    """What was asked for under this number is done; 0, the first that a follower says: here I am."""

    number: int


_at = msgspec.msgpack.Decoder(At).decode
_quiet = msgspec.msgpack.Decoder(Quiet).decode


class Followers:
    """Who follows, as the process that folds sees them."""

    def __init__(self, path: Path, horizon: Horizon, clock: Clock) -> None:
        self._path, self._horizon, self._bell = path, horizon, Bell(clock)
        self._links: set[Framed] = set()
        self._asked: dict[tuple[Framed, int], asyncio.Future[None]] = {}
        self._number = 0

    async def run(self) -> None:
        """Tell them how far the folds have come, for ever. Raises `OperatorError` when there can be no socket."""
        loop = asyncio.get_running_loop()
        self._horizon.watch(self._bell)
        server = await loop.create_unix_server(self._connected, sock=listener(self._path))
        try:
            while True:
                await self._bell.wait()
                self._bell.clear()
                for link in self._links:
                    link.send(At(self._horizon.seq))
        finally:
            self._horizon.unwatch(self._bell)
            server.close()
            self._path.unlink(missing_ok=True)
            for link in list(self._links):
                link.close()

    async def quiet(self, seconds: float, *, forget: bool = False) -> bool:
        """Return when what each of them has under way has ended, or it is gone; False: not within so many seconds."""
        self._number += 1
        asked = {(link, self._number): asyncio.get_running_loop().create_future() for link in self._links}
        self._asked |= asked
        for link, number in asked:
            link.send(At(self._horizon.seq, number, forget))
        try:
            return not asked or not (await asyncio.wait(asked.values(), timeout=seconds))[1]
        finally:
            for one in asked:
                self._asked.pop(one, None)

    def _connected(self) -> Framed:
        return Framed(self._received, self._lost)

    def _received(self, link: Framed, frame: memoryview) -> None:
        number = _quiet(frame).number
        if number:
            self._answer(link, number)
        else:
            self._links.add(link)
            link.send(At(self._horizon.seq))

    def _lost(self, link: Framed) -> None:
        self._links.discard(link)
        for of, number in list(self._asked):
            if of is link:
                self._answer(link, number)

    def _answer(self, link: Framed, number: int) -> None:
        asked = self._asked.get((link, number))
        if asked is not None and not asked.done():
            asked.set_result(None)


class Following:
    """The horizon as the process that folds tells it: what `Folding` is where there are no folds.

    `quiet` is awaited before a question is answered: it returns when nothing is being performed, and lets go of what is kept
    in memory where it is given True."""

    at_rest = True

    def __init__(self, path: Path, context: Context, quiet: Callable[[bool], Awaitable[None]]) -> None:
        self._path, self._context, self._quiet = path, context, quiet
        self._told = At(0)
        self._news = asyncio.Event()
        self._asked: list[At] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._front = 0
        self._link: Framed | None = None
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Follow for ever; what the machine cannot do now is tried again."""
        self._front = await self._context.journal.head()
        reaching = asyncio.create_task(self._reach())
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._context.persist("following the folds", self._catch_up)
                self._answer()
        finally:
            self._context.horizon.move(0)
            for task in (reaching, *self._answering):
                task.cancel()
            if self._link is not None:
                self._link.close()

    def start_over(self, name: str) -> None:
        """Nothing: folds start over where they are."""

    def check(self, written: Mapping[Who, int]) -> None:
        """Nothing: there is no fold here that somebody else could have moved."""

    async def _catch_up(self) -> None:
        """Read what is new and let acts go as far as was told, which may be back."""
        context = self._context
        context.horizon.move(min(self._front, self._told.seq))
        while self._front < self._told.seq:
            upto = self._told.seq
            entries = await context.journal.read(self._front, limit=MOST, upto=upto)
            context.source.push(self._front, entries, [None] * len(entries))
            if any(entry.kind == PersonErased.kind for entry in entries):
                context.source.forget()
            self._front = entries[-1].seq if entries else upto
            context.head = max(context.head, self._front)
            context.horizon.move(min(self._front, self._told.seq))

    def _answer(self) -> None:
        asked, self._asked = self._asked, []
        for one in asked:
            task = asyncio.create_task(self._answer_one(one))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def _answer_one(self, asked: At) -> None:
        link = self._link
        await self._quiet(asked.forget)
        if link is not None:
            link.send(Quiet(asked.number))

    async def _reach(self) -> None:
        """Be connected, and again whenever the other end went away."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                self._gone.clear()
                _, link = await loop.create_unix_connection(
                    lambda: Framed(self._received, self._lost), str(self._path)
                )
                self._link = link
                link.send(Quiet(0))
                await self._gone.wait()
            await asyncio.sleep(AGAIN)

    def _received(self, _: Framed, frame: memoryview) -> None:
        self._told = _at(frame)
        if self._told.number:
            self._asked.append(self._told)
        self._news.set()

    def _lost(self, _: Framed) -> None:
        self._link, self._told = None, At(0)
        self._asked.clear()
        self._news.set()
        self._gone.set()
