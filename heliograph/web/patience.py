"""Waiting with an end, for very many at once, by one timer.

A timer of its own for each waiting request costs more than everything else that the request does. Here all who wait
stand in one line in the order in which they came, and one timer sends away those who came too long ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Waits up to `seconds`, and up to a quarter more, for whatever is awaited."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, work: Awaitable[T]) -> T:
        """Await this. Raises `TimeoutError` when it takes too long; it is cancelled then."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        loop = asyncio.get_running_loop()
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 4, self._look, loop)
        try:
            return await work
        except asyncio.CancelledError:
            if task not in self._late or task.uncancel() > 0:
                raise
            raise TimeoutError from None
        finally:
            del self._since[task]
            self._late.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._seconds / 4, self._look, loop) if self._since else None
        limit = loop.time() - self._seconds
        for task, since in self._since.items():
            if since > limit:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
