"""A connection to a server that is ready for mail: what is written to it, and its replies in order (RFC 5321 4.2).

aiosmtplib makes the connection: greeting, EHLO or HELO, TLS, login. From then on this protocol listens in its place,
because aiosmtplib's drops what comes while no command waits for it, so that commands cannot be sent in groups (RFC 2920).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import NamedTuple, cast

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPHeloError, SMTPResponseException

from heliograph.outbound.messages.channels.relay import Relay

LINE_LIMIT = 4096
"""Bytes of one line of a reply; RFC 5321 4.5.3.1.5 allows 512."""
REPLY_LIMIT = 64 * 1024
"""Bytes of one reply, all its lines."""
TEXT_LIMIT = 1000
"""Characters of a reply that are kept."""
AUTH_CODES = frozenset((530, 534, 535, 538))
"""Answers about our login (RFC 4954 section 6): the operator's to mend, no word on the recipient."""


class Reply(NamedTuple):
    """What the server said: the basic code, and the words of all lines."""

    code: int
    words: str

    @property
    def text(self) -> str:
        """Both, on one line."""
        return f"{self.code} {' '.join(self.words.split())}"[:TEXT_LIMIT].rstrip()


class Lost(Exception):
    """The connection is gone, silent, or says what is no reply."""


class NotConnected(Exception):
    """No connection came about; the reason in words. `by_operator`: only the operator can mend it (a login, TLS)."""

    def __init__(self, reason: str, *, by_operator: bool = False) -> None:
        super().__init__(reason)
        self.by_operator = by_operator


class Wire(asyncio.Protocol):
    """One connection. `extensions`: what the server offers, in small letters."""

    def __init__(self, transport: asyncio.Transport, extensions: frozenset[str]) -> None:
        self.extensions = extensions
        self._transport = transport
        self._unread = bytearray()
        self._lines: list[bytes] = []
        self._replies: deque[Reply] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._wanted = 0
        self._lost: str | None = None
        transport.set_protocol(self)
        transport.resume_reading()

    @property
    def usable(self) -> bool:
        """Connected, and nothing was said that nobody asked for (a goodbye)."""
        return self._lost is None and not self._transport.is_closing() and not (self._replies or self._unread)

    def write(self, data: bytes) -> None:
        """Send it. Raises `Lost`."""
        if self._lost is not None or self._transport.is_closing():
            raise Lost(self._lost or "the connection is closed")
        self._transport.write(data)

    async def replies(self, count: int, timeout: float) -> list[Reply]:
        """The next replies, in order: at least one, fewer than `count` where the server hangs up before the last. Raises
        `Lost` when they do not come within `timeout` seconds."""
        if len(self._replies) < count and self._lost is None:
            loop = asyncio.get_running_loop()
            self._wanted, self._waiting = count, loop.create_future()
            # `asyncio.timeout` does the same for five times as much.
            timer = loop.call_later(timeout, self._wake)
            try:
                await self._waiting
            finally:
                self._waiting = None
                timer.cancel()
            if len(self._replies) < count and self._lost is None:
                raise Lost(f"no answer within {timeout:g} seconds")
        if not self._replies:
            raise Lost(self._lost or "the connection is closed")
        return [self._replies.popleft() for _ in range(min(count, len(self._replies)))]

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take lines, and from these replies."""
        self._unread += data
        while (end := self._unread.find(b"\n")) >= 0:
            line = bytes(self._unread[:end]).rstrip(b"\r")
            del self._unread[: end + 1]
            if not self._took(line):
                return
        if len(self._unread) > LINE_LIMIT:
            self._give_up("the server's answer does not end")
        elif self._waiting is not None and len(self._replies) >= self._wanted:
            self._wake()

    def eof_received(self) -> None:
        """The server hangs up."""
        self._give_up("the server closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more will come."""
        self._give_up(f"the connection broke: {error}" if error else "the connection was closed")

    def _took(self, line: bytes) -> bool:
        if len(line) < 3 or not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b""):
            self._give_up(f"the answer has no meaning: {line[:200].decode('utf-8', 'replace')}")
            return False
        self._lines.append(line[4:])
        if line[3:4] != b"-":
            words = b"\n".join(self._lines).decode("utf-8", "replace")
            self._replies.append(Reply(int(line[:3]), words))
            self._lines.clear()
        elif sum(map(len, self._lines)) > REPLY_LIMIT:
            self._give_up("the server's answer does not end")
            return False
        return True

    def _give_up(self, why: str) -> None:
        if self._lost is None:
            self._lost = why
            self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


async def connect(relay: Relay, tls: ssl.SSLContext | None) -> Wire:
    """A connection on which mail can be handed over. Raises `NotConnected`."""
    connection = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.user or None,
        password=relay.password or None,
        local_hostname=relay.greeting,
        timeout=relay.timeout,
        use_tls=relay.security == "tls",
        start_tls=relay.security == "starttls",
        tls_context=tls,
    )
    try:
        await connection.connect()
        if connection.is_ehlo_or_helo_needed:
            await _greet(connection)
    except SMTPResponseException as error:
        connection.close()
        said = Reply(error.code, error.message.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        raise NotConnected(
            f"{relay.shown} answers {said.text}", by_operator=error.code in AUTH_CODES
        ) from error
    except (SMTPException, OSError, ValueError) as error:
        connection.close()
        why = f"{relay.shown}: {str(error) or type(error).__name__}"[:TEXT_LIMIT]
        raise NotConnected(why, by_operator=_ours(error)) from error
    protocol = connection.protocol
    if protocol is None or protocol.transport is None:
        raise NotConnected(f"{relay.shown} hung up after its greeting")
    return Wire(cast(asyncio.Transport, protocol.transport), frozenset(connection.esmtp_extensions))


async def _greet(connection: aiosmtplib.SMTP) -> None:
    try:
        await connection.ehlo()
    except SMTPHeloError as error:
        if error.code < 500:
            raise
        await connection.helo()  # RFC 5321 3.2: a server that does not know EHLO


def _ours(error: Exception) -> bool:
    """A certificate that we do not trust; no STARTTLS or no AUTH where we were told to use it, which are what aiosmtplib
    raises its bare exception for."""
    causes = (error, error.__cause__)
    return type(error) is SMTPException or any(
        isinstance(one, ssl.SSLCertVerificationError) for one in causes
    )
