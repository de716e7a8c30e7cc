"""One mail that came back -> what it is and what it says. Pure; never fails.

The order matters (wire-facts 9.4): reports for machines first, then complaints, then what a mail server says in words,
and only then what looks like a vacation: several servers mark real notices as automatic replies. What is none of
these somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from heliograph.bounces.classify import Verdict, classify, named, parse_reply, timed_out
from heliograph.bounces.rules import RULES, Rule
from heliograph.inbound.receipts.mail import freeform, reports, words
from heliograph.inbound.receipts.mail.parts import Headers, Part, fields, read
from heliograph.inbound.receipts.mail.reports import Feedback, Result

What = Literal["notice", "complaint", "report", "auto_reply", "challenge", "receipt", "reply", "unreadable"]
"""notice: of failure, delay or delivery. complaint: somebody called it spam, or wants no more. report: of that format,
but no complaint. receipt: it was displayed (RFC 8098). unreadable: no mail at all."""

COMPLAINTS = frozenset(("abuse", "fraud", "opt-out", "opt-out-list", "complaint"))
"""Feedback types by which a recipient says no; not-spam, virus, auth-failure and the rest are only kept (RFC 5965)."""

_ENCLOSED = frozenset(
    (
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    )
)
_REPORTS = reports.STATUS_TYPES | {"message/feedback-report", "message/disposition-notification"}
_TEXTS = ("text/plain", "text/html")
_HUMAN = frozenset(("", "no"))
_BULK = frozenset(("auto_reply", "auto-reply", "junk"))


class Notice(NamedTuple):
    """What a mail is, and the rule that says so; whom it names; our own mail as it was returned, headers and text."""

    what: What
    rule: str
    subject: str = ""
    sender: str = ""
    date: str = ""
    text: str = ""
    results: tuple[Result, ...] = ()
    feedback: Feedback | None = None
    headers: Headers = {}
    returned: Headers = {}
    copy: str = ""
    problems: tuple[str, ...] = ()


def read_notice(raw: bytes, envelope_from: str | None = None) -> Notice:
    """What a mail is. `envelope_from`: its MAIL FROM; None where it is not known: then Return-Path counts."""
    mail = read(raw)
    root = mail.root
    if not root.headers:
        return Notice("unreadable", "no headers", text=root.text[: words.LOOKED_AT], problems=mail.problems)
    parts = list(_own_parts(root))
    text, returned = _text(parts), _enclosed(parts)
    reported = returned and not _REPORTS.isdisjoint(part.type for part in parts)
    split = freeform.Words(text, "") if reported else freeform.split(text)
    known = Notice(
        "reply",
        "somebody wrote it",
        subject=root.header("subject"),
        sender=_address(root.header("from")),
        date=root.header("date"),
        text=split.text,
        headers=root.headers,
        returned=returned or _quoted(split.copy),
        copy=split.copy,
        problems=mail.problems,
    )
    return _report(known, parts) or _judged(known, root, _is_null(root, envelope_from))


def verdict(result: Result, rules: tuple[Rule, ...] = RULES) -> Verdict:
    """Why a recipient's mail came back (wire-facts 4.2): what is only delayed is 70; what failed after replies that
    said "not now" ran out of time."""
    if result.action == "delayed":
        return named(70, "told to be delayed")
    reply = parse_reply(result.diagnostic)
    status = result.status if _specific(result.status) else reply.status or result.status
    severity = str(reply.code)[0] if reply.code else (status or "")[:1]
    if severity == "4":
        return timed_out(reply.code, status, reply.text, rules=rules)
    found = classify(reply.code, status, reply.text, rules=rules)
    if found.code == 1 and not result.address and not result.status:
        return named(30, "a notice that names nobody")
    return found


def _report(known: Notice, parts: list[Part]) -> Notice | None:
    """What reports for machines say (RFC 3464, 5965, 8098)."""
    for part in parts:
        if part.type in reports.STATUS_TYPES and (found := reports.results(part)):
            return known._replace(
                what="notice", rule="delivery status (RFC 3464)", results=_worded(found, known)
            )
        if part.type == "message/feedback-report":
            return _feedback(known, reports.feedback(part))
        if part.type == "message/disposition-notification":
            return known._replace(what="receipt", rule="disposition notification (RFC 8098)")
    if recipients := known.returned.get("x-hmxmroriginalrecipient"):
        told = Feedback("abuse", tuple(filter(None, map(reports.plain_address, recipients))))
        return known._replace(what="complaint", rule="Outlook.com's report", feedback=told)
    return None


def _feedback(known: Notice, told: Feedback) -> Notice:
    what: What = "complaint" if told.type in COMPLAINTS else "report"
    return known._replace(what=what, rule=f"feedback report: {told.type or 'no type'}", feedback=told)


def _worded(found: tuple[Result, ...], known: Notice) -> tuple[Result, ...]:
    """Some servers say in words alone what the report should say: then the words are the diagnostic."""
    return tuple(
        result
        if result.diagnostic or result.action not in ("failed", "delayed")
        else result._replace(diagnostic=freeform.what_was_said(known.text))
        for result in found
    )


def _judged(known: Notice, root: Part, null_sender: bool) -> Notice:
    """What a mail without a report is, by who sent it and by its words."""
    local = known.sender.rpartition("@")[0] or known.sender
    machine = words.SENDERS.search(local) is not None or "x-failed-recipients" in root.headers
    opening = f"{known.subject}\n{known.text}"
    if not machine and (asks := words.said(words.CHALLENGES, opening)):
        return known._replace(what="challenge", rule=f"challenge: {asks}")
    if machine or (null_sender and not _by_subject(known.subject)):
        delayed = words.said(words.DELAYS, opening)
        told = words.said(words.NOTICES, opening) or delayed
        if told:
            tried = delayed is not None and words.said(words.FINAL, opening) is None
            return _in_words(known, root, told, delayed=tried)
    if automatic := _automatic(root, known.subject):
        return known._replace(what="auto_reply", rule=automatic)
    if machine:
        return _in_words(known, root, f"from {local}", delayed=False)
    if null_sender:
        return known._replace(what="auto_reply", rule="empty return path (RFC 3834)")
    return known


def _in_words(known: Notice, root: Part, rule: str, *, delayed: bool) -> Notice:
    ours = [_address(root.header(name)) for name in ("from", "to", "reply-to")]
    ours += [_address(value) for name in ("from", "reply-to") for value in known.returned.get(name, ())]
    own = frozenset(address.lower() for address in ours if address)
    found = freeform.results(root, known.text, delayed=delayed, own=own)
    return known._replace(what="notice", rule=f"in words: {rule}", results=found)


def _automatic(root: Part, subject: str) -> str:
    """Why it is an answer that nobody wrote (RFC 3834); empty if it does not look like one."""
    submitted = root.header("auto-submitted").partition(";")[0].strip().lower()
    if submitted not in _HUMAN:
        return f"Auto-Submitted: {submitted}"
    for name in (
        "x-autoreply",
        "x-autorespond",
        "x-autoresponder",
        "x-auto-response",
        "x-autogenerated",
        "x-cron-env",
    ):
        if root.header(name).lower() not in _HUMAN:
            return name.title()
    if root.header("precedence").strip().lower() in _BULK:
        return f"Precedence: {root.header('precedence').strip().lower()}"
    return _by_subject(subject)


def _by_subject(subject: str) -> str:
    language = words.said(words.AUTOMATIC, subject)
    return f"subject: {language}" if language else ""


def _own_parts(root: Part) -> Iterator[Part]:
    """The parts of a mail and the enclosed mail itself, but nothing of what that encloses."""
    yield root
    if root.type in _ENCLOSED:
        return
    for part in root.parts:
        yield from _own_parts(part)


def _text(parts: list[Part]) -> str:
    """What a reader of the mail would see; HTML only where there is nothing else."""
    for kind in _TEXTS:
        found = [part.text for part in parts if part.type == kind and not part.parts]
        text = "\n".join(found).strip()
        if text:
            return text[: words.LOOKED_AT * 4]
    return ""


def _enclosed(parts: list[Part]) -> Headers:
    """The headers of our mail where it was returned as a part of its own."""
    for part in parts[1:]:
        if part.type in ("message/rfc822", "message/global") and part.parts:
            return part.parts[0].headers
        if part.type in _ENCLOSED:
            return fields(part.text)
    return {}


def _quoted(copy: str) -> Headers:
    """The headers of our mail where it stands at the end of the text."""
    return fields(
        "\n".join(line.lstrip("> \t") if line.startswith(">") else line for line in copy.split("\n"))
    )


def _is_null(root: Part, envelope_from: str | None) -> bool:
    if envelope_from is not None:
        return envelope_from.strip() in ("", "<>")
    return "return-path" in root.headers and root.header("return-path").strip() in ("", "<>")


def _address(value: str) -> str:
    """The address of a From or To, as far as one is to be seen."""
    _, bracket, rest = value.rpartition("<")
    return (rest.partition(">")[0] if bracket else value).strip()[:320]


def _specific(status: str | None) -> bool:
    return status is not None and not status.endswith(".0.0")
