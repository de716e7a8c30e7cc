"""An SMTP server that answers like the world does, and the ids that the tests of messages use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from free_ports import free_port

ACCOUNT = "123456789012"
MESSAGE = "018cc251-f400-7000-8000-0123456789ab"
PERSON = "018cc251-f400-7000-8000-00000000cafe"
BASE = "https://mail.shop.example"


class World:
    """A real SMTP server. What it does depends on the recipient's local part:

    `450`, `452`, `550` ...: that reply to RCPT; `data-550`: that reply to the content; `421`: that reply, and it
    hangs up; `drop`: it hangs up at RCPT; `vanish`: it takes the content and hangs up without an answer; `hang`: it
    never answers RCPT; `sulk`: it never answers the content. `sender-550@` as envelope sender: that reply to MAIL.
    Everybody else's mail is kept."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.envelopes: list[Envelope] = []
        self.connections = 0
        self.commands: list[str] = []
        self.url = ""
        self.greylisted: set[str] = set()
        self.stuck = asyncio.Event()
        self.gone = asyncio.Event()
        self.before_data: Callable[[], Awaitable[None]] | None = None
        self._server: asyncio.Server | None = None
        self._transports: list[asyncio.BaseTransport] = []

    async def start(self, port: int | None = None) -> None:
        loop = asyncio.get_running_loop()

        def serve() -> SMTP:
            self.connections += 1
            world = self

            class Talk(SMTP):
                def connection_made(self, transport: Any) -> None:
                    world._transports.append(transport)  # once more inside TLS
                    super().connection_made(transport)

                def connection_lost(self, error: Exception | None) -> None:
                    world.gone.set()
                    super().connection_lost(error)

            return Talk(self, hostname="world.example", loop=loop, **self.options)

        self.port = port or free_port()  # after `stop` nobody else has it
        self._server = await loop.create_server(serve, "127.0.0.1", self.port)
        self.url = f"smtp://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()
        await settle()

    def hang_up(self) -> None:
        """Close every connection, as servers do with idle ones."""
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append(f"MAIL {' '.join(options)}".strip())
        if address.startswith("sender-550"):
            return "550 5.1.0 Address rejected"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RSET(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.commands.append("RSET")
        return "250 2.0.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append("RCPT")
        local = address.split("@")[0]
        if local == "drop":
            server.transport.close()
            return "421 4.3.0 gone"
        if local == "hang":
            self.stuck.set()
            await asyncio.Event().wait()
        if local == "421":
            await server.push("421 4.3.2 Service shutting down")
            server.transport.close()
            return ""
        if local == "grey" and address not in self.greylisted:
            self.greylisted.add(address)
            return "450 4.2.0 Greylisted"
        if local[:3].isdigit() and len(local) == 3:
            return {
                "450": "450 4.3.0 Try again later",
                "452": "452 4.2.2 The recipient's mailbox is full",
                "550": "550 5.1.1 The email account that you tried to reach does not exist.",
                "554": "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            }[local]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.before_data is not None:
            await self.before_data()
        local = envelope.rcpt_tos[0].split("@")[0]
        if local == "vanish":
            server.transport.close()
            return "421 gone"
        if local == "sulk":
            self.stuck.set()
            await asyncio.Event().wait()
        if local == "data-550":
            return "550 5.7.1 This message was classified as SPAM"
        if local == "data-451":
            return "451 4.3.0 Out of disk"
        content = envelope.original_content or b""
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.raw.append(content)
        self.mails.append(mail)
        self.envelopes.append(envelope)
        return f"250 2.0.0 Kept as {len(self.mails)}"


async def settle() -> None:
    """Let closed connections finish closing."""
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], **options: Any
) -> AsyncIterator[int]:
    """A bare server that talks as it is told, on the port that this gives."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await settle()


def check_login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """An authenticator that knows one login: `shop`, `secret`."""
    right = (data.login, data.password) == (b"shop", b"secret")
    return AuthResult(success=right, handled=False)  # not handled: aiosmtpd itself answers
