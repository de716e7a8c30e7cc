"""An SMTP server that does as its script says, and writes down what it was told and in which pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from mail_world import serving

HANG = b"(hang)"
"""Never answer."""
HANG_UP = b"(hang up)"
"""Close the connection without an answer."""

USUAL: Mapping[str, bytes] = {
    "greeting": b"220 scripted.example",
    "EHLO": b"250-scripted.example\r\n250-PIPELINING\r\n250 SIZE 1000000",
    "HELO": b"250 scripted.example",
    "MAIL": b"250 2.1.0 Ok",
    "RCPT": b"250 2.1.5 Ok",
    "DATA": b"354 go on",
    ".": b"250 2.0.0 Taken",
    "RSET": b"250 2.0.0 Ok",
    "QUIT": b"221 bye",
}


class Scripted:
    """What the server says to each command; `.` is the end of the content. A test may change `answers` at any time;
    an answer that ends in `(hang up)` is given first."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self.answers = {**USUAL, **answers}
        self.port = 0
        self.connections = 0
        self.commands: list[str] = []
        self.pieces: list[bytes] = []
        self.mails: list[bytes] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        unread = b""
        if not await self._say("greeting", writer):
            return
        while True:
            piece = await reader.read(1 << 20)
            if not piece:
                return
            self.pieces.append(piece)
            unread += piece
            while b"\r\n" in unread:
                line, _, unread = unread.partition(b"\r\n")
                command = line.split(b" ")[0].split(b":")[0].decode().upper()
                self.commands.append(command)
                if not await self._say(command, writer):
                    return
                if command == "DATA" and self.answers["DATA"].startswith(b"354"):
                    while b"\r\n.\r\n" not in (b"\r\n" + unread):
                        more = await reader.read(1 << 20)
                        if not more:
                            return
                        unread += more
                    content, _, unread = (b"\r\n" + unread).partition(b"\r\n.\r\n")
                    self.mails.append(content[2:])
                    if not await self._say(".", writer):
                        return

    async def _say(self, to: str, writer: asyncio.StreamWriter) -> bool:
        answer = self.answers.get(to, b"502 5.5.1 What?")
        if answer == HANG:
            await asyncio.Event().wait()
        last = answer.endswith(HANG_UP)
        answer = answer.removesuffix(HANG_UP)
        if answer:
            writer.write(answer + b"\r\n")
            await writer.drain()
        return not last


@asynccontextmanager
async def scripted(answers: Mapping[str, bytes] | None = None) -> AsyncIterator[Scripted]:
    """A server with this script, and the usual answers to everything else."""
    server = Scripted(answers or {})
    async with serving(server.talk) as server.port:
        yield server
