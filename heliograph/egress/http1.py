"""One connection that speaks HTTP/1.1 as a client (RFC 9112): a request goes out, its answer comes in, and then the next.

What is read is read by llhttp (`httptools`), which knows lengths, chunks and what is no HTTP. Here is what bounds an answer,
and when a connection may be used again. A general client spends five times as much on a small POST as this, most of it on
what is not wanted here: cookies, redirects, encodings, streams.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from heliograph.egress.outcomes import Broken, Failed

LINE = 8_190  # bytes of a header, and of any piece of a head
HEADERS = 128  # of one answer
HEAD = 65_536  # bytes that come before a head is complete

_LOST = Failed("connect", "the connection was lost before an answer came", begun=True)


class Connection(asyncio.Protocol):
    """A connection, and the answer that is under way on it.

    `status`, `headers`, `body` and `complete` are the latest answer's. `kept`: it answered before; `reusable`: it may be asked
    again."""

    def __init__(self) -> None:
        self.kept = self.reusable = False
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None] | None = None
        self._broken: Failed | None = None
        self._lost = False
        self._parser = httptools.HttpResponseParser(self)
        # Servers that end lines with LF alone, or leave a blank behind a chunk's size, are understood (RFC 9112 section 2.2).
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._asked = False
        self._begin()

    def _begin(self) -> None:
        self.status, self.complete, self.answered = 0, False, False
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self._head, self._headed = 0, False
        self._to_the_end = False  # the body ends with the connection
        self._enough = 0

    async def ask(self, request: bytes, enough: int) -> None:
        """Send a request and return when its answer is complete, or more than `enough` bytes of its body are here; then no
        more is read. Raises `Broken`; the connection is good for nothing then, nor when this is cancelled."""
        self._begin()
        self._asked, self.reusable = True, False
        # Requests of one turn of the loop are written one after the other at its end: whoever reads them is woken once.
        asyncio.get_running_loop().call_soon(self._send, request)
        await self._wait(enough)

    async def more(self, enough: int) -> None:
        """Read on, as `ask` does, having taken what was there."""
        self.body = bytearray()
        if not self.complete and not self._lost:
            self._transport.resume_reading()
        await self._wait(enough)

    def close(self) -> None:
        """Hang up."""
        self.reusable = False
        self._transport.abort()

    def _send(self, request: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(request)

    async def _wait(self, enough: int) -> None:
        self._enough = enough
        if self._lost and not self.complete:
            self._broken = self._broken or _LOST
        if self._broken is None and not self.complete:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._broken is not None:
            raise Broken(self._broken)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if not self._asked or self.complete:  # nobody asked for this
            self.close()
            return
        self.answered = True
        if not self._headed:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self._fail(
                error.__context__.failed if isinstance(error.__context__, Broken) else _nonsense(error)
            )
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(_nonsense(error))
        else:
            self._took()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost, self.reusable = True, False
        if self._broken is None and not self.complete:
            self._end(error)
            self._wake()

    def _end(self, error: Exception | None) -> None:
        """The connection ended before the answer, unless the answer's end is that."""
        if error is None and self._headed and self._to_the_end:
            self.complete = True
        elif error is None and self.answered:
            self._broken = Failed("protocol", "the answer is not HTTP: it is incomplete", begun=True)
        else:
            self._broken = _LOST._replace(reason=str(error)) if error else _LOST

    def _took(self) -> None:
        if not self._headed and self._head > HEAD:
            self._fail(Failed("too_large", "the answer's head is too large", begun=True))
        elif self.complete:
            self._wake()
        elif len(self.body) > self._enough:
            self._transport.pause_reading()
            self._wake()

    def _fail(self, failed: Failed) -> None:
        self._broken = failed
        self.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def on_message_begin(self) -> None:
        """llhttp: an answer begins. A second one to a single question makes the connection suspect."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp: a header."""
        if self.complete:
            return
        if len(name) + len(value) > LINE:
            raise Broken(Failed("too_large", "the answer's head is too large", begun=True))
        if len(self.headers) == HEADERS:
            raise Broken(Failed("protocol", "the answer is not HTTP: it has too many headers", begun=True))
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """llhttp: the head is complete; that of an interim answer (RFC 9110 section 15.2) is not the answer's."""
        status = self._parser.get_status_code()
        if self.complete or status < 200:
            return
        self.status, self._headed = status, True
        said = {name.lower(): value.lower() for name, value in self.headers}
        chunked = said.get("transfer-encoding", "").endswith("chunked")
        self._to_the_end = not chunked and "content-length" not in said

    def on_body(self, data: bytes) -> None:
        """llhttp: a piece of the body."""
        if not self.complete:
            self.body += data

    def on_message_complete(self) -> None:
        """llhttp: an answer is complete."""
        if self.complete:
            return
        if not self._headed:
            self.headers = []
            return
        self.complete = True
        unsent = self._transport.get_write_buffer_size()
        self.reusable = self._parser.should_keep_alive() and not unsent


def _nonsense(error: Exception) -> Failed:
    return Failed("protocol", f"the answer is not HTTP: {error}", begun=True)
