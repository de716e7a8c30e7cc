"""A notice and the message that it is about -> events. Pure.

One of our messages has one recipient, so of a report that names several (a list's members, whom somebody forwards to) the
worst counts. Only what is certain changes anything: a bounce, a delivery, a complaint, a wish to leave. The rest is
`email.received`, with the mail kept beside it.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import NamedTuple

from heliograph.bounces.rules import RULES, Rule
from heliograph.clock import from_datetime
from heliograph.events import codec, subjects
from heliograph.events.consent import UnsubscriptionRequested
from heliograph.events.event import AnyEvent, derived_id, natural_id
from heliograph.events.messages import EmailReceived
from heliograph.inbound.receipts import receipt
from heliograph.inbound.receipts.mail.notice import Notice, verdict
from heliograph.inbound.receipts.mail.reports import Result
from heliograph.inbound.receipts.receipt import Addressed, Source

CONTENT_LIMIT = 4000
"""Characters of a mail's text that are kept in its event."""
_WORST_FIRST = ("failed", "delivered", "delayed", "relayed", "expanded")
_LEAVES = ("opt-out", "opt-out-list")


class Arrival(NamedTuple):
    """How a mail came: whose it is if no message says so, where it came to and from which address, when we got it
    (microseconds), and the evidence."""

    account: str
    recipient: str
    ip: str
    now: int
    evidence: str


def tell(notice: Notice, to: Addressed | None, arrival: Arrival, rules: tuple[Rule, ...] = RULES) -> AnyEvent:
    """What a mail says, as an event; `to`: the message that it is about, if one was found."""
    source = Source("mail", key_of(notice, arrival), arrival.evidence, _said_at(notice) or arrival.now)
    if to is not None and notice.what == "notice":
        return _of_delivery(notice, to, source, arrival, rules)
    if to is not None and notice.what == "complaint":
        return _of_complaint(notice, to, source, arrival)
    return _received(notice, to, arrival, source)


def key_of(notice: Notice, arrival: Arrival) -> str:
    """What tells this mail from others, by whichever way it comes: its Message-ID, else its bytes."""
    named = notice.headers.get("message-id")
    return named[0] if named and named[0] else arrival.evidence


def worst(results: tuple[Result, ...]) -> Result | None:
    """What counts of what is told about several recipients."""
    return min(results, key=lambda result: _WORST_FIRST.index(result.action), default=None)


def _of_delivery(
    notice: Notice, to: Addressed, source: Source, arrival: Arrival, rules: tuple[Rule, ...]
) -> AnyEvent:
    result = worst(notice.results)
    if result is None or result.action in ("relayed", "expanded"):
        return _received(notice, to, arrival, source)
    said = result.diagnostic or result.status or notice.subject
    match result.action:
        case "failed":
            decided = verdict(result, rules)
            return receipt.bounced(to, source, decided, said, now=arrival.now, status=result.status)
        case "delayed":
            until = _instant(result.retry_until) or 0
            return receipt.deferred(to, source, said, now=arrival.now, retry_at=until)
        case _:
            return receipt.delivered(to, source, said, now=arrival.now)


def _of_complaint(notice: Notice, to: Addressed, source: Source, arrival: Arrival) -> AnyEvent:
    feedback = notice.feedback
    if feedback is not None and feedback.type in _LEAVES:
        wish = UnsubscriptionRequested(
            address=to.address, message=to.message, how="complaint", reason=notice.rule
        )
        return codec.make(
            wish,
            account=to.account,
            subject=to.subject,
            now=arrival.now,
            cause=to.message,
            id=derived_id(to.message, wish.kind, "feedback"),
        )
    subject = (notice.returned.get("subject") or (None,))[0]
    return receipt.complained(
        to, source, now=arrival.now, ip=feedback.source_ip if feedback else "", subject=subject
    )


def _received(notice: Notice, to: Addressed | None, arrival: Arrival, source: Source) -> AnyEvent:
    data = EmailReceived(
        message=to.message if to else None,
        address=to.address if to else arrival.recipient,
        mail_from=notice.sender,
        subject=notice.subject[:CONTENT_LIMIT],
        classification=notice.what,
        content=notice.text[:CONTENT_LIMIT],
        ip=arrival.ip,
        rule=notice.rule,
        evidence=arrival.evidence,
    )
    account = to.account if to else arrival.account
    return codec.make(
        data,
        account=account,
        subject=to.subject if to else _sender(notice),
        now=arrival.now,
        cause=to.message if to else None,
        id=natural_id(account, data.kind, _said_at(notice) or 0, source.key.encode()),
    )


def _sender(notice: Notice) -> str:
    """Whose fact a mail is that leads to no message: the one that failed or complained, else the one who wrote."""
    named = [result.address for result in notice.results if result.address]
    named += notice.feedback.recipients if notice.feedback else ()
    if named:
        return subjects.email(named[0])
    return subjects.email(notice.sender) if "@" in notice.sender else subjects.thing("mail", notice.what)


def _said_at(notice: Notice) -> int | None:
    result = worst(notice.results)
    told = (result.at if result else "") or (notice.feedback.at if notice.feedback else "")
    return _instant(told) or _instant(notice.date)


def _instant(text: str) -> int | None:
    """A date of a mail's header in microseconds; None where it is none."""
    try:
        parsed = parsedate_to_datetime(text)
        return max(0, from_datetime(parsed)) if parsed.tzinfo else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
