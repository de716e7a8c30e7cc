"""What servers really say, and what it means (wire-facts 4.2 and 9.4, RM-17)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.diagnoses import judged, labelled
from heliograph.app.serve import prepare
from heliograph.bounces.classify import classify, named, parse_reply, timed_out
from heliograph.bounces.rules import CATEGORIES, load_rules
from heliograph.errors import OperatorError
from heliograph.settings import Settings

SAID = [
    # wire-facts 9.4
    (
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR01FT034.eop-EUR01.prod.outlook.com]",
        10,
    ),
    ("552 5.2.2 <joe@example.net>: Recipient address rejected: user is over quota", 22),
    # S1:L78
    ("550-5.1.1 The email account that you tried to reach does not exist.", 10),
    # Gmail
    (
        "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's "
        "email address for typos or unnecessary spaces. For more information, go to "
        "https://support.google.com/mail/?p=NoSuchUser d9443c01a7336-1f2 - gsmtp",
        10,
    ),
    (
        "550-5.2.1 The email account that you tried to reach is disabled. For more information, go to https://support.google.com/mail/?p=DisabledUser x - gsmtp",
        10,
    ),
    (
        "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp - gsmtp",
        22,
    ),
    (
        "552-5.2.2 The recipient's inbox is out of storage space and inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm - gsmtp",
        22,
    ),
    (
        "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. - gsmtp",
        70,
    ),
    ("550-5.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp", 20),
    (
        "550-5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce the "
        "amount of spam sent to Gmail, this message has been blocked. - gsmtp",
        52,
    ),
    (
        "421-4.7.0 [192.0.2.1 15] Our system has detected an unusual rate of unsolicited mail originating from your IP "
        "address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.",
        51,
    ),
    (
        "550-5.7.1 [192.0.2.1 19] Our system has detected that this message is likely suspicious due to the very low "
        "reputation of the sending domain. To best protect our users from spam, the message has been blocked.",
        51,
    ),
    (
        "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
        50,
    ),
    (
        "552-5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp",
        53,
    ),
    (
        "552-5.3.4 Your message exceeded Google's message size limits. Please visit https://support.google.com/mail/?p=MaxSizeError - gsmtp",
        23,
    ),
    # Microsoft
    (
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AM5EUR02FT044.eop-EUR02.prod.protection.outlook.com]",
        10,
    ),
    (
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient joe@example.com not found by SMTP address lookup",
        10,
    ),
    (
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider "
        "since part of their network is on our block list (S3140).",
        51,
    ),
    (
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/",
        51,
    ),
    (
        "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
        22,
    ),
    (
        "550 5.7.64 TenantAttribution; Relay Access Denied [SN1NAM02FT001.eop-nam02.prod.protection.outlook.com]",
        54,
    ),
    (
        "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification and has a DMARC policy of reject.",
        50,
    ),
    ("451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", 70),
    ("501 5.1.3 Invalid address", 110),
    # Yahoo, AOL
    (
        "554 delivery error: dd This user doesn't have a yahoo.com account (joe@yahoo.com) [0] - mta1001.mail.gq1.yahoo.com",
        10,
    ),
    ("552 1 Requested mail action aborted, mailbox not found", 10),
    (
        "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
        50,
    ),
    (
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
        51,
    ),
    (
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
        51,
    ),
    # Postfix
    ("550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown in virtual mailbox table", 10),
    ("550 5.1.1 <joe@example.com>: Recipient address rejected: User unknown in local recipient table", 10),
    ("554 5.7.1 <joe@example.com>: Relay access denied", 54),
    ("454 4.7.1 <joe@example.com>: Relay access denied", 54),
    (
        "450 4.2.0 <joe@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html",
        70,
    ),
    (
        "450 4.1.1 <joe@example.com>: Recipient address rejected: unverified address: Address verification in progress",
        70,
    ),
    (
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
        51,
    ),
    ("450 4.1.2 <joe@exmaple.com>: Recipient address rejected: Domain not found", 21),
    ("552 5.3.4 Message size exceeds fixed limit", 23),
    ("452 4.3.1 Insufficient system storage", 70),
    ("553 5.1.8 <news@shop.example>: Sender address rejected: Domain not found", 50),
    ("501 5.1.3 Bad recipient address syntax", 110),
    # Exim
    ("550 Unrouteable address", 10),
    ("550 No Such User Here", 10),
    ("550 relay not permitted", 54),
    ("552 Message size exceeds maximum permitted", 23),
    ("501 <joe@>: domain missing or malformed", 110),
    ("550 This message was classified as SPAM and may not be delivered", 52),
    ("550-Verification failed for <news@shop.example> 550 Sender verify failed", 50),
    ("451 Temporary local problem - please try later", 70),
    # others
    ("511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", 10),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 54),
    ("550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [abc.uk123]", 10),
    ("554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", 51),
    (
        "554 5.7.1 [HM08] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
        50,
    ),
    (
        "554 Transaction failed Reject due to policy restrictions. For explanation visit https://postmaster.gmx.net/en/error-messages",
        50,
    ),
    ("554 5.7.1 Message rejected: executable attachment not allowed (.exe)", 53),
    (
        "550 Message was not accepted -- invalid mailbox. Local mailbox joe@mail.ru is unavailable: user not found",
        10,
    ),
    ("550 5.1.1 Empfängeradresse unbekannt", 10),
    ("554 5.4.4 [internal] Domain Lookup Failed", 21),
    ("554 5.4.7 [internal] exceeded max time without delivery", 24),
    ("550 5.6.0 Mail contents rejected", 52),
    ("554 rejected for reasons of our own", 40),
    ("421 4.3.2 Service shutting down", 70),
]


@pytest.mark.parametrize(("line", "code"), SAID, ids=[line[:60] for line, _ in SAID])
def test_what_servers_say_is_understood(line: str, code: int) -> None:
    reply = parse_reply(line)
    verdict = classify(reply.code, reply.status, reply.text)
    assert (verdict.code, verdict.rule) == (code, verdict.rule)


# The table of the document and Momentum's classes, as wire-facts 4.2 prints them.
CLASSES = {
    1: "undetermined", 10: "hard", 20: "soft", 21: "soft", 22: "soft", 23: "soft", 24: "soft", 25: "admin",
    30: "hard", 40: "soft", 50: "block", 51: "block", 52: "block", 53: "block", 54: "block", 70: "soft", 110: "hard",
}  # fmt: skip


def test_the_classes_are_those_of_the_table() -> None:
    """RM-17"""
    assert {code: category.bounce_class for code, category in CATEGORIES.items() if code < 130} == CLASSES


def test_the_names_are_those_of_the_document() -> None:
    """MG-8: S1:L84-L176"""
    names = {code: CATEGORIES[code].name for code in (10, 24, 30, 54, 130, 131, 132, 133, 134, 135)}
    assert names == {
        10: "Invalid Recipient",
        24: "Timeout",
        30: "Generic Bounce: No RCPT",
        54: "Relay Denied",
        130: "Hardbounce Suppression",
        131: "Unsubscribe Suppression",
        132: "Fbl Suppression",
        133: "Complainer Suppression",
        134: "Domain Suppression",
        135: "Role Suppression",
    }


def test_an_answer_to_the_sender_never_condemns_the_recipient() -> None:
    asked = classify(550, "5.1.0", "Address rejected news@shop.example")
    told = classify(550, "5.1.0", "Address rejected news@shop.example", about_recipient=False)
    assert (asked.code, told.code) == (10, 50)


def test_a_transient_unknown_user_is_not_hard() -> None:
    assert not classify(450, "4.1.1", "User unknown").hard
    assert classify(550, "5.1.1", "User unknown").hard


def test_a_notice_without_a_reply_code_goes_by_its_status() -> None:
    assert classify(None, "5.1.1", "").code == 10
    assert classify(None, "4.4.3", "").code == 21
    assert classify(None, None, "").code == 1


def test_a_message_that_timed_out_is_classed_by_its_last_transient_reply() -> None:
    """wire-facts 9.4"""
    assert timed_out(452, "4.2.2", "mailbox full").code == 22
    assert timed_out(421, "4.7.0", "temporarily deferred due to user complaints").code == 51
    assert timed_out(451, "4.3.0", "try later").code == 24
    assert timed_out(None, None, "connection refused").code == 24


def test_a_timeout_is_never_hard() -> None:
    assert not timed_out(550, "5.1.1", "User unknown").hard


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("550 5.1.1 unknown", "5.1.1"),
        ("550-5.7.26 This mail", "5.7.26"),
        ("511 sorry (#5.1.1)", "5.1.1"),
        ("554 host 5.9.24.1 is blocked", None),
        ("554 from 192.0.2.1", None),
        ("250 2.0.0 Ok", "2.0.0"),
    ],
)
def test_the_enhanced_status_is_found_where_it_stands_and_an_address_is_none(
    line: str, status: str | None
) -> None:
    assert parse_reply(line).status == status


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('code = 10\nwords = ["x"]', r"'odd' has an unknown condition: words \(at line 7\)"),
        ("code = 11", r"'odd' needs a code of categories.toml \(at line 6\)"),
        ('code = 10\nstatus = ["511"]', r"names 511, which is no enhanced status code \(at line 7\)"),
        ("code = 10\ntext = ['fine', 'un(closed']", r"no regular expression, 'un\(closed'.*\(at line 7\)"),
        ('code = 10\nreply = ["550"]', r"needs a list of reply codes from 200 to 599 \(at line 7\)"),
        ('code = 10\nseverity = "bad"', r"neither permanent nor transient.*\(at line 7\)"),
        ("code = 10\ntext = []", r"needs a list of texts as its text \(at line 7\)"),
        ('severity = "permanent"', r"'odd' needs a code of categories.toml \(at line 4\)"),
        ("code = ten", r"Invalid value \(at line 6"),
    ],
)
def test_a_mistake_in_an_operators_rules_is_refused_with_its_line(
    tmp_path: Path, fields: str, said: str
) -> None:
    file = tmp_path / "bounces.toml"
    file.write_text(f'[[rule]]\nname = "fine"\ncode = 52\n[[rule]]\nname = "odd"\n{fields}\n')
    with pytest.raises(OperatorError, match=f"bounce_rules: .*bounces.toml: .*{said}"):
        prepare(Settings(data=str(tmp_path / "data"), bounce_rules=str(file)))
    assert not (tmp_path / "data").exists()


def test_an_operators_rules_are_asked_before_ours(tmp_path: Path) -> None:
    file = tmp_path / "bounces.toml"
    file.write_text("[[rule]]\nname = 'ours'\ncode = 52\ntext = ['kaputt']\n")
    rules = load_rules(Settings(bounce_rules=str(file)))
    assert classify(550, "5.1.1", "kaputt", rules=rules)[0:4:3] == (52, "ours")
    assert classify(550, "5.1.1", "unknown", rules=rules).code == 10
    with pytest.raises(OperatorError, match=r"bounce_rules: .*No such file"):
        load_rules(Settings(bounce_rules=str(tmp_path / "absent.toml")))


@pytest.mark.parametrize(
    ("line", "code", "rule"),
    [
        # A number that says one thing decides, whatever the words.
        ("550 5.1.1 mail refused for policy reasons", 10, "unknown recipient by its status"),
        ("552 5.2.2 message refused as spam", 22, "mailbox full"),
        # One that says nothing leaves it to the words.
        ("550 5.0.0 user unknown", 10, "unknown recipient by its words"),
        ("550 5.7.1 message too large", 23, "too large by its words"),
        # Without either the basic code decides.
        ("552 sorry", 22, "storage exceeded by its reply code"),
        ("550 5.7.1 sorry", 50, "refused by policy"),
        # What must not be taken for an unknown recipient overrules a number.
        ("550 5.1.1 blocked using zen.spamhaus.org", 51, "listed, with the number of another reason"),
        ("550 5.1.1 mailbox is full", 22, "full, with the number of another reason"),
        (
            "550 5.1.1 Amazon SES has suppressed sending to this address",
            25,
            "on the provider's suppression list",
        ),
        ("550 5.1.1 sender rejected", 50, "sender refused"),
    ],
)
def test_enhanced_code_then_words_then_basic_code(line: str, code: int, rule: str) -> None:
    reply = parse_reply(line)
    verdict = classify(reply.code, reply.status, reply.text)
    assert (verdict.code, verdict.rule) == (code, rule)


def test_what_comes_back_without_any_number_is_taken_for_permanent() -> None:
    assert classify(None, None, "Sorry, no mailbox here by that name.").hard
    assert not timed_out(None, None, "user unknown").hard


def test_the_labelled_answers_are_understood() -> None:
    """STD-3: all that the rules were written for, and of those that they were not the more part; and no address is
    condemned that should not be."""
    every = labelled()
    assert len(every) >= 300 and len({one.code for one in every}) == 16
    known = [judged(one.text).code == one.code for one in every if not one.held_out]
    held = [judged(one.text).code == one.code for one in every if one.held_out]
    assert sum(known) / len(known) > 0.99
    assert sum(held) / len(held) > 0.8
    spared = [one for one in every if CATEGORIES[one.code].bounce_class != "hard"]
    assert sum(judged(one.text).hard for one in spared) <= len(spared) * 0.01


def test_a_verdict_can_be_named_without_an_answer() -> None:
    assert named(110, "address malformed").category == "Invalid Email Syntax"


@given(st.one_of(st.none(), st.integers(200, 599)), st.text(max_size=200))
def test_anything_a_server_says_gets_a_verdict(code: int | None, text: str) -> None:
    assert classify(code, None, text).code in CATEGORIES
