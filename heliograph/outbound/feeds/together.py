"""What several deliveries of one turn of the event loop ask for, done in one go.

A message put into a queue of ours costs little beside the transaction around it, and the same goes for what is published to a
topic. Nobody is kept waiting for others to come: those that begin together are gathered, and the further a feed is behind, the
more begin together.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeVar

from heliograph.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")

Do = Callable[[Sequence[T]], Awaitable[Sequence[R]]]
"""Items to their results, in the same order."""


class _Asked(NamedTuple):
    item: Any
    do: Do[Any, Any]
    done: asyncio.Future[Any]


class Together:
    """What is asked for and not yet begun; one per process."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, list[_Asked]] = {}
        self._doing: set[asyncio.Task[None]] = set()

    async def ask(self, of: Hashable, item: T, do: Do[T, R]) -> R:
        """The result of `item`, done with whatever else is asked of the same (`of`) in this turn of the event loop. Raises what
        `do` raises for it: when it fails for several, it is asked once more for each alone, unless it is `Unavailable`."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._begin)
        done: asyncio.Future[R] = loop.create_future()
        self._asked.setdefault(of, []).append(_Asked(item, do, done))
        return await done

    def _begin(self) -> None:
        asked, self._asked = self._asked, {}
        for group in asked.values():
            task = asyncio.create_task(_answer(group))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)


async def _answer(group: Sequence[_Asked]) -> None:
    try:
        results = await group[0].do([asked.item for asked in group])
    except Exception as error:
        if len(group) > 1 and not isinstance(error, Unavailable):
            for asked in group:
                await _answer([asked])
            return
        for asked in group:
            if not asked.done.done():
                asked.done.set_exception(copy.copy(error))
        return
    for asked, result in zip(group, results, strict=True):
        if not asked.done.done():  # else whoever asked has gone
            asked.done.set_result(result)
