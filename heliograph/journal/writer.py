"""The owner's side of the socket: other processes hand their events to the one that writes.

    server = await serve_journal(journal, data / SOCKET)

Every frame is answered once, when all in it is on disk or refused. The socket file is the owner's user's alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from heliograph.journal.frames import (
    Alter,
    Answer,
    Erase,
    Fault,
    Follow,
    Framed,
    Hand,
    Remove,
    fault,
    listener,
)
from heliograph.journal.intake import Outcome
from heliograph.journal.sqlite import SqliteJournal

log = logging.getLogger(__name__)

_decode = msgspec.msgpack.Decoder(Hand | Erase | Alter | Remove | Follow).decode


async def serve_journal(journal: SqliteJournal, path: Path) -> JournalServer:
    """Serve a journal that this process owns on a unix socket. Close the server first, then the journal.
    Raises `OperatorError` when there can be no socket at this path."""
    server = JournalServer(journal, path)
    await server.start()
    return server


class JournalServer:
    """Who listens, and the clients that are connected."""

    def __init__(self, journal: SqliteJournal, path: Path) -> None:
        self._journal = journal
        self._path = path
        self._server: asyncio.AbstractServer | None = None
        self._clients: dict[Framed, set[asyncio.Future[None]]] = {}
        self._erasures: set[asyncio.Task[None]] = set()
        self._open = 0
        self._settled = asyncio.Event()

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(self._connected, sock=listener(self._path))

    async def close(self) -> None:
        """Take no more, answer what was taken, hang up."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        self._settled.clear()
        if self._open:
            await self._settled.wait()
        if self._erasures:
            await asyncio.wait(self._erasures)
        for client in list(self._clients):
            client.close()

    def _connected(self) -> Framed:
        client = Framed(self._received, self._lost)
        self._clients[client] = set()
        return client

    def _lost(self, client: Framed) -> None:
        for following in self._clients.pop(client, set()).copy():
            following.cancel()

    def _received(self, client: Framed, frame: memoryview) -> None:
        try:
            message = _decode(frame)
        except msgspec.DecodeError as error:
            log.warning("a frame that is not understood: %s", error)
            client.send(Answer(_number(frame), self._head, fault=Fault("unfit", str(error))))
            return
        if isinstance(message, Hand):
            self._take(client, message)
        elif isinstance(message, Follow):
            self._follow(client, message)
        else:
            task = asyncio.get_running_loop().create_task(self._erase(client, message))
            self._erasures.add(task)
            task.add_done_callback(self._erasures.discard)

    def _take(self, client: Framed, hand: Hand) -> None:
        try:
            self._journal.append_parcel(
                hand.appends, hand.rows, hand.size, partial(self._tell, client, hand.number)
            )
        except Exception as error:
            client.send(Answer(hand.number, self._head, fault=fault(error)))
        else:
            self._open += 1

    def _tell(self, client: Framed, number: int, outcomes: Sequence[Outcome]) -> None:
        told = None
        if any(outcome is not None for outcome in outcomes):
            told = [fault(one) if isinstance(one, Exception) else one for one in outcomes]
        client.send(Answer(number, self._head, outcomes=told))
        self._open -= 1
        if not self._open:
            self._settled.set()

    def _follow(self, client: Framed, follow: Follow) -> None:
        moved = self._journal.above(follow.after)
        following = self._clients[client]
        following.add(moved)

        def answer(future: asyncio.Future[None]) -> None:
            following.discard(future)
            if not future.cancelled():
                client.send(Answer(follow.number, self._head))

        moved.add_done_callback(answer)

    async def _erase(self, client: Framed, erase: Erase | Alter | Remove) -> None:
        try:
            if isinstance(erase, Alter):
                count = await self._journal.rewrite(erase.changes, account=erase.account)
            elif isinstance(erase, Remove):
                count = await self._journal.remove(erase.places, account=erase.account, before=erase.before)
            else:
                count = await self._journal.redact(
                    erase.subjects, account=erase.account, replacement=erase.replacement
                )
            answer = Answer(erase.number, self._head, count=count)
        except Exception as error:
            log.warning("an erasure was not finished: %s", error)
            answer = Answer(erase.number, self._head, fault=fault(error))
        client.send(answer)

    @property
    def _head(self) -> int:
        return self._journal.at


def _number(frame: memoryview) -> int:
    """The number of a frame that is not understood, so that its sender is not left waiting."""
    with contextlib.suppress(msgspec.MsgspecError, TypeError, IndexError):
        number = msgspec.msgpack.decode(frame)[1]
        if isinstance(number, int):
            return number
    return 0
