"""A real SMTP server that keeps what it gets, so that the demo's mail really arrives somewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Mailbox:
    """Takes every mail for anybody. `arrived` is called with each, on the event loop."""

    def __init__(self, arrived: Callable[[EmailMessage], None] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.times: list[float] = []
        self.address = ""
        self._arrived = arrived
        self._server: asyncio.Server | None = None
        self._came = asyncio.Condition()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns HOST:PORT."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mailbox.demo", enable_SMTPUTF8=True, loop=loop), host, port
        )
        bound = self._server.sockets[0].getsockname()
        self.address = f"{bound[0]}:{bound[1]}"
        return self.address

    async def stop(self) -> None:
        """Close the server."""
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one mail."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        mail = message_from_bytes(raw, policy=policy.default)
        assert isinstance(mail, EmailMessage)  # noqa: S101 - the default policy makes these
        self.mails.append(mail)
        self.times.append(time.monotonic())
        async with self._came:
            self._came.notify_all()
        if self._arrived:
            self._arrived(mail)
        return "250 2.0.0 Kept"

    async def wait(self, number: int, seconds: float) -> EmailMessage:
        """The mail of that number, from 1, as soon as it has come. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(lambda: len(self.mails) >= number)
        return self.mails[number - 1]


def html_of(mail: EmailMessage) -> str:
    """The mail's HTML, or its text."""
    part = mail.get_body(("html", "plain"))
    return str(part.get_content()) if part is not None else ""
