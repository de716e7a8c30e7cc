"""A server's answer -> why it came back. Used by the SMTP channel and by the readers of notices and callbacks.

Pure: the ordered rules of `rules.toml` decide (enhanced code, then words, then basic code; that file says where not);
which rule it was is kept in the event, so that a wrong verdict can be understood and mended. RM-17: a bounce is soft when its class is not hard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from heliograph.bounces.rules import CATEGORIES, RULES, BounceClass, Rule, Severity

_REPLY = re.compile(r"\s*([245]\d\d)(?:[ -]|$)")
_LEADING = re.compile(r"[\s(#]*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_INSIDE = re.compile(r"(?:\(|#|\s)([245])\.(\d{1,3})\.(\d{1,3})(?=[\s):;,-]|$)")
_NOTHING = "nothing to go by"
_TEXT_LIMIT = 1000  # characters that are looked at: what matters stands at the beginning


class Verdict(NamedTuple):
    """The category's code and name (S1), its class, and the name of the rule that decided."""

    code: int
    category: str
    bounce_class: BounceClass
    rule: str

    @property
    def hard(self) -> bool:
        """Whether the address must not be written to again (S1:L82: types 10 and 30)."""
        return self.bounce_class == "hard"


class Reply(NamedTuple):
    """An SMTP answer taken apart: basic code, enhanced status code (RFC 3463) where there is one, the words."""

    code: int | None
    status: str | None
    text: str


def parse_reply(line: str) -> Reply:
    """Take an answer apart (`550-5.1.1 The email account ...`), its lines joined by blanks."""
    basic = _REPLY.match(line)
    rest = line[basic.end() :] if basic else line
    return Reply(int(basic[1]) if basic else None, find_status(rest), rest.strip())


def find_status(text: str) -> str | None:
    """The enhanced status code that a text begins with, or that stands in it by itself (`(#5.1.1)`)."""
    found = _LEADING.match(text) or _INSIDE.search(text)
    return ".".join(found.groups()) if found else None


def classify(
    reply_code: int | None,
    status: str | None,
    text: str,
    *,
    about_recipient: bool = True,
    rules: Sequence[Rule] = RULES,
) -> Verdict:
    """Why it came back, from a basic reply code, an enhanced status code (looked for in the text when None) and
    the words; either code may be missing.

    `about_recipient` False: the answer was to MAIL FROM, so it cannot tell that the recipient is invalid; a
    hard verdict becomes 50. A transient answer that nothing more is known of is 70. Without any number, rules with
    words take it for permanent: what comes back has failed.
    """
    text = text[:_TEXT_LIMIT]
    status = status or find_status(text)
    severity = _severity(reply_code, status)
    for rule in rules:
        if _holds(rule, severity, reply_code, status, text):
            verdict = _verdict(rule.code, rule.name)
            return verdict if about_recipient or not verdict.hard else _verdict(50, "answer to the sender")
    return _verdict(1, _NOTHING)


def timed_out(
    reply_code: int | None, status: str | None, text: str, *, rules: Sequence[Rule] = RULES
) -> Verdict:
    """Why a message that was tried to the end of its life came back: as its last transient reply says, else
    24 Timeout (wire-facts 9.4). Never hard: nobody said that the address is wrong."""
    if reply_code is None and status is None:
        reply_code = 450  # what was put off was no refusal, whatever its words
    verdict = classify(reply_code, status, text, rules=rules)
    specific = verdict.code not in (1, 40, 70) and not verdict.hard
    return verdict if specific else _verdict(24, "tried for its whole lifetime")


def named(code: int, rule: str) -> Verdict:
    """The verdict with this code, reached without a server's answer."""
    return _verdict(code, rule)


def _verdict(code: int, rule: str) -> Verdict:
    category = CATEGORIES[code]
    return Verdict(code, category.name, category.bounce_class, rule)


def _severity(reply_code: int | None, status: str | None) -> Severity | None:
    digit = str(reply_code)[0] if reply_code else (status or "")[:1]
    return "permanent" if digit == "5" else "transient" if digit == "4" else None


def _assumed(rule: Rule) -> Severity | None:
    return "permanent" if rule.text is not None else None


def _holds(
    rule: Rule, severity: Severity | None, reply_code: int | None, status: str | None, text: str
) -> bool:
    return (
        (rule.severity is None or rule.severity == (severity or _assumed(rule)))
        and (rule.reply is None or reply_code in rule.reply)
        and (rule.status is None or (status is not None and rule.status.fullmatch(status) is not None))
        and (rule.text is None or rule.text.search(text) is not None)
    )
