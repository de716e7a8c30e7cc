"""Mail from an IMAP mailbox: what is unseen is read, recorded, and marked as seen or moved to another folder.

The server's own flags are all that is remembered, so it can go on after any crash; a mail that was recorded and not yet
marked is read once more, and its derived id records it once. The standard library's client, in a thread: it polls.
"""

from __future__ import annotations

import asyncio
import imaplib
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from heliograph.clock import Clock
from heliograph.errors import OperatorError, Unavailable
from heliograph.inbound.receipts.mail.intake import Delivery, Intake
from heliograph.inbound.receipts.mail.parts import READ_LIMIT
from heliograph.settings import Settings

log = logging.getLogger("heliograph.mail")

TIMEOUT = 60.0
"""Seconds for one answer of the server."""
LONGEST_PAUSE = 600.0
"""Seconds between two tries to reach a server that is away; the first pause is that of polling, then twice as long."""
AT_ONCE = 200
"""Mails of one look; the next begins at once while there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Where mail is fetched. `done`: the folder that mails go to when they are recorded; empty: they are marked."""

    host: str
    port: int
    tls: bool
    folder: str
    user: str
    password: str
    done: str = ""


def mailbox_of(settings: Settings) -> Mailbox:
    """The mailbox of `imap_url`. Raises `OperatorError`."""
    parts = urlsplit(settings.imap_url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("imap", "imaps") or not parts.hostname or port == 0:
        raise OperatorError(f"imap_url: {settings.imap_url!r} is not imaps://HOST[:PORT]/FOLDER")
    tls = parts.scheme == "imaps"
    return Mailbox(
        host=parts.hostname,
        port=port or (993 if tls else 143),
        tls=tls,
        folder=unquote(parts.path.strip("/")) or "INBOX",
        user=settings.imap_user,
        password=settings.imap_password,
        done=settings.imap_done,
    )


class Imap:
    """A mailbox that is emptied, every `seconds`."""

    def __init__(self, mailbox: Mailbox, intake: Intake, clock: Clock, seconds: float) -> None:
        self._mailbox, self._intake, self._clock, self._seconds = mailbox, intake, clock, seconds

    async def run(self) -> None:
        """Look again and again; a server that is away is tried again, ever more seldom."""
        pause = self._seconds
        while True:
            try:
                while await self.empty() >= AT_ONCE:
                    pass
                pause = self._seconds
            except (Unavailable, OSError, imaplib.IMAP4.error) as error:
                log.warning("IMAP %s: %s; tried again in %.0f s", self._mailbox.host, error, pause)
                await self._clock.sleep(pause)
                pause = max(self._seconds, min(pause * 2, LONGEST_PAUSE))
                continue
            await self._clock.sleep(self._seconds)

    async def empty(self) -> int:
        """Take what is unseen, the oldest first; how many. Raises what `imaplib` raises, and `Unavailable`."""
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(self._empty, loop)

    def _empty(self, loop: asyncio.AbstractEventLoop) -> int:
        with _connected(self._mailbox) as client:
            unseen = _answer(client.uid("SEARCH", "UNSEEN", "UNDELETED"))[0] or b""
            numbers = unseen.split()[:AT_ONCE]
            for number in numbers:
                raw = _fetched(client, number.decode())
                if raw is None or self._taken(raw, number.decode(), loop):
                    self._done(client, number.decode())
            if (
                numbers
                and self._mailbox.done
                and "UIDPLUS" not in client.capabilities
                and "MOVE" not in client.capabilities
            ):
                _answer(client.expunge())
            return len(numbers)

    def _taken(self, raw: bytes, number: str, loop: asyncio.AbstractEventLoop) -> bool:
        taking = self._intake.taken(raw, Delivery(None), f"number {number} of {self._mailbox.folder}")
        return asyncio.run_coroutine_threadsafe(taking, loop).result()

    def _done(self, client: imaplib.IMAP4, number: str) -> None:
        """Mark it, or move it: in one step (RFC 6851), or as a copy and a deletion (RFC 4315)."""
        if not self._mailbox.done:
            _answer(client.uid("STORE", number, "+FLAGS.SILENT", r"(\Seen)"))
            return
        folder = _quoted(self._mailbox.done)
        if "MOVE" in client.capabilities:
            _answer(client.uid("MOVE", number, folder))
            return
        _answer(client.uid("COPY", number, folder))
        _answer(client.uid("STORE", number, "+FLAGS.SILENT", r"(\Seen \Deleted)"))
        if "UIDPLUS" in client.capabilities:
            _answer(client.uid("EXPUNGE", number))


@contextmanager
def _connected(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    """A client that is logged in, with the folder open. Without TLS from the start it is asked for (RFC 2595), unless the
    server is this machine."""
    client: imaplib.IMAP4
    if mailbox.tls:
        context = ssl.create_default_context()
        client = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=TIMEOUT)
    else:
        client = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=TIMEOUT)
    try:
        if not mailbox.tls and mailbox.host not in ("127.0.0.1", "::1", "localhost"):
            client.starttls(ssl.create_default_context())
        client.login(mailbox.user, mailbox.password)
        if mailbox.done:
            client.create(_quoted(mailbox.done))  # it may be there: then the server says NO, and that is fine
        _answer(client.select(_quoted(mailbox.folder)))
        yield client
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            client.logout()
        with suppress(OSError):
            client.shutdown()  # `logout` leaves the socket open where the server had gone before it answered


def _fetched(client: imaplib.IMAP4, number: str) -> bytes | None:
    """The first bytes of a mail, unmarked; None: it is gone."""
    for part in _answer(client.uid("FETCH", number, f"(BODY.PEEK[]<0.{READ_LIMIT + 1}>)")):
        if isinstance(part, tuple):
            return bytes(part[1])
    return None


def _answer(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(f"the server said {status}: {data[0]!r}")
    return data


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
