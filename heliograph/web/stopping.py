"""A worker's event loop that says when the process is asked to end, before anything else is done about it.

The server waits for answers that are still being written before it ends a worker. Who holds one for seconds on end has
to be told first; the server has no hook for that, but lets one choose the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVarTuple

import uvloop
from granian import loops

LOOP = "auto"
"""The name under which the server asks for a loop of the application's own."""


Ts = TypeVarTuple("Ts")


class TellingLoop(uvloop.Loop):
    """uvloop whose signal handlers call `before_signal` first."""

    def __init__(self) -> None:
        super().__init__()
        self.before_signal: Callable[[], None] = _nothing

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """As `asyncio.loop.add_signal_handler`."""

        def told() -> None:
            self.before_signal()
            callback(*args)

        super().add_signal_handler(sig, told)


def _nothing() -> None:
    """Before anybody wants to know."""


@loops.register(LOOP)
def _telling() -> asyncio.AbstractEventLoop:
    loop = TellingLoop()
    asyncio.set_event_loop(loop)
    return loop
