"""The SMTP channel against a real server: what it answers, what it does, and what that means."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mail_world import World, check_login, serving

from heliograph.clock import ManualClock, SystemClock
from heliograph.egress import Egress, Guard
from heliograph.errors import OperatorError
from heliograph.outbound.messages.channels import CHANNELS, open_lines
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Deferred,
    InDoubt,
    Parcel,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.circuit import FIRST_REST
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.outbound.messages.channels.relay import Relay, relays_of
from heliograph.outbound.messages.channels.smtp import IDLE_LIMIT, SmtpLine
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.settings import Settings

CONTENT = b"Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"
SENDER = Mailbox("news@shop.example")


def line_to(
    world: World, *, size: int = 2, timeout: float = 30.0, clock: ManualClock | None = None
) -> SmtpLine:
    relay = Relay("127.0.0.1", world.port, "plain", "", "", "[127.0.0.1]")
    return SmtpLine(relay._replace(connections=size, timeout=timeout), clock or SystemClock())


@pytest.fixture
async def line(world: World) -> AsyncIterator[SmtpLine]:
    made = line_to(world)
    yield made
    await made.close()


async def send(line: SmtpLine, to: str, sender: Mailbox = SENDER) -> Result:
    return await line.send(Parcel(sender, Mailbox(to, wide=not to.isascii()), CONTENT))


async def test_a_mail_arrives_as_it_was_sent(world: World, line: SmtpLine) -> None:
    assert await send(line, "joe@x.example") == Accepted("250 2.0.0 Kept as 1")
    assert world.raw == [CONTENT]
    assert (world.envelopes[0].mail_from, world.envelopes[0].rcpt_tos) == (
        "news@shop.example",
        ["joe@x.example"],
    )
    assert world.commands[0] == f"MAIL SIZE={len(CONTENT)}"


@pytest.mark.parametrize(
    ("to", "result"),
    [
        ("450@x.example", Deferred("450 4.3.0 Try again later", 450)),
        ("452@x.example", Deferred("452 4.2.2 The recipient's mailbox is full", 452)),
        (
            "550@x.example",
            Bounced("550 5.1.1 The email account that you tried to reach does not exist.", 550, "5.1.1"),
        ),
        ("data-550@x.example", Bounced("550 5.7.1 This message was classified as SPAM", 550, "5.7.1")),
        ("data-451@x.example", Deferred("451 4.3.0 Out of disk", 451)),
        ("421@x.example", Deferred("421 4.3.2 Service shutting down", 421, about_relay=True)),
    ],
)
async def test_an_answer_is_told_as_it_was_given(
    world: World, line: SmtpLine, to: str, result: Result
) -> None:
    assert await send(line, to) == result
    assert isinstance(await send(line, "joe@x.example"), Accepted)
    assert len(world.mails) == 1


async def test_a_refused_sender_is_no_word_on_the_recipient(line: SmtpLine) -> None:
    result = await send(line, "joe@x.example", Mailbox("sender-550@shop.example"))
    assert result == Bounced("550 5.1.0 Address rejected", 550, "5.1.0", about_recipient=False)


async def test_one_connection_serves_many_mails(world: World, line: SmtpLine) -> None:
    for _ in range(5):
        assert isinstance(await send(line, "joe@x.example"), Accepted)
    assert (world.connections, len(world.mails)) == (1, 5)


async def test_no_more_connections_are_made_than_allowed(world: World, line: SmtpLine) -> None:
    results = await asyncio.gather(*(send(line, "joe@x.example") for _ in range(20)))
    assert all(isinstance(result, Accepted) for result in results)
    assert world.connections == 2


async def test_a_refused_recipient_leaves_nothing_behind(world: World, line: SmtpLine) -> None:
    await send(line, "550@x.example")
    await send(line, "joe@x.example")
    assert world.connections == 1
    assert [command.split()[0] for command in world.commands] == ["MAIL", "RCPT", "RSET", "MAIL", "RCPT"]


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    world: World, line: SmtpLine
) -> None:
    await send(line, "joe@x.example")
    world.hang_up()
    assert isinstance(await send(line, "joe@x.example"), Accepted)
    assert (world.connections, len(world.mails)) == (2, 2)


async def test_a_connection_is_not_used_after_a_long_rest(world: World) -> None:
    clock = ManualClock()
    line = line_to(world, clock=clock)
    await send(line, "joe@x.example")
    await clock.advance(IDLE_LIMIT + 1)
    await send(line, "joe@x.example")
    assert world.connections == 2
    await line.close()


async def test_lost_before_the_content_is_safe_to_send_again(world: World, line: SmtpLine) -> None:
    result = await send(line, "drop@x.example")
    assert isinstance(result, Unreachable) and "before the content was handed over" in result.reason


async def test_no_answer_to_the_recipient_in_time_is_safe_to_send_again(world: World) -> None:
    line = line_to(world, timeout=0.05)
    assert isinstance(await send(line, "hang@x.example"), Unreachable)
    assert world.mails == []


async def test_lost_after_the_content_is_in_doubt(world: World, line: SmtpLine) -> None:
    result = await send(line, "vanish@x.example")
    assert isinstance(result, InDoubt) and result.reason.startswith(
        "the content was handed over, and no answer came"
    )
    assert isinstance(await send(line, "joe@x.example"), Accepted)


async def test_no_answer_to_the_content_in_time_is_in_doubt(world: World) -> None:
    line = line_to(world, timeout=0.5)
    async with asyncio.timeout(60):
        while not world.stuck.is_set():  # on a busy machine the time may be over before
            result = await send(line, "sulk@x.example")
    assert isinstance(result, InDoubt)


async def test_a_send_that_is_cancelled_leaves_no_half_used_connection(world: World, line: SmtpLine) -> None:
    task = asyncio.create_task(send(line, "sulk@x.example"))
    await world.stuck.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(60):
        await world.gone.wait()
    assert isinstance(await send(line, "joe@x.example"), Accepted)
    assert world.connections == 2


async def test_a_relay_that_is_not_there_hands_nothing_over(world: World) -> None:
    await world.stop()
    line = line_to(world)
    result = await send(line, "joe@x.example")
    assert isinstance(result, Unreachable) and f"smtp:127.0.0.1:{world.port}" in result.reason


async def test_a_relay_that_is_not_there_is_asked_once_for_all(world: World) -> None:
    port = world.port
    await world.stop()
    clock = ManualClock()
    line = line_to(world, clock=clock)
    reasons = await asyncio.gather(*(line.ready() for _ in range(10)))
    assert len(set(reasons)) == 1 and reasons[0] is not None
    again = World()
    await again.start(port)
    assert await line.ready() == reasons[0]
    await clock.advance(FIRST_REST + 0.1)
    assert await line.ready() is None
    assert await line.ready() == reasons[0], "one message tries it, the others wait to see how it fares"
    assert isinstance(await send(line, "joe@x.example"), Accepted)
    assert [await line.ready(), await line.ready()] == [None, None]
    assert again.connections == 1
    await line.close()
    await again.stop()


async def test_a_wide_address_needs_a_server_that_speaks_smtputf8(world: World, line: SmtpLine) -> None:
    """RFC 6531"""
    assert isinstance(await send(line, "jörg@x.example"), Accepted)
    assert world.envelopes[0].rcpt_tos == ["jörg@x.example"]
    assert world.commands[0] == f"MAIL SMTPUTF8 BODY=8BITMIME SIZE={len(CONTENT)}"
    plain = World()
    await plain.start()
    other = line_to(plain)
    result = await send(other, "jörg@x.example")
    assert isinstance(result, Bounced) and (result.code, result.status) == (553, "5.6.7")
    assert "SMTPUTF8" in result.response and plain.mails == []
    await other.close()
    await plain.stop()


async def test_a_server_that_greets_with_a_refusal_hands_nothing_over() -> None:
    async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 No service for you\r\n")

    async with serving(turn_away) as port:
        line = SmtpLine(
            Relay("127.0.0.1", port, "plain", "", "", "me")._replace(connections=1, timeout=30), SystemClock()
        )
        result = await send(line, "joe@x.example")
    assert isinstance(result, Unreachable) and "554 5.7.1 No service for you" in result.reason


async def test_an_answer_in_another_alphabet_can_be_written_down() -> None:
    async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        await reader.readline()
        writer.write(b"250 x\r\n")
        while await reader.readline():
            writer.write(b"550 5.1.1 Empf\xe4nger unbekannt\r\n")

    async with serving(mumble) as port:
        line = SmtpLine(
            Relay("127.0.0.1", port, "plain", "", "", "me")._replace(connections=1, timeout=30), SystemClock()
        )
        result = await send(line, "joe@x.example")
        await line.close()
    assert result == Bounced("550 5.1.1 Empf\ufffdnger unbekannt", 550, "5.1.1", about_recipient=False)


async def test_a_server_from_before_ehlo_is_greeted_in_its_own_way() -> None:
    """RFC 5321 3.2"""

    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"220 x", b"502 what?", b"250 x", b"250 x", b"250 x", b"354 go"):
            writer.write(answer + b"\r\n")
            await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readline()

    async with serving(old) as port:
        line = SmtpLine(
            Relay("127.0.0.1", port, "plain", "", "", "me")._replace(connections=1, timeout=30), SystemClock()
        )
        assert await send(line, "joe@x.example") == Accepted("250 taken")
        await line.close()


@pytest.mark.parametrize("noise", [b"hello\r\n", b"999 what\r\n", b"\xff" * 40_000, b"354 again\r\n"])
async def test_an_answer_to_the_content_that_makes_no_sense_is_in_doubt(noise: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 go\r\n"):
            writer.write(answer)
            await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(noise)
        await reader.readline()

    async with serving(babble) as port:
        line = SmtpLine(
            Relay("127.0.0.1", port, "plain", "", "", "me")._replace(connections=1, timeout=30), SystemClock()
        )
        assert isinstance(await send(line, "joe@x.example"), InDoubt)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", place, "-out", place.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    place.write_text(place.read_text() + place.with_suffix(".crt").read_text())
    return place


async def test_a_login_is_made_inside_tls(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    world = World(tls_context=context, require_starttls=True, auth_required=True, authenticator=check_login)
    await world.start()
    right = Relay("127.0.0.1", world.port, "starttls", "shop", "secret", "me")
    line = SmtpLine(right._replace(connections=1, timeout=30), SystemClock())
    assert isinstance(await send(line, "joe@x.example"), Accepted)
    wrong = SmtpLine(right._replace(password="guess")._replace(connections=1, timeout=30), SystemClock())
    refused = await send(wrong, "joe@x.example")
    assert isinstance(refused, Unreachable) and "535" in refused.reason
    bare = SmtpLine(
        right._replace(security="plain", user="")._replace(connections=1, timeout=30), SystemClock()
    )
    assert isinstance(await send(bare, "joe@x.example"), Unreachable | Bounced)
    await line.close()
    await world.stop()


async def test_a_certificate_that_is_not_trusted_is_no_relay(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(never, ssl=context) as port:
        line = SmtpLine(
            Relay("127.0.0.1", port, "tls", "", "", "me")._replace(connections=1, timeout=30), SystemClock()
        )
        result = await send(line, "joe@x.example")
    assert isinstance(result, Unreachable) and "certificate" in result.reason.lower()


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://relay.example", ("relay.example", 25, "plain")),
        ("smtp://relay.example:2525/", ("relay.example", 2525, "plain")),
        ("smtps://relay.example", ("relay.example", 465, "tls")),
        ("smtp+starttls://relay.example", ("relay.example", 587, "starttls")),
        ("smtp://[::1]:25", ("::1", 25, "plain")),
    ],
)
def test_a_relay_is_named_by_a_url(url: str, relay: tuple[str, int, str]) -> None:
    (found,) = relays_of(Settings(smtp_relay=url, base_url="https://mail.shop.example"))
    assert (found.host, found.port, found.security, found.greeting) == (*relay, "mail.shop.example")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(smtp_relay="relay.example:25"), "smtp_relay must be smtp://HOST:PORT"),
        (Settings(smtp_relay="http://relay.example"), "smtp_relay must be smtp://HOST:PORT"),
        (Settings(smtp_relay="smtp://relay.example:port"), "smtp_relay must be smtp://HOST:PORT"),
        (Settings(smtp_relay="smtps://shop:secret@relay.example"), "set smtp_user and smtp_password"),
        (
            Settings(smtp_relay="smtp://relay.example", smtp_user="shop"),
            "would send the password in the clear",
        ),
    ],
)
def test_a_wrong_relay_is_refused_at_the_start(settings: Settings, message: str) -> None:
    with pytest.raises(OperatorError, match=message) as refused:
        relays_of(settings)
    assert "secret" not in str(refused.value)


def test_a_login_in_the_clear_is_allowed_on_this_machine() -> None:
    assert len(relays_of(Settings(smtp_relay="smtp://127.0.0.1:25", smtp_user="shop"))) == 1


async def test_without_a_relay_there_is_no_line_for_mail() -> None:
    """Texts and push messages always have one: their providers are the accounts'."""
    settings, clock = Settings(), ManualClock()
    egress, http2 = Egress(settings), Http2(Guard())
    wire = Wire(egress=egress, http2=http2, clock=clock, settings=settings)
    assert list(open_lines(settings, clock, wire)) == ["sms", "push"]
    assert "email" in open_lines(Settings(smtp_relay="smtp://127.0.0.1:25"), clock, wire)
    await egress.close()
    await http2.close()


def test_every_channel_names_the_settings_that_it_reads() -> None:
    known = set(Settings.__struct_fields__)
    assert all(channel.settings and set(channel.settings) <= known for channel in CHANNELS)
    assert len({channel.name for channel in CHANNELS}) == len(CHANNELS)
