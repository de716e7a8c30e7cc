"""A receiver of webhooks that costs next to nothing, in a process of its own: reads requests, says 200, counts.

    python -m benchmarks.receiver             prints its port; ends with its standard input
    python -m benchmarks.receiver PLACES      one port for each of so many places, printed in one line

`GET /` answers how many requests came, `GET /confirmation` what a topic asked to be visited. When it ends it prints what
came first and when, as JSON: `{place: {id: seconds of the machine's monotonic clock}}`, where the id is that of a webhook's
event or of a topic's message. A place named `hangs` in the path reads and never answers. A request that says
`Content-Length` and no `Expect` is all that it knows.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from functools import partial
from typing import cast

import uvloop

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
HANGS = b"post /hangs"

_ID = re.compile(rb"\r\nx-(?:heliograph-event|amz-sns-message-id): ([^\r]+)")
_ASKS = re.compile(rb'"SubscribeURL"\s*:\s*("[^"]+")')


class Came:
    """What came to all places."""

    def __init__(self, places: int) -> None:
        self.count = 0
        self.confirmation = ""
        self.at: list[dict[str, float]] = [{} for _ in range(places)]


class Receiver(asyncio.Protocol):
    """One connection."""

    def __init__(self, came: Came, place: int) -> None:
        self._came, self._at = came, came.at[place]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            if head.startswith(b"get"):
                self._tell(self._came.confirmation if b"/confirmation" in head else str(self._came.count))
            elif not head.startswith(HANGS):
                self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        self._came.count += 1
        self._transport.write(OK)
        if b"subscriptionconfirmation" in head:
            asked = _ASKS.search(body)
            self._came.confirmation = json.loads(asked[1]) if asked else ""
        elif named := _ID.search(head):
            self._at.setdefault(named[1].decode(), time.monotonic())

    def _tell(self, text: str) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text.encode()))


async def _serve(places: int) -> None:
    loop = asyncio.get_running_loop()
    came = Came(places)
    servers = [
        await loop.create_server(partial(Receiver, came, place), "127.0.0.1", 0) for place in range(places)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps(dict(enumerate(came.at))), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
