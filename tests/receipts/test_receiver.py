"""The receiver, asked by real SMTP and LMTP clients: what it takes, what it refuses, and when it says 250."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mailbox_world import FBL, World, notice

from heliograph.errors import JournalFull, OperatorError
from heliograph.events.messages import EmailReceived
from heliograph.inbound.receipts.mail.receiver import Receiver
from heliograph.journal.memory import MemoryJournal
from heliograph.settings import Settings
from heliograph.signing import new_certificate

MAIL = b"From: bob@y.example\r\nSubject: hello\r\n\r\n.hidden dot\r\nhi\r\n"


@asynccontextmanager
async def listening(world: World, scheme: str = "smtp", **settings: Any) -> AsyncIterator[int]:
    """A receiver on a port of its own."""
    receiver = Receiver(
        world.intake, Settings(mail_listen=(f"{scheme}://127.0.0.1:0",), **settings), world.clock
    )
    ((_, port),) = await receiver.start()
    try:
        yield port
    finally:
        await receiver.close()


async def with_client(
    port: int, talk: Callable[[smtplib.SMTP], Any], kind: type[smtplib.SMTP] = smtplib.SMTP
) -> Any:
    """What a client finds, in a thread of its own."""

    def run() -> Any:
        with kind("127.0.0.1", port, timeout=60) as client:
            return talk(client)

    return await asyncio.to_thread(run)


class FullJournal(MemoryJournal):
    """Takes nothing until it is told to."""

    full = True

    async def append_once(self, records: Any) -> Any:
        if self.full:
            raise JournalFull("full")
        return await super().append_once(records)


async def test_a_notice_to_a_return_path_is_taken_and_its_event_is_there_when_250_is_said(
    world: World,
) -> None:
    async with listening(world) as port:
        await with_client(
            port, lambda c: c.sendmail("", [world.return_path()], notice("postfix-unknown-user"))
        )
        assert [event.kind for event in await world.told()] == ["message.bounced"]


async def test_it_takes_mail_for_nobody_else(world: World) -> None:
    """It is no relay."""

    def talk(client: smtplib.SMTP) -> list[tuple[int, bytes]]:
        client.ehlo()
        client.mail("bob@y.example")
        forged = world.return_path().replace("b-", "b-a", 1)
        return [
            client.rcpt(to) for to in ("victim@other.example", "bounces@shop.example", forged, FBL.upper())
        ]

    async with listening(world) as port:
        answers = await with_client(port, talk)
    assert [code for code, _ in answers] == [550, 550, 550, 250]


async def test_when_the_journal_is_full_the_sender_is_asked_to_bring_it_again(tmp_path: Path) -> None:
    journal = FullJournal()
    world = World(tmp_path, journal=journal)

    def talk(client: smtplib.SMTP) -> int:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("bob@y.example", [FBL], MAIL)
        return refused.value.smtp_code

    async with listening(world) as port:
        assert await with_client(port, talk) == 451
        assert await world.told() == []
        journal.full = False
        await with_client(port, lambda c: c.sendmail("bob@y.example", [FBL], MAIL))
    (event,) = await world.told()
    assert isinstance(event.data, EmailReceived)
    assert event.data.content == ".hidden dot\nhi"


async def test_lmtp_answers_for_each_recipient(tmp_path: Path) -> None:
    """RFC 2033 section 4.2."""
    world = World(tmp_path)
    await world.send()

    def talk(client: smtplib.SMTP) -> list[tuple[int, bytes]]:
        client.ehlo()
        client.mail("")
        for to in (world.return_path(), FBL):
            client.rcpt(to)
        client.putcmd("data")
        client.getreply()
        client.send(notice("qmail-no-mailbox").replace(b"\n", b"\r\n") + b"\r\n.\r\n")
        return [client.getreply(), client.getreply()]

    async with listening(world, "lmtp") as port:
        answers = await with_client(port, talk, smtplib.LMTP)
    assert [code for code, _ in answers] == [250, 250]
    assert len(await world.told()) == 1


async def test_mail_over_the_limit_is_refused_and_the_connection_goes_on(world: World) -> None:
    async with listening(world, mail_size=65536) as port:

        def talk(client: smtplib.SMTP) -> tuple[int, int]:
            client.ehlo()
            assert client.esmtp_features["size"] == "65536"
            client.mail("bob@y.example")
            client.rcpt(FBL)
            code, _ = client.data(MAIL + b"x" * 60 + b"\r\n" + (b"y" * 70 + b"\r\n") * 1000)
            return code, client.noop()[0]

        assert await with_client(port, talk) == (552, 250)
    assert await world.told() == []


async def test_a_line_without_end_ends_the_connection(world: World) -> None:
    async with listening(world, mail_size=65536) as port:

        def talk(client: smtplib.SMTP) -> None:
            client.ehlo()
            client.mail("")
            client.rcpt(FBL)
            client.putcmd("data")
            client.getreply()
            endless = b"x" * (2000 * 65536)
            with pytest.raises((OSError, smtplib.SMTPServerDisconnected)):
                client.send(endless)

        await with_client(port, talk)


async def test_connections_beyond_the_limit_are_told_to_come_again(world: World) -> None:
    async with listening(world, mail_connections=1) as port:

        def talk(client: smtplib.SMTP) -> int:
            with pytest.raises(smtplib.SMTPConnectError) as refused:
                smtplib.SMTP("127.0.0.1", port, timeout=60)
            return refused.value.smtp_code

        assert await with_client(port, talk) == 421
        assert await with_client(port, lambda c: c.noop()[0]) == 250, "there is room again"


async def test_one_address_may_not_bring_mail_without_end(world: World) -> None:
    def talk(client: smtplib.SMTP) -> list[int]:
        client.ehlo()
        codes = []
        for _ in range(5):
            client.mail("")
            codes.append(client.rcpt(FBL)[0])
            client.rset()
        return codes

    async with listening(world, mail_rate=3) as port:
        assert await with_client(port, talk) == [250, 250, 250, 450, 450]
    async with listening(world, "lmtp", mail_rate=3) as port:
        assert await with_client(port, talk, smtplib.LMTP) == [250] * 5, "that is the operator's own server"


async def test_starttls_is_offered_where_there_is_a_certificate(world: World, tmp_path: Path) -> None:
    key, certificate = new_certificate("mx.example", datetime.now(UTC))
    (tmp_path / "mx.pem").write_bytes(key + certificate)
    context = ssl.create_default_context(cadata=certificate.decode())
    context.check_hostname = False

    def talk(client: smtplib.SMTP) -> Any:
        client.starttls(context=context)
        client.sendmail("bob@y.example", [FBL], MAIL)
        return client.sock.version()  # type: ignore[union-attr]  # a TLS socket by now

    async with listening(world, mail_certificate=str(tmp_path / "mx.pem")) as port:
        assert await with_client(port, talk) == "TLSv1.3"
    assert len(await world.told()) == 1


@pytest.mark.parametrize(
    "wrong", ["127.0.0.1:25", "smtp://:25", "http://127.0.0.1:25", "smtp://127.0.0.1", "smtp://h:x"]
)
async def test_a_wrong_address_to_listen_on_is_refused_by_name(world: World, wrong: str) -> None:
    with pytest.raises(OperatorError, match="mail_listen"):
        await Receiver(world.intake, Settings(mail_listen=(wrong,)), world.clock).start()


async def test_a_certificate_that_is_none_is_refused_by_name(world: World, tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("nothing")
    with pytest.raises(OperatorError, match="mail_certificate"):
        Receiver(world.intake, Settings(mail_certificate=str(tmp_path / "wrong.pem")), world.clock)
