"""Has mails made by processes of their own, and makes them here whenever there is none.

A process is started with the first mail, further ones when those that are there have more to do than they manage, and one
that ended after a while. Until one is ready, where the machine has one processor, and when one ended or is silent for too
long, mails are made here: none waits for a process in vain.

But one that a process ended over is not made here, lest it take the sender along: the next process gets it, before all
others, and when that ends over it too, it has failed, and it alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from heliograph.events.messages import RenderError
from heliograph.journal.frames import Framed
from heliograph.outbound.messages.making.letters import Failed, Made
from heliograph.outbound.messages.making.workshop import Answer, Broken, Order, Ready

MOST = 4
"""Processes that are started unless the settings ask for more: one loop that sends feeds no more of them."""
BUSY = 8
"""Orders that wait for a process before another is started."""
TOGETHER = 16
"""Mails that go on together, where more are being made: one by one each would have a transaction of the journal, and a round
of folds, to itself."""
GATHERED = 0.02
"""Seconds that a mail waits for others."""
PATIENCE = 10.0
"""Seconds that one mail may take; the sandbox gives each of its parts half a second. Then its process is ended."""
START = 60.0
"""Seconds that a process has to get ready."""
PAUSE = 10.0
"""Seconds before another is started where one ended."""
EARLY = 0.01
"""Seconds that a timer may come too early."""
GOODBYE = 1.0
"""Seconds that it has to end by itself."""
CHANCES = 2
"""Processes that may end over one mail."""

log = logging.getLogger("heliograph.outbound.makers")


class Unmade(Exception):
    """The process that made a mail failed with an error of our own."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """An order, and who waits for its mail. `ended`: processes that ended over it."""

    order: Order
    made: asyncio.Future[Made]
    ended: int = 0

    def settle(self, made: Made) -> None:
        if not self.made.done():
            self.made.set_result(made)

    def fail(self, error: Exception) -> None:
        if not self.made.done():
            self.made.set_exception(error)


@dataclass(slots=True, eq=False)
class _Maker:
    """One process. `orders`: what it was given and has not answered, in order; `heard`: when it said something last, or
    was asked when nobody waited for it."""

    heard: float
    process: asyncio.subprocess.Process | None = None
    link: Framed | None = None
    ready: bool = False
    dismissed: bool = False
    orders: deque[_Waiting] = field(default_factory=deque)
    watch: asyncio.TimerHandle | None = None

    @property
    def works(self) -> bool:
        """It is ready and there."""
        return self.ready and self.link is not None

    def take(self, waiting: _Waiting, link: Framed, now: float) -> None:
        """Have this one made next."""
        if not self.orders:
            self.heard = now
        self.orders.append(waiting)
        link.send(waiting.order)

    def dismiss(self) -> None:
        """End when what was ordered is made."""
        self.dismissed = True
        if self.link is not None and not self.orders:
            self.link.close()


class Makers:
    """Makes mails for one event loop. `here` makes them in this process; `command` starts one that does, with `environ`;
    `most` at once. `patience` and `pause` in seconds."""

    def __init__(
        self,
        here: Callable[[Order], Made],
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        *,
        most: int = 1,
        patience: float = PATIENCE,
        pause: float = PAUSE,
    ) -> None:
        self._here, self._command, self._environ = here, command, environ
        self._most, self._patience, self._pause = most, patience, pause
        self._makers: dict[_Maker, asyncio.Task[None]] = {}
        self._held: list[_Waiting] = []  # a process ended over each; they wait for the next
        self._answered: list[tuple[_Waiting, Answer]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0

    @property
    def pids(self) -> list[int]:
        """The processes that are ready."""
        return [one.process.pid for one in self._makers if one.process is not None and one.works]

    async def make(self, order: Order) -> Made:
        """The mail, or why there is none. Raises what making it raised."""
        least = self._least_busy()
        if least is None or len(least.orders) >= BUSY:
            self._begin()
        waiting = _Waiting(order, asyncio.get_running_loop().create_future())
        self._give(waiting, least)
        return await waiting.made

    def forget(self) -> None:
        """Let go of what the processes have in memory: they end, and others are started in their places."""
        for maker in self._makers:
            maker.dismiss()

    async def close(self) -> None:
        """End the processes."""
        self._most = 0
        self.forget()
        if self._makers:
            await asyncio.wait(self._makers.values())
        self._make_held_here()

    def _least_busy(self) -> _Maker | None:
        working = (one for one in self._makers if one.works and not one.dismissed)
        return min(working, key=lambda one: len(one.orders), default=None)

    def _give(self, waiting: _Waiting, maker: _Maker | None) -> None:
        if maker is not None and maker.link is not None:
            maker.take(waiting, maker.link, asyncio.get_running_loop().time())
        elif waiting.ended:
            self._held.append(waiting)
        else:
            self._make_here(waiting)

    def _make_here(self, waiting: _Waiting) -> None:
        try:
            waiting.settle(self._here(waiting.order))
        except Exception as error:
            waiting.fail(error)

    def _make_held_here(self) -> None:
        held, self._held = self._held, []
        for waiting in held:
            self._make_here(waiting)

    def _begin(self) -> None:
        """Start one more, if there may be one and none is starting."""
        loop = asyncio.get_running_loop()
        starting = any(not one.ready for one in self._makers)
        if len(self._makers) < self._most and not starting and loop.time() >= self._not_before:
            maker = _Maker(loop.time())
            self._makers[maker] = loop.create_task(self._live(maker))

    async def _live(self, maker: _Maker) -> None:
        """The life of one process, from its start to its end."""
        loop = asyncio.get_running_loop()
        gone: asyncio.Future[None] = loop.create_future()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                maker.process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=theirs.fileno(), env=self._environ
                )
            received = partial(self._received, maker)
            _, maker.link = await loop.create_unix_connection(
                lambda: Framed(received, lambda _: gone.set_result(None)), sock=ours
            )
            if maker.dismissed:
                maker.dismiss()
            self._watch(maker)
            await gone
            self._lost(maker)
            await _ended(maker.process)
        except OSError as error:
            ours.close()
            log.warning("a process that makes mail cannot be started: %s", error)
        finally:
            del self._makers[maker]
            if not maker.dismissed:
                self._not_before = loop.time() + self._pause
            if not maker.ready:  # it never worked, and the next will not either
                self._make_held_here()
            elif self._held:  # nobody else may come to start one
                loop.call_later(self._pause + EARLY, self._begin)

    def _received(self, maker: _Maker, link: Framed, frame: memoryview) -> None:
        answer: Answer | Ready = _decode(frame)
        maker.heard = asyncio.get_running_loop().time()
        if isinstance(answer, Ready):
            self._begun(maker)
            return
        self._answered.append((maker.orders.popleft(), answer))
        if not maker.orders or len(self._answered) >= TOGETHER:
            self._hand_out()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHERED, self._hand_out)
        if maker.dismissed:
            maker.dismiss()

    def _hand_out(self) -> None:
        """Give what was made to who waits for it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answered, self._answered = self._answered, []
        for waiting, answer in answered:
            if isinstance(answer, Broken):
                waiting.fail(Unmade(answer.why))
            else:
                waiting.settle(answer)

    def _begun(self, maker: _Maker) -> None:
        maker.ready = True
        self._watch(maker)
        held, self._held = self._held, []
        for waiting in held:
            self._give(waiting, maker)

    def _watch(self, maker: _Maker) -> None:
        """End it where it is silent, and look again later."""
        loop = asyncio.get_running_loop()
        if maker.watch is not None:
            maker.watch.cancel()
        working = bool(maker.orders) or not maker.ready
        patience = self._patience if maker.ready else max(START, self._patience)
        left = maker.heard + patience - loop.time() if working else patience
        if left <= 0 and maker.process is not None:
            log.warning("a process that makes mail said nothing for %g seconds: it is ended", patience)
            maker.process.kill()
        else:
            maker.watch = loop.call_later(left, self._watch, maker)

    def _lost(self, maker: _Maker) -> None:
        """What it had is made elsewhere; what it ended over, by the next process alone."""
        if maker.watch is not None:
            maker.watch.cancel()
        maker.link = None
        if not maker.dismissed:
            log.warning(
                "a process that makes mail ended: mail is made by the others, or here, until there is another"
            )
        orders, maker.orders = maker.orders, deque()
        if orders:
            self._suspect(orders.popleft())
        for waiting in orders:
            self._give(waiting, self._least_busy())

    def _suspect(self, waiting: _Waiting) -> None:
        waiting.ended += 1
        log.warning("the process that made message %s ended over it", waiting.order.request.id)
        if waiting.ended < CHANCES:
            self._give(waiting, self._least_busy())
        else:
            waiting.settle(Failed((_FATAL,)))


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(GOODBYE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def by_machine() -> int:
    """How many processes suit this machine: one for each processor, though others work too, since making is more than
    half of it all; one for two sent 900 to 990 mails a second where two sent 1,080 to 1,160."""
    processors = os.cpu_count() or 1
    return min(processors, MOST) if processors > 1 else 0


_FATAL = RenderError(
    code="Template limit exceeded", message=f"{CHANCES} processes that made this mail ended over it"
)
_decode = msgspec.msgpack.Decoder(Answer | Ready).decode
