"""The places at a relay or a provider: how many messages are under way there at once, so that one that hangs or is slow delays
what needs it and nothing else.

Whoever finds no place waits for one, but not for long: meanwhile messages for others cannot begin. Once somebody had to go without,
nobody waits there any more before half of the places are free; such a message comes again later (`attempts.pause_for_room`).
"""

from __future__ import annotations

import asyncio

PER_CONNECTION = 4
"""Messages under way for each connection: while one is sent, others are made or wait for the disk."""
PATIENCE = 1.0
"""Seconds that a message waits for a place."""


class Places:
    """`wanted`: how many messages have a place or wait for one. `patience` in seconds."""

    def __init__(self, count: int, patience: float = PATIENCE) -> None:
        self.count = count
        self.wanted = 0
        self._free = asyncio.Semaphore(count)
        self._taken = 0
        self._slow = False
        self._patience = patience

    async def take(self) -> bool:
        """A place, which is given back later; False: there is none, and nothing to wait for."""
        if self._slow and self._free.locked():
            return False
        self.wanted += 1
        try:
            if self._free.locked():
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            else:
                await self._free.acquire()  # at once: nothing needs to watch the clock
        except TimeoutError:
            self.wanted -= 1
            self._slow = True
            return False
        except BaseException:
            self.wanted -= 1
            raise
        self._taken += 1
        return True

    def give_back(self) -> None:
        """One that was taken is free."""
        self.wanted -= 1
        self._taken -= 1
        self._free.release()
        if self._taken * 2 <= self.count:
            self._slow = False
