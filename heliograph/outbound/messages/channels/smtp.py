"""The SMTP channel: a pool of connections to the relay, and one conversation per message (RFC 5321).

Connections are kept and used again without asking first whether they still live: a dead one is noticed at MAIL FROM,
when nothing has been handed over yet, and the message takes a fresh one instead. What decides between "send it again"
and "nobody knows" is one instant: when the content is written. A connection lost before it means that nothing was
handed over; after it, without an answer, the message is in doubt.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import NamedTuple

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPHeloError, SMTPResponseException
from aiosmtplib.response import SMTPResponse

from heliograph.bounces.classify import find_status
from heliograph.clock import Clock
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Channel,
    Deferred,
    InDoubt,
    Parcel,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.relay import Relay, relay_of
from heliograph.settings import Settings

IDLE_LIMIT = 60.0
"""Seconds after which an unused connection is not used again; servers hang up after minutes (RFC 5321 4.5.3.2.7)."""
FINAL_FACTOR = 10
"""The answer to the content may take so many times longer: ten minutes by 4.5.3.2.6, as the server stores it."""
REFUSED_FOR = 5.0
"""Seconds for which a relay that could not be reached is not tried again: all who wait learn it at once."""
RESPONSE_LIMIT = 1000
"""Characters of an answer that are kept."""
AUTH_CODES = frozenset((530, 534, 535, 538))
"""Answers about our login (RFC 4954 section 6): the operator's to mend, no word on the recipient."""


class _Idle(NamedTuple):
    connection: aiosmtplib.SMTP
    since: float


class _Refused(Exception):
    """No connection; the reason in words."""


class SmtpLine:
    """A line to one relay, of up to `size` connections at once."""

    def __init__(self, relay: Relay, clock: Clock, *, size: int, timeout: float) -> None:
        self._relay = relay
        self._clock = clock
        self._timeout = timeout
        self._free = asyncio.Semaphore(size)
        self._opening = asyncio.Lock()
        self._idle: deque[_Idle] = deque()
        self._busy = 0
        self._refused: tuple[float, str] = (0.0, "")
        self._tls = None if relay.security == "plain" else ssl.create_default_context()

    @property
    def name(self) -> str:
        """`smtp:HOST:PORT`."""
        return f"smtp:{self._relay.host}:{self._relay.port}"

    async def ready(self) -> str:
        """Empty while a connection lives or can be made; else why not."""
        if self._alive():
            return ""
        async with self._opening:  # one asks for all
            if self._alive():
                return ""
            until, reason = self._refused
            if self._clock.monotonic() < until:
                return reason
            try:
                self._keep(await self._connect())
            except _Refused as refused:
                self._refused = (self._clock.monotonic() + REFUSED_FOR, str(refused))
                return str(refused)
        return ""

    async def send(self, parcel: Parcel) -> Result:
        """One message to one recipient: one conversation. A connection that was kept and turns out to be closed is
        replaced once, while nothing is handed over."""
        async with self._free:
            kept = self._kept()
            if kept is not None:
                result = await self._converse(kept, parcel)
                if not isinstance(result, Unreachable) and not _hung_up(result):
                    return result
            try:
                fresh = await self._connect()
            except _Refused as refused:
                return Unreachable(str(refused))
            return await self._converse(fresh, parcel)

    async def close(self) -> None:
        """Say goodbye on every connection that is not in use."""
        while self._idle:
            connection = self._idle.pop().connection
            try:
                await connection.quit(timeout=1.0)
            except (SMTPException, OSError):
                connection.close()

    def _alive(self) -> bool:
        return self._busy > 0 or any(idle.connection.is_connected for idle in self._idle)

    def _kept(self) -> aiosmtplib.SMTP | None:
        # The one used last is the likeliest to live.
        while self._idle:
            connection, since = self._idle.pop()
            if connection.is_connected and self._clock.monotonic() - since <= IDLE_LIMIT:
                return connection
            connection.close()
        return None

    def _keep(self, connection: aiosmtplib.SMTP) -> None:
        if connection.is_connected:
            self._idle.append(_Idle(connection, self._clock.monotonic()))

    async def _connect(self) -> aiosmtplib.SMTP:
        relay = self._relay
        connection = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password or None,
            local_hostname=relay.greeting,
            timeout=self._timeout,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=self._tls,
        )
        try:
            await connection.connect()
            if connection.is_ehlo_or_helo_needed:
                await _greet(connection)
        except SMTPResponseException as error:
            connection.close()
            raise _Refused(f"{self.name} answers {_text(error.code, error.message)}") from error
        except (SMTPException, OSError, ValueError) as error:
            connection.close()
            raise _Refused(f"{self.name}: {str(error) or type(error).__name__}"[:RESPONSE_LIMIT]) from error
        return connection

    async def _converse(self, connection: aiosmtplib.SMTP, parcel: Parcel) -> Result:
        self._busy += 1
        try:
            result = await _Conversation(connection, parcel, self._timeout).run()
        except BaseException:
            connection.close()  # in the middle of something: nobody else may go on there
            raise
        finally:
            self._busy -= 1
        self._keep(connection)
        return result


class _Conversation:
    """MAIL, RCPT, DATA, and the content; RSET where the server is left with half of it."""

    def __init__(self, connection: aiosmtplib.SMTP, parcel: Parcel, timeout: float) -> None:
        self._connection = connection
        self._parcel = parcel
        self._timeout = timeout

    async def run(self) -> Result:
        """Say it all. Afterwards the connection is either as new or closed."""
        try:
            refused = await self._envelope()
        except (SMTPException, OSError) as error:
            self._connection.close()
            return Unreachable(f"the connection failed before the content was handed over: {_why(error)}")
        if refused is not None:
            await self._reset()
            return refused
        return await self._content()

    async def _envelope(self) -> Result | None:
        sender, recipient, content = self._parcel
        say = self._connection.execute_command
        wide = sender.wide or recipient.wide
        if wide and not self._connection.supports_extension("smtputf8"):
            return _NO_UTF8
        options = [b"SMTPUTF8", b"BODY=8BITMIME"] if wide else []
        if self._connection.supports_extension("size"):
            options.append(b"SIZE=%d" % len(content))
        response = await say(b"MAIL", b"FROM:<%s>" % sender.address.encode(), *options)
        if response.code != 250:
            return _refusal(response, about_recipient=False)
        response = await say(b"RCPT", b"TO:<%s>" % recipient.address.encode())
        if response.code not in (250, 251):
            return _refusal(response)
        response = await say(b"DATA")
        return None if response.code == 354 else _refusal(response)

    async def _content(self) -> Result:
        protocol = self._connection.protocol
        if protocol is None or not protocol.is_connected:
            return Unreachable("the connection was closed before the content was handed over")
        # RFC 5321 4.5.2: a line that begins with a dot gets another one. The mail itself has CRLF throughout.
        protocol.write(self._parcel.content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        try:
            response = await protocol.read_response(timeout=self._timeout * FINAL_FACTOR)
        except (SMTPException, OSError) as error:
            self._connection.close()
            return InDoubt(f"the content was handed over, and no answer came: {_why(error)}")
        if 200 <= response.code <= 299:
            return Accepted(_text(response.code, response.message))
        if not 400 <= response.code <= 599:
            self._connection.close()
            return InDoubt(
                f"the answer to the content has no meaning: {_text(response.code, response.message)}"
            )
        if response.code == 421:
            self._connection.close()
        return _refusal(response)

    async def _reset(self) -> None:
        if not self._connection.is_connected:
            return
        try:
            response = await self._connection.execute_command(b"RSET")
        except (SMTPException, OSError):
            self._connection.close()
            return
        if response.code != 250:
            self._connection.close()


def open_smtp(settings: Settings, clock: Clock) -> SmtpLine | None:
    """The line to the relay of the settings; None where there is none."""
    relay = relay_of(settings)
    if relay is None:
        return None
    return SmtpLine(relay, clock, size=settings.smtp_connections, timeout=settings.smtp_timeout)


async def _greet(connection: aiosmtplib.SMTP) -> None:
    try:
        await connection.ehlo()
    except SMTPHeloError as error:
        if error.code < 500:
            raise
        await connection.helo()  # RFC 5321 3.2: a server that does not know EHLO


def _refusal(response: SMTPResponse, *, about_recipient: bool = True) -> Result:
    text = _text(response.code, response.message)
    if response.code in AUTH_CODES:
        return Unreachable(f"the relay asks for another login: {text}")
    if 400 <= response.code <= 499:
        return Deferred(text, response.code)
    if 500 <= response.code <= 599:
        return Bounced(text, response.code, find_status(response.message), about_recipient)
    return Unreachable(f"the relay's answer makes no sense here: {text}")


def _hung_up(result: Result) -> bool:
    return isinstance(result, Deferred) and result.code == 421


def _text(code: int, message: str) -> str:
    words = message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"{code} {' '.join(words.split())}"[:RESPONSE_LIMIT].rstrip()


def _why(error: Exception) -> str:
    return f"{error}"[:RESPONSE_LIMIT] or type(error).__name__


_NO_UTF8 = Bounced(
    "553 5.6.7 The address needs SMTPUTF8 (RFC 6531), which the relay does not offer", 553, "5.6.7"
)

CHANNEL = Channel(
    name="smtp",
    carries="email",
    settings=("smtp_relay", "smtp_user", "smtp_password", "smtp_connections", "smtp_timeout", "smtp_final"),
    open=open_smtp,
)
