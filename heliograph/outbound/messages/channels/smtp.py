"""The SMTP channel: a pool of connections to one relay, and one conversation per message.

Connections are kept and used again without asking first whether they still live: a dead one is noticed at MAIL FROM,
when nothing has been handed over yet, and the message takes a fresh one instead. Which relay a message takes is decided
in `routes`; what is said to it, in `conversation`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import NamedTuple

from heliograph.clock import Clock
from heliograph.outbound.messages.channels.channel import (
    Channel,
    Closed,
    Deferred,
    Full,
    Parcel,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.circuit import Circuit
from heliograph.outbound.messages.channels.conversation import converse
from heliograph.outbound.messages.channels.places import PER_CONNECTION, Places
from heliograph.outbound.messages.channels.provider_marks import mark
from heliograph.outbound.messages.channels.relay import Relay, relays_of
from heliograph.outbound.messages.channels.routes import Routes
from heliograph.outbound.messages.channels.wire import Lost, NotConnected, Wire, connect
from heliograph.settings import Settings

IDLE_LIMIT = 60.0
"""Seconds after which an unused connection is not used again; servers hang up after minutes (RFC 5321 4.5.3.2.7)."""
GOODBYE = 1.0
"""Seconds that a server has to answer QUIT."""


class _Idle(NamedTuple):
    wire: Wire
    since: float
    fresh: bool  # nothing was sent over it yet: what fails there is not for its age


class SmtpLine:
    """A line to one relay, of as many connections at once as its settings allow."""

    def __init__(self, relay: Relay, clock: Clock, *, alone: bool = True) -> None:
        self.relay = relay
        self.circuit = Circuit(relay.shown, alone=alone)
        self.places = Places(relay.connections * PER_CONNECTION)
        self._clock = clock
        self._free = asyncio.Semaphore(relay.connections)
        self._opening = asyncio.Lock()
        self._idle: deque[_Idle] = deque()
        self._busy = 0
        self._next = 0.0
        self._tls = None if relay.security == "plain" else ssl.create_default_context()

    @property
    def name(self) -> str:
        """`smtp:HOST:PORT`, or the relay's name."""
        return self.relay.shown

    @property
    def final(self) -> bool:
        """The relay is the recipients' own server."""
        return self.relay.final

    async def ready(self) -> Full | Closed | None:
        """None: a connection lives or can be made, and a place is taken until `done`; else why not. Where the relay has
        a rate, waits for its turn."""
        if self.circuit.resting(self._clock.monotonic()):
            return self._closed()
        if not await self.places.take():
            return Full(f"{self.name} has {self.places.count} messages under way and is slow")
        closed: Closed | None = None
        try:
            closed = await self._reachable()
            if closed is None and self.relay.rate:
                await self._turn()
        except BaseException:
            self.done()
            raise
        if closed is not None:
            self.done()
        return closed

    def done(self) -> None:
        """The place is free."""
        self.places.give_back()

    async def send(self, parcel: Parcel) -> Result:
        """One message to one recipient: one conversation. A connection that was kept and turns out to be closed is
        replaced once, while nothing is handed over."""
        parcel = parcel._replace(content=self._marked(parcel))
        async with self._free:
            result = await self._hand_over(parcel)
        self.circuit.note(result, self._clock.monotonic())
        return result

    async def close(self) -> None:
        """Say goodbye on every connection that is not in use."""
        while self._idle:
            wire = self._idle.pop().wire
            try:
                wire.write(b"QUIT\r\n")
                await wire.replies(1, GOODBYE)
            except Lost:
                pass
            wire.close()

    async def _reachable(self) -> Closed | None:
        if not self.circuit.rests and self._alive():
            return None
        async with self._opening:  # one asks for all
            now = self._clock.monotonic()
            if not self.circuit.admits(now):
                return self._closed()
            if self._alive():
                return None
            try:
                self._keep(await connect(self.relay, self._tls), fresh=True)
            except NotConnected as refused:
                self.circuit.failed(str(refused), self._clock.monotonic(), by_operator=refused.by_operator)
                return Closed(str(refused), refused.by_operator)
        return None

    def _closed(self) -> Closed:
        return Closed(self.circuit.why, self.circuit.by_operator)

    async def _turn(self) -> None:
        """The next of the instants that are as far from each other as the rate says: no burst, also after a rest."""
        now = self._clock.monotonic()
        turn = self._next = max(now, self._next + 1 / self.relay.rate)
        if turn > now:
            await self._clock.sleep(turn - now)

    def _marked(self, parcel: Parcel) -> bytes:
        lines = (*self.relay.headers, *mark(self.relay.provider, parcel.message))
        return "".join(f"{line}\r\n" for line in lines).encode() + parcel.content if lines else parcel.content

    async def _hand_over(self, parcel: Parcel) -> Result:
        kept = self._kept()
        if kept is not None:
            result = await self._converse(kept.wire, parcel)
            if kept.fresh or not (isinstance(result, Unreachable) or _hung_up(result)):
                return result
        try:
            fresh = await connect(self.relay, self._tls)
        except NotConnected as refused:
            self.circuit.failed(str(refused), self._clock.monotonic(), by_operator=refused.by_operator)
            return Unreachable(str(refused), refused.by_operator)
        return await self._converse(fresh, parcel)

    def _alive(self) -> bool:
        return self._busy > 0 or any(idle.wire.usable for idle in self._idle)

    def _kept(self) -> _Idle | None:
        # The one used last is the likeliest to live.
        while self._idle:
            idle = self._idle.pop()
            if idle.wire.usable and self._clock.monotonic() - idle.since <= IDLE_LIMIT:
                return idle
            idle.wire.close()
        return None

    def _keep(self, wire: Wire, *, fresh: bool = False) -> None:
        if wire.usable:
            self._idle.append(_Idle(wire, self._clock.monotonic(), fresh))
        else:
            wire.close()

    async def _converse(self, wire: Wire, parcel: Parcel) -> Result:
        self._busy += 1
        try:
            result = await converse(wire, parcel, self.relay.timeout)
        except BaseException:
            wire.close()  # in the middle of something: nobody else may go on there
            raise
        finally:
            self._busy -= 1
        self._keep(wire)
        return result


def open_smtp(settings: Settings, clock: Clock) -> Routes | None:
    """The line to the relays of the settings; None where there are none."""
    relays = relays_of(settings)
    if not relays:
        return None
    return Routes([SmtpLine(relay, clock, alone=len(relays) == 1) for relay in relays], clock)


def _hung_up(result: Result) -> bool:
    return isinstance(result, Deferred) and result.code == 421


CHANNEL = Channel(
    name="smtp",
    carries="email",
    settings=(
        "smtp_relay",
        "smtp_user",
        "smtp_password",
        "smtp_connections",
        "smtp_timeout",
        "smtp_final",
        "smtp_provider",
        "relays",
    ),
    open=open_smtp,
)
