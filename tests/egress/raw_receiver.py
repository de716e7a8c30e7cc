"""A receiver on a real socket whose every byte a test decides; and the types of the fixtures."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from heliograph.egress import Egress

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PATIENCE = 60.0
"""Seconds for what shall happen; however busy the machine is, it has done so by then."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """What came to one listening socket."""

    port: int = 0
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a behaviour is over: its connection was closed by one side."""

    def url(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/hook"

    async def request(self, reader: asyncio.StreamReader) -> bool:
        """Read one request; False when the connection ended instead."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0))
        return True

    def answering(self, *answers: bytes) -> Behaviour:
        """Answer request after request on one connection; the last answer is repeated."""

        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await self.request(reader):
                writer.write(answers[min(len(self.heads), len(answers)) - 1])
                await writer.drain()

        return behave


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own, and a server certificate for `receiver.test` and 127.0.0.1."""

    trusting: ssl.SSLContext
    serving: ssl.SSLContext


Serve = Callable[..., Awaitable[Receiver]]
MakeEgress = Callable[..., Egress]
