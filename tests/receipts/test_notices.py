"""What mails that come back are read as: the labelled notices, and mail that means harm."""

from __future__ import annotations

import base64
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailbox_world import Labelled, labelled, notice

from heliograph.inbound.receipts.mail.notice import read_notice, verdict
from heliograph.inbound.receipts.mail.parts import DEPTH, PARTS, READ_LIMIT, read
from heliograph.inbound.receipts.mail.reports import Result
from heliograph.inbound.receipts.mail.telling import worst

EVERY = labelled()


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.file)
def test_a_notice_is_read_as_what_it_is(one: Labelled) -> None:
    """STD-3: what it is, whom it names, and why: servers and languages of the field."""
    read_as = read_notice(one.raw)
    told = worst(read_as.results)
    assert read_as.what == one.what, read_as.rule
    assert (told.action if told else "-") == one.action
    assert ((told.address if told else "") or "-") == one.address
    if told is not None and told.action in ("failed", "delayed"):
        assert str(verdict(told).code) == one.code, verdict(told)


def test_there_are_enough_notices_of_every_sort() -> None:
    labels = {one.label for one in EVERY}
    languages = {
        "German",
        "French",
        "Spanish",
        "Portuguese",
        "Italian",
        "Dutch",
        "Russian",
        "Japanese",
        "Chinese",
    }
    servers = {"Postfix", "Exim", "qmail", "sendmail", "Exchange", "Gmail", "Domino", "Yahoo", "ARF"}
    assert len(EVERY) >= 100
    assert languages | servers <= labels


def test_what_is_only_delayed_is_never_a_failure() -> None:
    """STD-3: delayed is 70, whatever else it says."""
    for said in ("550 5.1.1 User unknown", "", "4.4.7 expired"):
        assert verdict(Result("a@x.example", "delayed", "4.4.7", said)).code == 70


def test_a_failure_after_replies_that_said_not_now_is_never_hard() -> None:
    """wire-facts 9.4: classed by the last transient reply."""
    for said, code in (("450 4.1.1 User unknown in virtual table", 24), ("452 4.2.2 over quota", 22)):
        decided = verdict(Result("a@x.example", "failed", said[4:9], said))
        assert (decided.code, decided.hard) == (code, False)


def test_a_report_wins_over_what_looks_like_a_vacation() -> None:
    """wire-facts 9.4: several servers mark notices as automatic replies."""
    raw = notice("postfix-unknown-user")
    assert b"Auto-Submitted: auto-replied" in raw
    assert read_notice(raw.replace(b"Undelivered Mail Returned to Sender", b"Out of Office")).what == "notice"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n\n",
        b"\0" * 10_000,
        b"From: \xff\xfe\xfd\nSubject: =?utf-8?B?!!!?=\n\n\xff\xff",
        b'Content-Type: multipart/mixed; boundary=""\n\n--\n--\n----\n',
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n\n\n\n--x--",
        b"Subject: x\nContent-Type: text/plain; charset=punycode\n\n" + b"a" * 50_000,
        b"Subject: x\nContent-Type: text/plain; charset=zlib\n\n" + b"a" * 100,
        b"Subject: x\nContent-Type: text/plain; charset=utf-7\n\n+AGE- +",
        b"Subject: x\nContent-Transfer-Encoding: base64\n\n" + b"=" * 5000 + b"A",
        b"From: MAILER-DAEMON@x\nSubject: =?iso-2022-jp?B?GyRC?= =?x?Q??=\n\nfailed",
        b"X: " + b"a: " * 100_000,
    ],
)
def test_broken_mail_is_read_as_something(raw: bytes) -> None:
    assert read_notice(raw, "").what


def test_headers_without_end_are_cut() -> None:
    raw = b"".join(b"X-%d: flood\n" % n for n in range(200_000)) + b"\nbody"
    mail = read(raw)
    assert len(mail.root.headers) <= 500
    assert any("headers are longer" in problem for problem in mail.problems)


def test_of_a_large_mail_the_beginning_is_read() -> None:
    raw = notice("postfix-unknown-user").replace(b"--=_dsn_7f3a--", b"x" * 80 + b"\n") + b"y" * READ_LIMIT
    read_as = read_notice(raw)
    assert read_as.what == "notice"
    assert read_as.problems == (f"only the first {READ_LIMIT} bytes were read",)


def test_parts_within_parts_are_followed_to_a_bound() -> None:
    raw = b"From: a@x.example\n"
    for depth in range(500):
        raw += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth)
    mail = read(raw + b"\ndeep")
    assert sum(1 for _ in mail.root.walk()) == DEPTH + 1
    assert f"parts are nested deeper than {DEPTH}" in mail.problems


def test_mails_within_mails_are_followed_to_a_bound() -> None:
    raw = b"Content-Type: message/rfc822\n\n" * 2000
    assert sum(1 for _ in read(raw).root.walk()) <= DEPTH + 1


def test_parts_without_number_are_counted_to_a_bound() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000
    mail = read(raw)
    assert len(mail.root.parts) == PARTS
    assert f"there are more than {PARTS} parts" in mail.problems


@pytest.mark.parametrize(
    "raw",
    [
        b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + b"A" * 100_000_000,
        b"From: MAILER-DAEMON@x.example\n\n" + b"<" * READ_LIMIT,
        b"From: MAILER-DAEMON@x.example\nContent-Type: text/html\n\n" + b"<div>" * (READ_LIMIT // 5),
        b"From: MAILER-DAEMON@x.example\n\n" + b"a@" * (READ_LIMIT // 2),
        b"From: MAILER-DAEMON@x.example\n\n" + b"550 " * (READ_LIMIT // 4),
        b"From: MAILER-DAEMON@x.example\n\n" + b"delivery " * (READ_LIMIT // 9),
        b"From: MAILER-DAEMON@x.example\n\n" + b" " * READ_LIMIT,
        b"From: MAILER-DAEMON@x.example\n\n" + b"user " * (READ_LIMIT // 5),
        b"Subject: " + b"=?utf-8?Q?a?= " * 4000 + b"\n\nx",
        b"Content-Type: text/plain" + b'; a="\\' * 20_000 + b"\n\nx",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\r\n" * (READ_LIMIT // 2),
        b"Content-Transfer-Encoding: base64\n\n" + base64.b64encode(b"550 5.1.1 unknown " * 20_000),
    ],
    ids=range(12),
)
def test_mail_that_means_harm_is_read_in_bounded_time(raw: bytes) -> None:
    start = time.process_time()
    read_notice(raw, "")
    assert time.process_time() - start < 5, "half a mebibyte is looked at, whatever its shape"


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(EVERY) - 1), st.randoms(use_true_random=False))
def test_a_notice_that_was_damaged_on_its_way_is_still_read(number: int, dice: random.Random) -> None:
    raw = bytearray(EVERY[number].raw)
    for _ in range(dice.randrange(1, 30)):
        place = dice.randrange(len(raw))
        match dice.randrange(4):
            case 0:
                raw[place] = dice.randrange(256)
            case 1:
                del raw[place : place + dice.randrange(200)]
            case 2:
                raw[place:place] = bytes(dice.randrange(256) for _ in range(20))
            case _:
                raw[place:place] = raw[: dice.randrange(200)]
        raw = raw or bytearray(b"x")
    read_as = read_notice(bytes(raw), "")
    for result in read_as.results:
        assert verdict(result).rule
