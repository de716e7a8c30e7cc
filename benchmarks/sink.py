"""An SMTP server that takes everything and keeps nothing, as fast as Python can: what a relay on the other side is for.

`python -m benchmarks.sink COUNT FILE` prints its port, then, once COUNT mails have come, the seconds from the first
connection to the last mail, the connections, and the bytes. FILE, unless it is empty, gets the address of each mail, before
the mail is answered for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

_ADDRESS = re.compile(rb"<([^>]*)>")


@dataclass
class Tally:
    """What came so far. `note` is told each mail's address."""

    wanted: int
    note: Callable[[bytes], object] | None = None
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
        self._address = b""
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
                if self._tally.note is not None:
                    self._tally.note(self._address + b"\n")
                answers.append(b"250 2.0.0 taken\r\n")
                if self._tally.mails >= self._tally.wanted:
                    self._tally.done.set()
                continue
            line, found, rest = self._unread.partition(b"\r\n")
            if not found:
                break
            self._unread = rest
            answers.append(self._answer(line[:4].upper(), line))
        if answers:
            self._transport.write(b"".join(answers))

    def _answer(self, verb: bytes, line: bytes) -> bytes:
        if verb == b"RCPT" and (found := _ADDRESS.search(line)):
            self._address = found[1]
        if verb == b"DATA":
            self._in_content = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 SIZE 100000000\r\n"
        return b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"


@contextlib.contextmanager
def sink(wanted: int, file: str = "") -> Iterator[tuple[int, Callable[[], str]]]:
    """A sink's port, and what waits for what it says when so many mails have come."""
    command = [sys.executable, "-m", "benchmarks.sink", str(wanted), file]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout
    assert output is not None
    try:
        yield int(output.readline()), output.readline
    finally:
        process.terminate()
        process.wait()
        output.close()


async def _run(tally: Tally) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Sink(tally), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await tally.done.wait()
    taken = time.perf_counter() - tally.started
    print(
        json.dumps({"seconds": taken, "connections": tally.connections, "octets": tally.octets}), flush=True
    )
    await asyncio.sleep(2)  # for the answers to be read


if __name__ == "__main__":
    with Path(sys.argv[2] or os.devnull).open("ab", buffering=0) as file:
        uvloop.run(_run(Tally(int(sys.argv[1]), file.write if sys.argv[2] else None)))
