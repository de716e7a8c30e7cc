"""Several relays, and relays that misbehave: who is asked, who rests, and that nothing bounces for a server's sake."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dispatch_world import Office, request
from free_ports import free_port
from mail_world import ACCOUNT, World
from scripted_server import HANG, HANG_UP, Scripted, scripted

from heliograph.clock import ManualClock, SystemClock
from heliograph.errors import OperatorError
from heliograph.journal.consumer import Delivered, Refused, Retry
from heliograph.outbound.messages.channels import open_lines
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Closed,
    Deferred,
    InDoubt,
    Parcel,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.circuit import FIRST_REST, LONGEST_REST, PATIENCE, Circuit
from heliograph.outbound.messages.channels.relay import Relay, relays_of
from heliograph.outbound.messages.channels.routes import Routes
from heliograph.outbound.messages.channels.smtp import SmtpLine
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.settings import Settings, load, shown
from heliograph.settings.relays import RelaySettings

PARCEL = Parcel(
    Mailbox("b@shop.example"),
    Mailbox("joe@x.example"),
    b"Subject: x\r\n\r\nx\r\n",
    "m1",
    ACCOUNT,
    "shop.example",
)


def relay(server: Scripted | World | int, name: str = "", **fields: Any) -> Relay:
    port = server if isinstance(server, int) else server.port
    return Relay("127.0.0.1", port, "plain", "", "", "me", name=name, **{"timeout": 60.0, **fields})


def line_to(server: Scripted, **fields: Any) -> SmtpLine:
    return SmtpLine(relay(server, **fields), SystemClock())


async def sent(line: SmtpLine, parcel: Parcel = PARCEL) -> Result:
    result = await line.send(parcel)
    await line.close()
    return result


def office(*servers: Scripted | World | int, clock: ManualClock | None = None, **settings: Any) -> Office:
    """An office whose relays are these servers, in order."""
    relays = tuple(
        RelaySettings(
            name=f"r{number}",
            url=f"smtp://127.0.0.1:{server if isinstance(server, int) else server.port}",
            order=number,
        )
        for number, server in enumerate(servers)
    )
    return Office("", clock=clock, relays=relays, **settings)


async def test_a_server_that_allows_it_is_told_the_envelope_in_one_go() -> None:
    """RFC 2920"""
    async with scripted() as server:
        assert await sent(line_to(server)) == Accepted("250 2.0.0 Taken")
    envelope = next(piece for piece in server.pieces if piece.startswith(b"MAIL"))
    assert envelope.endswith(b"RCPT TO:<joe@x.example>\r\nDATA\r\n")
    assert server.mails == [b"Subject: x\r\n\r\nx"]


async def test_one_that_does_not_is_told_line_by_line() -> None:
    async with scripted({"EHLO": b"250 scripted.example"}) as server:
        assert isinstance(await sent(line_to(server)), Accepted)
    assert [piece.split()[0] for piece in server.pieces[1:3]] == [b"MAIL", b"RCPT"]
    assert all(piece.count(b"\r\n") == 1 for piece in server.pieces[1:4])


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ({"MAIL": b"550 5.1.0 no"}, Bounced("550 5.1.0 no", 550, "5.1.0", about_recipient=False)),
        ({"RCPT": b"550 5.1.1 nobody"}, Bounced("550 5.1.1 nobody", 550, "5.1.1")),
        (
            {"RCPT": b"550 5.1.1 nobody", "DATA": b"554 no recipients"},
            Bounced("550 5.1.1 nobody", 550, "5.1.1"),
        ),
        ({"RCPT": b"452 4.5.3 Too many recipients"}, Deferred("452 4.5.3 Too many recipients", 452)),
        ({"MAIL": b"452 4.3.1 disk full"}, Deferred("452 4.3.1 disk full", 452, about_relay=True)),
        ({"DATA": b"451 4.7.1 wait"}, Deferred("451 4.7.1 wait", 451)),
        ({".": b"454 Throttling failure"}, Deferred("454 Throttling failure", 454, about_relay=True)),
        ({"MAIL": b"421 4.3.2 closing" + HANG_UP}, Deferred("421 4.3.2 closing", 421, about_relay=True)),
        ({"RCPT": b"421 closing" + HANG_UP}, Deferred("421 closing", 421, about_relay=True)),
        (
            {"RCPT": b"530 5.7.0 Authentication required"},
            Unreachable("the relay asks for another login: 530 5.7.0 Authentication required", True),
        ),
    ],
)
async def test_a_refusal_among_answers_that_come_together_is_told_as_it_was_given(
    answers: dict[str, bytes], result: Result
) -> None:
    async with scripted(answers) as server:
        line = line_to(server)
        assert await line.send(PARCEL) == result
        server.answers.update(dict.fromkeys(answers, b"250 Ok") | {"DATA": b"354 go on"})
        assert isinstance(await line.send(PARCEL), Accepted)
        await line.close()
    assert server.mails[-1] == b"Subject: x\r\n\r\nx"
    assert all(mail in (b"", server.mails[-1]) for mail in server.mails), "refused mail is not handed over"


async def test_a_server_that_advertises_nothing_is_served_too() -> None:
    async with scripted({"EHLO": b"502 5.5.1 What?", "HELO": b"250 old.example"}) as server:
        assert isinstance(await sent(line_to(server)), Accepted)
    assert server.commands[:3] == ["EHLO", "HELO", "MAIL"]


async def test_a_slow_greeting_costs_the_time_out_and_nothing_is_handed_over() -> None:
    async with scripted({"greeting": HANG}) as server:
        result = await sent(line_to(server, timeout=0.05))
    assert isinstance(result, Unreachable) and server.mails == []


@pytest.mark.parametrize("answer", [HANG, HANG_UP, b"25"])
async def test_no_answer_to_the_content_is_in_doubt(answer: bytes) -> None:
    async with scripted({".": answer}) as server:
        results = []
        async with asyncio.timeout(60):
            while not server.mails:  # on a busy machine the time may be over before
                results.append(await sent(line_to(server, timeout=0.5)))
    assert isinstance(results[-1], InDoubt) and len(server.mails) <= len(results)


@pytest.mark.parametrize("answer", [HANG, HANG_UP])
async def test_no_answer_to_data_is_safe_to_send_again(answer: bytes) -> None:
    async with scripted({"DATA": answer}) as server:
        result = await sent(line_to(server, timeout=0.05))
    assert isinstance(result, Unreachable) and server.mails == []


@pytest.mark.parametrize("starttls", [b"454 4.7.0 not now", b"220 go" + HANG_UP, b"220 go on then"])
async def test_half_a_tls_is_no_way_to_send(starttls: bytes) -> None:
    async with scripted({"EHLO": b"250-x\r\n250 STARTTLS", "STARTTLS": starttls}) as server:
        line = SmtpLine(relay(server, timeout=0.2)._replace(security="starttls"), SystemClock())
        result = await sent(line)
    assert isinstance(result, Unreachable) and "MAIL" not in server.commands


async def test_no_tls_where_it_was_asked_for_is_the_operators_to_mend() -> None:
    async with scripted() as server:
        line = SmtpLine(relay(server)._replace(security="starttls"), SystemClock())
        result = await sent(line)
    assert isinstance(result, Unreachable) and result.by_operator and "MAIL" not in server.commands


async def test_a_goodbye_that_nobody_asked_for_is_no_answer_to_the_next_mail() -> None:
    async with scripted({".": b"250 Taken\r\n421 4.4.2 idle too long"}) as server:
        line = line_to(server)
        assert await line.send(PARCEL) == Accepted("250 Taken")
        await asyncio.sleep(0)
        assert await line.send(PARCEL) == Accepted("250 Taken")
        await line.close()
    assert len(server.mails) == 2


async def test_421_for_an_hour_bounces_nothing_and_the_next_relay_takes_over(world: World) -> None:
    clock = ManualClock()
    async with scripted({"MAIL": b"421 4.3.2 try later" + HANG_UP}) as server:
        there = office(server, world, clock=clock)
        first = request(clock)
        assert await there.perform(first) == Retry("421 4.3.2 try later", 0.0)
        assert isinstance(await there.perform(first, 2), Delivered)
        assert await there.kinds() == ["attempted", "deferred", "attempted", "sent"]
        connections = server.connections
        for number in range(60):
            wanted = request(clock, id=f"018cc251-f400-7000-8000-{number:012d}")
            there.stands = there.stands._replace(state=None)
            outcome = await there.perform(wanted)
            if isinstance(outcome, Retry):
                assert outcome.after == 0.0
                assert isinstance(await there.perform(wanted, 2), Delivered)
            await clock.advance(60)
        assert "bounced" not in await there.kinds()
        assert len(world.mails) == 61
        assert 10 <= server.connections - connections <= 17, "it is asked again, ever less often"
        server.answers["MAIL"] = b"250 Ok"
        await clock.advance(LONGEST_REST + 1)
        again = request(clock, id="018cc251-f400-7000-8000-0000000000ff")
        assert isinstance(await there.perform(again), Delivered)
        assert len(server.mails) == 1, "the first in order is used again"
        await there.close()


async def test_421_for_an_hour_from_the_only_relay_bounces_nothing() -> None:
    clock = ManualClock()
    async with scripted({"greeting": b"421 4.3.2 too busy" + HANG_UP}) as server:
        there = office(server, clock=clock)
        wanted = request(clock)
        for attempt in range(1, 5):
            outcome = await there.perform(wanted, attempt)
            assert isinstance(outcome, Retry) and outcome.after is not None
            await clock.advance(outcome.after)
        assert await there.kinds() == []
        server.answers["greeting"] = b"220 back"
        assert isinstance(await there.perform(wanted, 5), Delivered)
        await there.close()


async def test_a_refused_recipient_is_not_tried_at_another_relay(world: World) -> None:
    async with scripted({"RCPT": b"450 4.2.0 greylisted"}) as server:
        there = office(server, world)
        assert await there.perform(request(there.clock)) == Retry("450 4.2.0 greylisted", 60.0)
        await there.close()
    assert world.connections == 0


async def test_a_relay_that_cannot_be_reached_is_passed_over_before_anything_is_tried(world: World) -> None:
    there = office(free_port(), world)
    assert isinstance(await there.perform(request(there.clock)), Delivered)
    attempted, sent_ = await there.told()
    assert (attempted.data.via, sent_.data.via) == ("smtp:r1", "smtp:r1")
    await there.close()


async def test_a_250_is_a_delivery_where_that_relay_is_the_recipients_own(world: World) -> None:
    async with scripted() as own:
        relays = (
            RelaySettings(name="own", url=f"smtp://127.0.0.1:{own.port}", final=True),
            RelaySettings(name="out", url=world.url, order=1),
        )
        there = Office("", relays=relays)
        await there.perform(request(there.clock))
        assert await there.kinds() == ["attempted", "sent", "delivered"]
        own.answers["MAIL"] = b"421 4.3.2 closing" + HANG_UP
        wanted = request(there.clock, id="018cc251-f400-7000-8000-0000000000ff")
        for attempt in (1, 2):
            await there.perform(wanted, attempt)
        assert (await there.kinds())[3:] == ["attempted", "deferred", "attempted", "sent"]
        await there.close()


def test_what_a_relay_does_not_say_of_deliveries_is_as_for_all() -> None:
    url = "smtp://127.0.0.1:25"
    said = [RelaySettings(name=f"{final}", url=url, final=final) for final in (None, False, True)]
    for everywhere in (False, True):
        found = relays_of(Settings(smtp_final=everywhere, smtp_relay=url, relays=tuple(said)))
        assert [one.final for one in found] == [everywhere, everywhere, False, True]


async def test_a_doubt_is_not_sent_by_another_relay(world: World) -> None:
    async with scripted({".": HANG_UP}) as server:
        there = office(server, world)
        assert isinstance(await there.perform(request(there.clock)), Refused)
        assert await there.kinds() == ["attempted", "in_doubt"]
        await there.close()
    assert world.connections == 0


async def test_a_refused_login_waits_for_the_operator_and_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    answers = {"EHLO": b"250-x\r\n250 AUTH PLAIN LOGIN", "AUTH": b"535 5.7.8 Bad login"}
    async with scripted(answers) as server:
        settings = Settings(
            smtp_relay=f"smtp://127.0.0.1:{server.port}",
            smtp_user="shop",
            smtp_password="x",
            message_lifetime=600.0,
        )
        there = Office("", clock=clock)
        there.settings = settings
        there.lines = open_lines(settings, clock, there.wire)
        there.act = there.open()
        wanted = request(clock)
        with caplog.at_level(logging.ERROR, "heliograph.relays"):
            outcome = await there.perform(wanted)
        assert isinstance(outcome, Retry) and "535 5.7.8 Bad login" in outcome.why
        assert "535 5.7.8 Bad login" in caplog.text
        await clock.advance(600)
        assert isinstance(await there.perform(wanted, 2), Refused), "parked, where an operator puts it back"
        assert await there.kinds() == [], "and no bounce"
        await there.close()


async def test_a_login_that_is_asked_for_in_the_middle_never_bounces_either() -> None:
    clock = ManualClock()
    async with scripted({"MAIL": b"530 5.7.0 Authentication required"}) as server:
        there = office(server, clock=clock, message_lifetime=60.0)
        wanted = request(clock)
        assert isinstance(await there.perform(wanted), Retry)
        await clock.advance(60)
        assert isinstance(await there.perform(wanted, 2), Refused), "parked, where an operator puts it back"
        assert await there.kinds() == ["attempted", "deferred"] * 2
        await there.close()


def test_a_relay_rests_longer_each_time_and_one_message_tries_it() -> None:
    circuit = Circuit("smtp:x", alone=False)
    no, now, rests = Deferred("421 no", 421, about_relay=True), 0.0, []
    assert circuit.admits(now) and circuit.admits(now)
    for _ in range(9):
        circuit.note(no, now)
        circuit.note(no, now)  # of a message that was under way as well
        since = now
        while not circuit.admits(now):
            now += 1.0
        rests.append(now - since)
        assert not circuit.admits(now), "one alone tries it"
    assert rests[0] == FIRST_REST and rests == sorted(rests) and rests[-1] == LONGEST_REST
    circuit.note(Deferred("450 grey", 450), now)
    assert circuit.admits(now) and circuit.admits(now), "an answer about a message shows that it works"


def test_a_message_that_the_only_relay_stumbles_over_does_not_stop_the_others() -> None:
    circuit = Circuit("smtp:x", alone=True)
    for _ in range(PATIENCE - 1):
        circuit.note(Unreachable("lost"), 0.0)
        assert circuit.admits(0.0)
    circuit.note(Accepted("250"), 0.0)
    for _ in range(PATIENCE):
        assert circuit.admits(0.0)
        circuit.note(InDoubt("lost"), 0.0)
    assert not circuit.admits(0.0)


async def test_relays_of_one_order_share_by_weight() -> None:
    async with scripted({".": HANG}) as heavy, scripted({".": HANG}) as light:
        lines = [
            SmtpLine(relay(heavy, "heavy", weight=3, connections=50), SystemClock(), alone=False),
            SmtpLine(relay(light, "light", connections=50), SystemClock(), alone=False),
        ]
        routes = Routes(lines, SystemClock())
        taken: Counter[str] = Counter()
        tasks = []
        for _ in range(40):
            way = await routes.ready(PARCEL)
            assert not isinstance(way, Closed)
            taken[way.name] += 1
            tasks.append(asyncio.create_task(way.send(PARCEL)))
            await asyncio.sleep(0)
        assert taken == {"smtp:heavy": 30, "smtp:light": 10}
        async with asyncio.timeout(60):  # one that is called off while it connects may miss that
            while len(heavy.mails) + len(light.mails) < 40:  # noqa: ASYNC110 - a server in this process
                await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await routes.close()


async def test_a_relay_serves_the_accounts_and_domains_that_it_is_for(world: World) -> None:
    async with scripted() as server:
        clock = SystemClock()
        own = SmtpLine(relay(server, "own", accounts=frozenset({ACCOUNT}), domains=("shop.example",)), clock)
        routes = Routes([own, SmtpLine(relay(world, "all", order=1), clock)], clock)

        async def way(account: str, domain: str) -> str:
            found = await routes.ready(PARCEL._replace(account=account, domain=domain))
            assert not isinstance(found, Closed)
            return found.name

        assert await way(ACCOUNT, "shop.example") == "smtp:own"
        assert await way(ACCOUNT, "News.Shop.Example") == "smtp:own"
        assert await way(ACCOUNT, "othershop.example") == "smtp:all"
        assert await way("210987654321", "shop.example") == "smtp:all"
        await routes.close()
        alone = Routes([own], clock)
        nowhere = await alone.ready(PARCEL._replace(account="210987654321"))
        assert isinstance(nowhere, Closed) and nowhere.by_operator and "210987654321" in nowhere.reason


async def test_a_rate_is_kept_without_bursts() -> None:
    async with scripted() as server:
        clock = ManualClock()
        line = SmtpLine(relay(server, rate=10.0), clock)
        assert await line.ready() is None
        waiting = [asyncio.create_task(line.ready()) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert [task.done() for task in waiting] == [False, False, False]
        await clock.advance(0.1)
        assert [task.done() for task in waiting] == [True, False, False]
        await clock.advance(0.2)
        assert await asyncio.gather(*waiting) == [None, None, None]
        await line.close()


async def test_a_relays_own_headers_and_its_providers_stand_in_front() -> None:
    async with scripted() as server:
        lines = ("X-SES-CONFIGURATION-SET: news",)
        line = SmtpLine(relay(server, headers=lines, provider="postmark"), SystemClock())
        assert isinstance(await sent(line), Accepted)
    assert server.mails[0].startswith(
        b"X-SES-CONFIGURATION-SET: news\r\nX-PM-Metadata-heliograph_message: m1\r\nSubject: x\r\n"
    )


def documented(language: str) -> str:
    """The block of this language in what is documented of Amazon SES."""
    text = (Path(__file__).parents[2] / "docs/how-to/amazon-ses.md").read_text()
    return text.partition(f"```{language}\n")[2].partition("```")[0]


async def test_amazon_ses_works_with_the_settings_that_are_documented(tmp_path: Path) -> None:
    file = tmp_path / "heliograph.toml"
    file.write_text(documented("toml"))
    from_file = load(environ={}, file=file)
    name, _, value = documented("sh").strip().partition("=")
    from_variable = load(environ={name: value.strip("'")}, file=None)
    (ses,) = relays_of(from_file)
    assert relays_of(from_variable) == (ses._replace(connections=8, greeting="[127.0.0.1]"),)
    assert (ses.host, ses.port, ses.security) == ("email-smtp.eu-west-1.amazonaws.com", 587, "starttls")
    assert (ses.user, ses.rate, ses.greeting) == ("AKIAIOSFODNN7EXAMPLE", 14.0, "mail.shop.example")
    assert "the SMTP password" not in str(shown(from_file))
    async with scripted() as server:
        here = ses._replace(host="127.0.0.1", port=server.port, security="plain", user="", password="")
        assert isinstance(await sent(SmtpLine(here, SystemClock())), Accepted)
    assert server.mails == [b"X-SES-CONFIGURATION-SET: heliograph\r\nSubject: x\r\n\r\nx"]


def test_the_single_relay_and_the_table_of_relays_go_together() -> None:
    found = relays_of(
        Settings(
            smtp_relay="smtp://127.0.0.1:2525",
            smtp_connections=3,
            smtp_provider="postmark",
            smtp_timeout=7.0,
            relays=(
                RelaySettings(
                    name="ses",
                    url="smtp+starttls://email-smtp.eu-west-1.amazonaws.com",
                    user="AKIA",
                    password="p",
                    order=1,
                    headers={"X-SES-CONFIGURATION-SET": "news"},
                ),
            ),
        )
    )
    assert [(one.shown, one.connections, one.timeout) for one in found] == [
        ("smtp:127.0.0.1:2525", 3, 7.0),
        ("smtp:ses", 8, 7.0),
    ]
    assert (found[0].provider, found[1].headers) == ("postmark", ("X-SES-CONFIGURATION-SET: news",))


def test_relays_come_from_the_file_or_a_variable_and_never_show_their_passwords(tmp_path: Any) -> None:
    file = tmp_path / "heliograph.toml"
    file.write_text('[[relays]]\nname = "a"\nurl = "smtps://a.example"\nuser = "u"\npassword = "secret"\n')
    from_file = load(environ={}, file=file)
    as_json = msgspec.json.encode(from_file.relays).decode()
    assert load(environ={"HELIOGRAPH_RELAYS": as_json}, file=None).relays == from_file.relays
    assert from_file.relays[0].password == "secret" and "secret" not in str(shown(from_file))


@pytest.mark.parametrize(
    ("relays", "message"),
    [
        ([{"name": "a", "url": "http://x"}], "relays, a: url must be smtp://HOST:PORT"),
        ([{"name": "a", "url": "smtp://u:secret@x"}], "set user and password"),
        ([{"name": "a", "url": "smtp://x.example", "user": "u"}], "would send the password in the clear"),
        (
            [{"name": "a", "url": "smtp://x"}, {"name": "a", "url": "smtp://y"}],
            "two of the relays have one name",
        ),
        ([{"name": "a", "url": "smtp://x", "headers": {"Bcc": "me@x"}}], "'Bcc' cannot be set"),
        ([{"name": "a", "url": "smtp://x", "headers": {"X-A": "b\r\nBcc: me@x"}}], "needs one line"),
    ],
)
def test_a_wrong_relay_is_refused_by_name(relays: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(OperatorError, match=message) as refused:
        relays_of(msgspec.convert({"relays": relays}, Settings))
    assert "secret" not in str(refused.value)


def test_a_relay_has_no_setting_that_does_not_exist() -> None:
    with pytest.raises(OperatorError, match="the environment is wrong"):
        load(environ={"HELIOGRAPH_RELAYS": '[{"name": "a", "url": "smtp://x", "colour": "red"}]'})
    with pytest.raises(OperatorError, match="HELIOGRAPH_RELAYS must be a list"):
        load(environ={"HELIOGRAPH_RELAYS": "smtp://x"})
