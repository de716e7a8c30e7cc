"""The SMTP and LMTP servers that mail comes back to: for our return paths and mailboxes only, so no open relay.

250 is said when the evidence and the event are on disk; when they cannot be now, 451, and the sender brings it again.
Connections, mails a second of one address, recipients and sizes are bounded; a line without end ends the connection.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from heliograph.clock import Clock
from heliograph.errors import OperatorError, TooManyRequests, Unavailable
from heliograph.inbound.receipts.mail.intake import Delivery, Intake
from heliograph.settings import Settings
from heliograph.web.limits import Limit, site

log = logging.getLogger("heliograph.mail")

RECIPIENTS = 20
"""Recipients of one mail: a notice has one."""
LINE_LIMIT = 128 * 1024
"""Bytes of one line: returned mails have longer ones than the standard allows (RFC 5321 4.5.3.1.6)."""
TIMEOUT = 120.0
"""Seconds of silence after which a connection is closed."""
COMMANDS = 200
"""Calls of one command in one connection."""


class Endpoint(NamedTuple):
    """Where to listen, and in which protocol."""

    lmtp: bool
    host: str
    port: int


def endpoints(settings: Settings) -> list[Endpoint]:
    """The addresses of `mail_listen`. Raises `OperatorError`."""
    return [_endpoint(url) for url in settings.mail_listen]


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """What STARTTLS is done with; None: it is not offered. Raises `OperatorError`."""
    if not settings.mail_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.mail_certificate, settings.mail_key or None)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(f"mail_certificate: {settings.mail_certificate}: {error}") from error
    return context


class Receiver:
    """Listens at every endpoint until it is closed."""

    def __init__(self, intake: Intake, settings: Settings, clock: Clock) -> None:
        self._doors = _Doors(intake, Limit(settings.mail_rate, clock))
        self._settings = settings
        self._tls = tls_of(settings)
        self.most = 2 * settings.mail_size
        """Bytes that may come between two answers."""
        self._open: set[asyncio.BaseTransport] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self) -> Sequence[tuple[str, int]]:
        """Listen; the addresses that were bound. Raises `OperatorError` when one cannot be."""
        bound = []
        for endpoint in endpoints(self._settings):
            make = partial(_Talk.of, self, LmtpTalk if endpoint.lmtp else SmtpTalk)
            try:
                server = await asyncio.get_running_loop().create_server(make, endpoint.host, endpoint.port)
            except OSError as error:
                raise OperatorError(
                    f"mail_listen: {endpoint.host}:{endpoint.port}: {error.strerror or error}"
                ) from error
            self._servers.append(server)
            bound.append(server.sockets[0].getsockname()[:2])
        return bound

    async def close(self) -> None:
        """Listen no more; connections that are open end."""
        for server in self._servers:
            server.close()
        for transport in list(self._open):
            transport.close()

    def admitted(self, transport: asyncio.BaseTransport) -> bool:
        """Whether there is room for one connection more."""
        if len(self._open) >= self._settings.mail_connections:
            return False
        self._open.add(transport)
        return True

    def left(self, transport: asyncio.BaseTransport) -> None:
        """A connection ended."""
        self._open.discard(transport)

    def talk(self, kind: type[_Talk]) -> _Talk:
        """One connection's protocol."""
        return kind(
            self._doors,
            data_size_limit=self._settings.mail_size,
            enable_SMTPUTF8=True,
            hostname=self._settings.mail_hostname or "localhost",
            ident="Heliograph",
            tls_context=self._tls,
            timeout=TIMEOUT,
            command_call_limit=COMMANDS,
        )


class _Doors:
    """What aiosmtpd asks: whether a recipient is ours, and to take a mail."""

    def __init__(self, intake: Intake, limit: Limit) -> None:
        self._intake, self._limit = intake, limit

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._intake.accepts(address):
            return "550 5.1.1 No such mailbox here"
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not isinstance(server, LMTP):  # an LMTP client is the operator's own mail server
            try:
                self._limit.spend(site(_ip(session)))
            except TooManyRequests:
                return "450 4.7.1 Too much mail from your address just now"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        answers = [await self._take(raw, session, envelope, recipient) for recipient in envelope.rcpt_tos]
        if isinstance(server, LMTP):
            return "\r\n".join(answers)  # one for each recipient (RFC 2033 4.2)
        return max(answers)  # a 4xx, if there is one: what was taken already is recorded once

    async def _take(self, raw: bytes, session: Session, envelope: Envelope, recipient: str) -> str:
        delivery = Delivery(envelope.mail_from, (recipient,), _ip(session))
        try:
            await self._intake.take(raw, delivery)
        except (Unavailable, OSError) as error:
            log.warning("a mail could not be recorded, its sender was asked to bring it again: %s", error)
            return "451 4.3.0 It cannot be recorded now, bring it again"
        except Exception:
            log.exception("a mail could not be taken, its sender was asked to bring it again")
            return "451 4.3.0 We failed, bring it again"
        return "250 2.0.0 Recorded"


class _Talk(SMTP):
    """One connection, bounded."""

    line_length_limit = LINE_LIMIT
    receiver: Receiver

    @staticmethod
    def of(receiver: Receiver, kind: type[_Talk]) -> SMTP:
        """A protocol of this kind for the next connection."""
        made = receiver.talk(kind)
        made.receiver = receiver
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._since_answer = 0
        if transport.get_extra_info("sslcontext") is None and not self.receiver.admitted(transport):
            transport.write(b"421 4.7.0 Too many connections, come again\r\n")  # type: ignore[attr-defined]
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.receiver.left(self.transport)
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._since_answer += len(data)
        if self._since_answer > self.receiver.most and isinstance(self.transport, asyncio.Transport):
            self.transport.abort()  # more than was announced to be possible, or a line without end
            return
        super().data_received(data)

    async def push(self, status: Any) -> None:
        self._since_answer = 0
        await super().push(status)


class SmtpTalk(_Talk):
    """SMTP (RFC 5321)."""


class LmtpTalk(_Talk, LMTP):
    """LMTP (RFC 2033)."""


def _ip(session: Session) -> str:
    return str(session.peer[0]) if isinstance(session.peer, tuple) else ""


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("smtp", "lmtp") or not parts.hostname or port is None or parts.path:
        raise OperatorError(f"mail_listen: {url!r} is not smtp://HOST:PORT or lmtp://HOST:PORT")
    return Endpoint(parts.scheme == "lmtp", parts.hostname, port)
