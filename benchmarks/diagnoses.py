"""Why it came back: the share right on labelled answers, per category, and verdicts a second.

The labelled answers are `bounces.tsv`, which says how it came about. What weighs most is counted apart: a hard verdict
suppresses an address, so one that is given wrongly costs a recipient.
"""

from __future__ import annotations

import email
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import Row
from heliograph.bounces.classify import Verdict, classify, parse_reply
from heliograph.bounces.rules import CATEGORIES

LABELLED = Path(__file__).with_name("bounces.tsv")
ROUNDS = 3
NOTICE = (
    "From: MAILER-DAEMON@relay.example\r\nTo: news@shop.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered.\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
    "Final-Recipient: rfc822; joe@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n--b--\r\n"
)


class Labelled(NamedTuple):
    """One line: which set it is of, the code that is right, and what was said."""

    held_out: bool
    code: int
    text: str


def labelled() -> list[Labelled]:
    """The lines of the file."""
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Labelled(chosen == "held", int(code), text) for chosen, code, text in rows]


def judged(text: str) -> Verdict:
    """The verdict on one line."""
    reply = parse_reply(text)
    return classify(reply.code, reply.status, reply.text)


def diagnoses(_scratch: Path) -> list[Row]:
    """Everything."""
    return [*_right(), *_speed()]


def _right() -> Iterator[Row]:
    every = labelled()
    for code in sorted({one.code for one in every}):
        for held_out in (False, True):
            mine = [one for one in every if one.code == code and one.held_out is held_out]
            if mine:
                right = [judged(one.text).code == code for one in mine]
                yield _share(f"{code} {CATEGORIES[code].name}, {_set(held_out)}", right)
    for held_out in (False, True):
        mine = [one for one in every if one.held_out is held_out]
        verdicts = [judged(one.text) for one in mine]
        classes = [CATEGORIES[one.code].bounce_class for one in mine]
        pairs = list(zip(mine, verdicts, classes, strict=True))
        yield _share(f"all codes, {_set(held_out)}", [one.code == said.code for one, said, _ in pairs])
        yield _share(f"class, {_set(held_out)}", [is_ == said.bounce_class for _, said, is_ in pairs])
        soft = [said for _, said, is_ in pairs if is_ != "hard"]
        yield _share(f"not hard, and not called so, {_set(held_out)}", [not said.hard for said in soft])


def _set(held_out: bool) -> str:
    return "held out" if held_out else "known"


def _share(what: str, right: list[bool]) -> Row:
    share = sum(right) / len(right)
    return Row(what, f"{share:.1%} ({sum(right)} of {len(right)})", value=share)


def _speed() -> Iterator[Row]:
    """Beside the standard library's parser on a small notice: what has to be done before there is anything to judge."""
    texts = [one.text for one in labelled()] * ROUNDS
    start = time.process_time()
    for text in texts:
        judged(text)
    rate = len(texts) / (time.process_time() - start)
    start = time.process_time()
    for _ in texts:
        email.message_from_string(NOTICE)
    alone = len(texts) / (time.process_time() - start)
    figure = f"{rate:,.0f} per CPU-s, {1e6 / rate:.0f} us each"
    yield Row("verdicts on answers", figure, "email, one small notice", ratio=rate / alone, value=rate)
