"""Has mail's signatures made by a process of their own, and makes them here whenever that is not there.

What is asked for within one turn of the event loop goes in one frame, so that a mail costs a fraction of a write and of
a read. The process is started with the first signature, and again, after a while, when it died; until it is ready, where
the machine has one processor, and when it is silent for too long, signatures are made here. So no mail ever waits
for it in vain, and a signature is the same either way: neither algorithm has anything random in it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import msgspec

from heliograph.journal.frames import Framed
from heliograph.outbound.messages.dkim import DkimSigner, Unsealed, signed_here
from heliograph.outbound.messages.signing_process import Answer, Ask

COMMAND = (sys.executable, "-m", "heliograph.outbound.messages.signing_process")
PER_FRAME = 8
"""Mails of one frame: the first of many should not wait for the last to be signed."""
PATIENCE = 5.0
"""Seconds of silence after which it is ended, and what waits is signed here."""
PAUSE = 10.0
"""Seconds before one that ended is started again."""
GOODBYE = 1.0
"""Seconds that it has to end by itself."""

log = logging.getLogger("heliograph.outbound.sealing")


class _Asked(NamedTuple):
    """One mail's signatures, and who waits for them."""

    wanted: Sequence[Unsealed]
    answer: asyncio.Future[Sequence[bytes]]


class Sealing:
    """Signs for one event loop. `command` starts the process; `patience` and `pause` in seconds."""

    def __init__(
        self, command: Sequence[str] = COMMAND, *, patience: float = PATIENCE, pause: float = PAUSE
    ) -> None:
        self.pid: int | None = None
        """The process that signs; None while none is ready."""
        self._command, self._patience, self._pause = command, patience, pause
        self._wanted = (os.cpu_count() or 1) > 1
        self._life: asyncio.Task[None] | None = None
        self._not_before = 0.0
        self._link: Framed | None = None
        self._keys: dict[DkimSigner, int] = {}
        self._asked: list[_Asked] = []
        self._sent: dict[int, list[_Asked]] = {}
        self._number = 0
        self._watch: asyncio.TimerHandle | None = None

    async def sign(self, wanted: Sequence[Unsealed]) -> Sequence[bytes]:
        """A signature for each (`dkim.Sign`)."""
        if self.pid is None:
            self._begin()
            return await signed_here(wanted)
        loop = asyncio.get_running_loop()
        asked = _Asked(wanted, loop.create_future())
        if not self._asked:
            loop.call_soon(self._send)
        self._asked.append(asked)
        return await asked.answer

    async def close(self) -> None:
        """End the process."""
        self._wanted = False
        if self._link is not None:
            self._link.close()
        if self._life is not None:
            await self._life

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._wanted and self._life is None and loop.time() >= self._not_before:
            self._life = loop.create_task(self._live())

    async def _live(self) -> None:
        """The life of one process, from its start to its end."""
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(*self._command, stdin=theirs.fileno())
            received = partial(self._received, process.pid)
            _, self._link = await loop.create_unix_connection(
                lambda: Framed(received, lambda _: gone.set_result(None)), sock=ours
            )
            if not self._wanted:
                self._link.close()
            await gone
            self._lost()
            await _ended(process)
        except OSError as error:
            ours.close()
            log.warning("the process that signs mail cannot be started: %s", error)
        finally:
            self._life = None
            self._not_before = loop.time() + self._pause

    def _send(self) -> None:
        asked, self._asked = self._asked, []
        for first in range(0, len(asked), PER_FRAME):
            self._ask(asked[first : first + PER_FRAME])

    def _ask(self, asked: list[_Asked]) -> None:
        if self._link is None:
            _sign_here(asked)
            return
        new: dict[int, bytes] = {}
        digests = [(self._key(one.signer, new), one.digest) for mail in asked for one in mail.wanted]
        self._number += 1
        self._sent[self._number] = asked
        self._link.send(Ask(self._number, new, digests))
        if self._watch is None:
            self._look_later()

    def _key(self, signer: DkimSigner, new: dict[int, bytes]) -> int:
        number = self._keys.get(signer)
        if number is None:
            number = self._keys[signer] = len(self._keys) + 1
            new[number] = signer.private_key
        return number

    def _received(self, pid: int, link: Framed, frame: memoryview) -> None:
        answer = _decode(frame)
        self.pid = pid
        signatures = iter(answer.signatures)
        for wanted, waiting in self._sent.pop(answer.number, ()):
            made = list(islice(signatures, len(wanted)))
            if not waiting.done():
                waiting.set_result(made)

    def _lost(self) -> None:
        if self._wanted:
            log.warning("the process that signs mail ended: mail is signed here until there is another")
        self._link = self.pid = None
        self._keys = {}
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        sent, self._sent = self._sent, {}
        for asked in sent.values():
            _sign_here(asked)

    def _look_later(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(self._patience, self._look, self._number)

    def _look(self, number: int) -> None:
        """Whether what was asked for a while ago was answered."""
        self._watch = None
        if number in self._sent and self._link is not None:
            self._link.close()
        elif self._sent:
            self._look_later()


def _sign_here(asked: list[_Asked]) -> None:
    for wanted, waiting in asked:
        if not waiting.done():
            waiting.set_result([one.signer.sign(one.digest) for one in wanted])


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(GOODBYE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


_decode = msgspec.msgpack.Decoder(Answer).decode
