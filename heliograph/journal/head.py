"""Where the journal ends, and who waits for it to move."""

from __future__ import annotations

import asyncio


class HeadWatch:
    """The last `seq` that is known, on one event loop. It only grows."""

    def __init__(self, head: int = 0) -> None:
        self.head = head
        self._waiting: dict[asyncio.Future[None], int] = {}
        self._closed = False

    @property
    def awaited(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waiting)

    def move(self, head: int) -> None:
        """The journal goes up to here now: wake those who wait for it."""
        if head <= self.head:
            return
        self.head = head
        for future in [future for future, after in self._waiting.items() if after < head]:
            del self._waiting[future]
            if not future.done():
                future.set_result(None)

    def above(self, after: int) -> asyncio.Future[None]:
        """A future that is done when the head is above `after`; cancel it to wait no more."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.head > after or self._closed:
            future.set_result(None)
        else:
            self._waiting[future] = after
            future.add_done_callback(self._forget)
        return future

    async def wait(self, after: int, timeout: float) -> int:
        """The head as soon as it is above `after`, or whatever it is after `timeout` seconds."""
        if self.head <= after and timeout > 0:
            future = self.above(after)
            try:
                await asyncio.wait({future}, timeout=timeout)
            finally:
                future.cancel()
        return self.head

    def close(self) -> None:
        """Nobody waits any longer."""
        self._closed = True
        for future in list(self._waiting):
            if not future.done():
                future.set_result(None)

    def _forget(self, future: asyncio.Future[None]) -> None:
        self._waiting.pop(future, None)
