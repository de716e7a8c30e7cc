"""One mail in, one event out: whose it is, what follows, and that saying it twice says it once."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailbox_world import ACCOUNT, ADDRESS, MESSAGE, SENT, World, notice

from heliograph.clock import SECOND
from heliograph.events.consent import UnsubscriptionRequested
from heliograph.events.event import derived_id
from heliograph.events.messages import (
    EmailReceived,
    MessageBounced,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
)
from heliograph.inbound.receipts.mail import notice as notices

ANONYMOUS = b"""From: MAILER-DAEMON@old.example
Subject: failure notice
Message-ID: <anon@old.example>

Hi. This is the qmail-send program at old.example.
<ann@x.example>:
Sorry, no mailbox here by that name. (#5.1.1)
"""


async def test_a_notice_becomes_a_bounce_with_the_rule_that_decided(world: World) -> None:
    event = await world.take(notice("postfix-unknown-user"), world.return_path())
    assert event is not None
    assert isinstance(event.data, MessageBounced)
    assert (event.account, event.subject, event.cause) == (ACCOUNT, f"email:{ADDRESS}", MESSAGE)
    assert (event.data.message, event.data.address, event.data.source) == (MESSAGE, ADDRESS, "mail")
    assert (event.data.code, event.data.bounce_class, event.data.soft) == (10, "hard", False)
    assert event.data.rule and event.data.status == "5.1.1"
    assert event.data.details.startswith("550 5.1.1 <ann@x.example>: Recipient address rejected")


async def test_one_result_is_one_event_however_often_and_by_whatever_way_it_is_told(world: World) -> None:
    """STD-5: the id is the one that the SMTP conversation would have given it."""
    raw = notice("postfix-unknown-user")
    first = await world.take(raw, world.return_path())
    await world.take(raw, world.return_path())
    await world.take(b"Received: by another way\n" + raw, world.return_path())
    await world.take(notice("exim-unknown-user"))
    told = await world.told()
    assert first is not None
    assert [event.id for event in told] == [first.id] == [derived_id(MESSAGE, "message.bounced")]


async def test_an_answer_that_comes_by_two_ways_is_one_event(world: World) -> None:
    """By its Message-ID: what servers add on the way differs."""
    for way in (b"", b"Received: from a by b\n", b"Received: from c by d\n"):
        await world.take(way + notice("auto-german"), sender="ann@x.example")
    assert len(await world.told()) == 1
    await world.take(notice("auto-french"), sender="ann@x.example")
    assert len(await world.told()) == 2


async def test_a_delay_is_no_bounce_and_each_notice_of_it_is_told_once(world: World) -> None:
    """STD-3."""
    for _ in range(2):
        await world.take(notice("gmail-delay"), world.return_path())
    await world.take(notice("postfix-delayed"), world.return_path())
    told = [event.data for event in await world.told()]
    assert [type(data) for data in told] == [MessageDeferred, MessageDeferred]
    assert all(isinstance(data, MessageDeferred) and data.code == 70 for data in told)
    assert isinstance(told[0], MessageDeferred)
    assert told[0].retry_at == 1_700_194_400 * SECOND, "Thu, 16 Nov 2023 20:13:20 -0800"


async def test_a_server_that_says_delivered_is_believed(world: World) -> None:
    event = await world.take(notice("postfix-success"), world.return_path())
    assert event is not None
    assert isinstance(event.data, MessageDelivered)
    event = await world.take(notice("postfix-relayed"), world.return_path())
    assert event is not None
    assert isinstance(event.data, EmailReceived), "handed on: nobody knows more"


@pytest.mark.parametrize(
    "file", ["auto-rfc3834", "auto-german", "challenge-boxbe", "reply-human", "receipt-mdn"]
)
async def test_what_is_no_notice_is_received_and_changes_nothing(world: World, file: str) -> None:
    """STD-3: auto-replies, challenges and replies are events of their own, tied to what they answer."""
    event = await world.take(notice(file), sender="ann@x.example")
    assert event is not None
    data = event.data
    assert isinstance(data, EmailReceived)
    assert (data.message, data.address, data.mail_from) == (MESSAGE, ADDRESS, "ann@x.example")
    assert data.classification == file.partition("-")[0].replace("auto", "auto_reply")
    assert data.rule and data.evidence


@pytest.mark.parametrize(
    "file",
    ["arf-abuse", "arf-redacted", "arf-redacted-unsubscribe-only", "arf-yahoo", "arf-fraud", "hotmail-jmrp"],
)
async def test_a_complaint_finds_its_person_even_when_it_is_redacted(world: World, file: str) -> None:
    """STD-4: by our own references in the mail that it encloses."""
    event = await world.take(notice(file))
    assert event is not None
    assert isinstance(event.data, MessageComplained)
    assert (event.data.message, event.data.address, event.data.isp) == (MESSAGE, ADDRESS, "x.example")


async def test_a_redacted_complaint_is_found_by_its_return_path_too(world: World) -> None:
    raw = notice("arf-redacted").replace(MESSAGE.encode(), b"redacted")
    raw = raw.replace(
        b"Return-Path: <bounces@shop.example>", f"Return-Path: <{world.return_path()}>".encode()
    )
    event = await world.take(raw)
    assert event is not None
    assert isinstance(event.data, MessageComplained)


async def test_who_wants_no_more_by_report_is_unsubscribed(world: World) -> None:
    event = await world.take(notice("arf-opt-out"))
    assert event is not None
    assert isinstance(event.data, UnsubscriptionRequested)
    assert (event.data.message, event.data.how) == (MESSAGE, "complaint")


@pytest.mark.parametrize("file", ["arf-not-spam", "arf-auth-failure", "arf-virus", "arf-other"])
async def test_other_reports_are_no_complaints(world: World, file: str) -> None:
    """wire-facts 9.4."""
    event = await world.take(notice(file))
    assert event is not None
    assert isinstance(event.data, EmailReceived)
    assert event.data.classification == "report"


async def test_the_return_path_finds_the_message_where_nothing_else_does(world: World) -> None:
    event = await world.take(ANONYMOUS, world.return_path().upper())
    assert event is not None
    assert isinstance(event.data, MessageBounced), "servers change the case of a local part"


async def test_a_forged_return_path_changes_nothing(world: World) -> None:
    """STD-5: neither at the door nor by header, although the address it names was written to."""
    good = world.return_path()
    letter = "a" if good[10] != "a" else "b"
    forged = good[:10] + letter + good[11:]
    assert world.intake.accepts(good)
    assert not world.intake.accepts(forged)
    world.intake = type(world.intake)(
        **{name: getattr(world.intake, name) for name in world.intake.__slots__}
        | {"believe_addresses": False}
    )
    event = await world.take(b"Delivered-To: " + forged.encode() + b"\n" + ANONYMOUS, forged)
    assert event is not None
    assert isinstance(event.data, EmailReceived)
    assert event.data.message is None


async def test_a_message_id_at_a_mailbox_leads_to_its_message(world: World) -> None:
    """The older `{message}` in a return path."""
    assert world.intake.accepts(f"bounces+{MESSAGE}@shop.example")
    event = await world.take(ANONYMOUS, f"bounces+{MESSAGE}@shop.example")
    assert event is not None
    assert isinstance(event.data, MessageBounced)


async def test_an_address_alone_counts_for_the_last_message_to_it(world: World) -> None:
    event = await world.take(ANONYMOUS)
    assert event is not None
    assert isinstance(event.data, MessageBounced)
    assert event.data.message == MESSAGE


async def test_an_address_alone_counts_for_nothing_after_a_week(world: World) -> None:
    await world.clock.advance(8 * 86_400)
    event = await world.take(ANONYMOUS)
    assert event is not None
    assert isinstance(event.data, EmailReceived)
    assert event.data.classification == "notice"


async def test_an_address_alone_counts_for_nothing_where_the_operator_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, believe_addresses=False)
    await world.send()
    event = await world.take(ANONYMOUS)
    assert event is not None
    assert isinstance(event.data, EmailReceived)


async def test_of_several_recipients_the_worst_counts(world: World) -> None:
    event = await world.take(notice("postfix-several-recipients"), world.return_path())
    assert event is not None
    assert isinstance(event.data, MessageBounced)


async def test_a_notice_that_waited_tells_when_it_happened_and_never_before_its_message(world: World) -> None:
    event = await world.take(notice("sendmail-unknown-user"), world.return_path())
    assert event is not None
    assert event.at == SENT + SECOND, "Last-Attempt-Date: a second after it was sent"
    early = notice("exim-unknown-user").replace(b"14 Nov 2023", b"14 Nov 1999")
    await world.send("018bcfe5-6800-7abc-8def-0123456789ac", "bob@x.example")
    event = await world.take(early, world.return_path("018bcfe5-6800-7abc-8def-0123456789ac"))
    assert event is not None
    assert event.at == SENT


async def test_nothing_is_kept_of_mail_about_a_message_that_was_erased(world: World) -> None:
    """STD-7: a late notice brings nobody back."""
    gone = "018bcfe5-6800-7abc-8def-0123456789ff"
    raw = notice("qmail-no-mailbox").replace(MESSAGE.encode(), gone.encode())
    assert await world.take(raw, world.return_path(gone)) is None
    assert await world.told() == []
    assert world.files.find(world.files.id_of(ACCOUNT, raw)) is None


async def test_mail_that_leads_nowhere_belongs_to_the_configured_account(tmp_path: Path) -> None:
    world = World(tmp_path, account="000000000002")
    event = await world.take(b"From: bob@y.example\nSubject: hello\n\nhi", sender="bob@y.example")
    assert event is not None
    assert (event.account, event.subject) == ("000000000002", "email:bob@y.example")
    assert isinstance(event.data, EmailReceived)
    assert (event.data.classification, event.data.address) == ("reply", "fbl@shop.example")


async def test_a_fault_of_our_reader_is_shown_and_loses_no_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(raw: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(notices, "read", broken)
    event = await world.take(b"From: a@x.example\n\nhi")
    assert event is not None
    assert isinstance(event.data, EmailReceived)
    assert event.data.rule == "our reader failed: ZeroDivisionError"
    kept = world.files.find(event.data.evidence)
    assert kept is not None
    assert kept.raw.endswith(b"hi")
