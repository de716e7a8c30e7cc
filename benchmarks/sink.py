"""An SMTP server that takes everything and keeps nothing, as fast as Python can: what a relay on the other side is for.

`python -m benchmarks.sink COUNT` prints its port, then, once COUNT mails have come, the seconds from the first connection
to the last mail, the connections, and the bytes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass
class Tally:
    """What came so far."""

    wanted: int
    mails: int = 0
    octets: int = 0
    connections: int = 0
    started: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Sink(asyncio.Protocol):
    """One connection. Offers PIPELINING and SIZE."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._unread = b""
        self._in_content = False
        self._content: list[bytes] = []
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._tally.connections += 1
        self._tally.started = self._tally.started or time.perf_counter()
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer all commands that came whole; take content up to its dot."""
        self._unread += data
        answers = []
        while self._unread:
            if self._in_content:
                end = self._unread.find(b"\r\n.\r\n")
                if end < 0:
                    break
                self._tally.octets += end + 2
                self._unread = self._unread[end + 5 :]
                self._in_content = False
                self._tally.mails += 1
                answers.append(b"250 2.0.0 taken\r\n")
                if self._tally.mails >= self._tally.wanted:
                    self._tally.done.set()
                continue
            line, found, rest = self._unread.partition(b"\r\n")
            if not found:
                break
            self._unread = rest
            answers.append(self._answer(line[:4].upper()))
        if answers:
            self._transport.write(b"".join(answers))

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"DATA":
            self._in_content = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 SIZE 100000000\r\n"
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


async def _run(wanted: int) -> None:
    tally = Tally(wanted)
    server = await asyncio.get_running_loop().create_server(lambda: Sink(tally), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await tally.done.wait()
    taken = time.perf_counter() - tally.started
    print(
        json.dumps({"seconds": taken, "connections": tally.connections, "octets": tally.octets}), flush=True
    )
    await asyncio.sleep(2)  # for the answers to be read


if __name__ == "__main__":
    uvloop.run(_run(int(sys.argv[1])))
