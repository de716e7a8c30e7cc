"""Connections that sinks keep open between deliveries: to Amazon, to a NATS server.

A webhook's connections are `egress`'s. Whoever speaks another protocol opens its own here, by a name that says where it
leads; it is opened when it is first needed, shared by all feeds that lead there, and closed with the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, cast


class Link(Protocol):
    """What is kept: whatever it does, it can be closed."""

    async def close(self) -> None:
        """Let go of it."""


L = TypeVar("L", bound=Link)


class Links:
    """The open connections of one engine, by name."""

    def __init__(self) -> None:
        self._open: dict[str, Link] = {}
        self._opening = asyncio.Lock()

    async def get(self, name: str, connect: Callable[[], Awaitable[L]]) -> L:
        """The connection of this name, made by `connect` if there is none; what that raises is raised here."""
        if name not in self._open:
            async with self._opening:
                if name not in self._open:
                    self._open[name] = await connect()
        return cast(L, self._open[name])

    async def close(self) -> None:
        """Close everything."""
        while self._open:
            _, link = self._open.popitem()
            await link.close()
