"""Which relay a message takes: of those that serve its account and domain and do not rest, the first in order.

Relays of one order share the load by weight: the message goes where the fewest are under way for each unit of it, so
that one that is slow gets less by itself. One of a higher order is taken while none of a lower works. A refusal that is
about the message (a 4xx to its recipient) sends it nowhere else: another server would be told the same, and two that
deliver one message by turns look like a spammer's to whoever keeps a grey list. One that is slow still works: what
finds no place there waits, and takes none of a higher order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from heliograph.clock import Clock
from heliograph.outbound.messages.channels.channel import Closed, Full, Parcel, Result, Way
from heliograph.outbound.messages.channels.circuit import Circuit
from heliograph.outbound.messages.channels.places import Places
from heliograph.outbound.messages.channels.relay import Relay


class RelayLine(Protocol):
    """A line to one relay (`smtp.SmtpLine`)."""

    relay: Relay
    circuit: Circuit
    places: Places

    @property
    def name(self) -> str:
        """What events carry as `via`."""
        ...

    @property
    def final(self) -> bool:
        """As `Way` has it."""
        ...

    async def ready(self) -> Full | Closed | None:
        """None: a place is taken; else why not."""
        ...

    async def send(self, parcel: Parcel) -> Result:
        """Hand one message over."""
        ...

    def done(self) -> None:
        """The place is free."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Routes:
    """All relays, as the one line that mail takes."""

    def __init__(self, lines: Sequence[RelayLine], clock: Clock) -> None:
        self._lines = lines
        self._clock = clock

    @property
    def width(self) -> int:
        """Places at all of them."""
        return sum(line.places.count for line in self._lines)

    async def ready(self, parcel: Parcel) -> Way | Full | Closed:
        """A place at the relay for this message; where there is none, what the first one says that works, else the first
        one, and whether an operator must mend it."""
        waiting = self._serving(parcel)
        if not waiting:
            reason = f"no relay serves account {parcel.account} and the domain {parcel.domain}"
            return Closed(reason, by_operator=True)
        closed: list[Closed] = []
        full: Full | None = None
        while waiting:
            line = min(waiting, key=_preference)
            waiting.remove(line)
            why = await line.ready()
            if why is None:
                return line
            if isinstance(why, Closed):
                closed.append(why)
            elif full is None:
                full = why
                waiting = [other for other in waiting if other.relay.order == line.relay.order]
        if full is not None:
            return full
        return Closed(closed[0].reason, all(one.by_operator for one in closed))

    def elsewhere(self, way: Way, parcel: Parcel) -> bool:
        """Whether another relay that serves this message works, as far as is known."""
        now = self._clock.monotonic()
        return any(line is not way and not line.circuit.resting(now) for line in self._serving(parcel))

    async def close(self) -> None:
        """Let go of all connections."""
        await asyncio.gather(*(line.close() for line in self._lines))

    def _serving(self, parcel: Parcel) -> list[RelayLine]:
        return [line for line in self._lines if line.relay.serves(parcel.account, parcel.domain)]


def _preference(line: RelayLine) -> tuple[int, float]:
    return line.relay.order, (line.places.wanted + 1) / line.relay.weight
