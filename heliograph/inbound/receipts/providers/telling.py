"""A provider's fact and the message that it is about -> an event; or nothing, and what it was counted as.

Ids are those of `receipt`, derived from our message: what a provider says again, or says after the SMTP channel or a
notice did, is the same event (STD-5). Opens and clicks are recorded only where the account asks for it: our own pixel
and links are in the mail already, and everything would be counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.accounts.model import Account
from heliograph.accounts.privacy import kept_ip
from heliograph.bounces.classify import Verdict, classify, named, parse_reply
from heliograph.bounces.rules import CATEGORIES, Rule
from heliograph.bounces.undelivered import TEXTS
from heliograph.events import codec, subjects
from heliograph.events.consent import UnsubscriptionRequested
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent, Data, derived_id, scoped_id
from heliograph.events.messages import MessageBounced, MessageComplained, MessageDelivered, SmsReceived
from heliograph.inbound.receipts import receipt
from heliograph.inbound.receipts.providers.provider import Fact, Provider
from heliograph.inbound.receipts.providers.words import understood
from heliograph.inbound.receipts.receipt import MESSAGE_ID, Addressed, Source, addressed
from heliograph.phones import country
from heliograph.react.state import messages, people
from heliograph.refs import ForgedRef, Refs

AGENT_LIMIT, URL_LIMIT = 512, 2048
"""Characters kept of a User-Agent and of a URL."""

GENERIC = frozenset((1, 40, 70))
"""Categories that say no more than that it failed: a provider's own word says more."""


class Teller(NamedTuple):
    """What is the same for all facts of one callback: whose, who tells it, where it is kept, when it came."""

    account: Account
    provider: Provider
    evidence: str
    now: int
    refs: Refs
    rules: Sequence[Rule]


class Told(NamedTuple):
    """What became of one fact: the event, if any, and what it is counted as."""

    event: AnyEvent | None
    counted: str


def tell(connection: Connection, teller: Teller, facts: Iterable[Fact]) -> list[Told]:
    """What became of each fact. Looks into state for the messages."""
    return [_told(connection, teller, fact) for fact in facts]


def verdict(fact: Fact, provider: str, rules: Sequence[Rule]) -> Verdict:
    """Why it came back for good: by what the recipient's server said; by the provider's own word where that says nothing,
    or where the provider itself refused. A transient answer that was the last one is a soft bounce (wire-facts 4.2)."""
    code = fact.code if fact.code in CATEGORIES else None
    own = None if code is None else named(code, f"{provider}: {fact.word}")
    if own is not None and fact.sure:
        return own
    reply = parse_reply(fact.said)
    decided = classify(reply.code, fact.status or reply.status, reply.text, rules=rules)
    if decided.code in GENERIC and own is not None and own.code != 1:
        return own
    return named(20, decided.rule) if decided.code == 70 else decided


def _told(connection: Connection, teller: Teller, fact: Fact) -> Told:
    if fact.what == "other":
        return Told(None, "ignored")
    if fact.what == "text":
        return Told(_text(teller, fact), "text")
    to = _message(connection, teller, fact.marks)
    if to is None:
        return _of_nobody(teller, fact)
    if fact.what in ("opened", "clicked"):
        return _visit(connection, teller, fact, to)
    event = (
        _of_text(connection, teller, fact, to)
        if teller.provider.channel == "sms"
        else _of_mail(teller, fact, to)
    )
    return Told(event, fact.what)


def _message(connection: Connection, teller: Teller, marks: Sequence[str]) -> Addressed | None:
    """The account's own message that one of these names: by a signed return path, or by our id."""
    for mark in marks:
        try:
            found = [teller.refs.read_bounce(mark).message]
        except ForgedRef:
            found = MESSAGE_ID.findall(mark)[:5]
        for message in found:
            to = addressed(connection, teller.account.number, message.lower())
            if to is not None:
                return to
    return None


def _of_mail(teller: Teller, fact: Fact, to: Addressed) -> AnyEvent | None:
    source = _source(teller, fact)
    match fact.what:
        case "delivered":
            return receipt.delivered(to, source, fact.said, now=teller.now)
        case "bounced":
            decided = verdict(fact, teller.provider.name, teller.rules)
            status = fact.status or parse_reply(fact.said).status
            return receipt.bounced(to, source, decided, fact.said or fact.word, now=teller.now, status=status)
        case "deferred":
            return receipt.deferred(
                to, source, fact.said or fact.word, now=teller.now, retry_at=fact.retry_at
            )
        case "complained":
            return receipt.complained(to, source, now=teller.now, subject=fact.subject)
        case "unsubscribed":
            wish = UnsubscriptionRequested(
                address=to.address,
                message=to.message,
                how="link",
                reason=f"{teller.provider.name}: {fact.word}",
            )
            return _event(teller, wish, to.subject, fact, id=_id(to, wish, teller, fact), cause=to.message)
        case _:
            return None


def _of_text(connection: Connection, teller: Teller, fact: Fact, to: Addressed) -> AnyEvent | None:
    known = messages.find(connection, to.account, to.message)
    if known is None or known.channel != "sms" or fact.what not in ("delivered", "bounced"):
        return None
    data: Data
    if fact.what == "delivered":
        data = MessageDelivered(
            message=to.message,
            channel="sms",
            address=to.address,
            response=fact.word,
            source=teller.provider.name,
            evidence=teller.evidence,
        )
    else:
        decided = verdict(fact, teller.provider.name, teller.rules)
        data = MessageBounced(
            message=to.message,
            channel="sms",
            address=to.address,
            category=fact.category,
            code=decided.code,
            bounce_class=decided.bounce_class,
            details=TEXTS[fact.category].details,
            rule=decided.rule,
            source=teller.provider.name,
            evidence=teller.evidence,
        )
    return _event(teller, data, to.subject, fact, id=derived_id(to.message, data.kind), cause=to.message)


def _of_nobody(teller: Teller, fact: Fact) -> Told:
    """About mail that we do not know: a complaint and a wish to leave still count, by their address."""
    if fact.what not in ("complained", "unsubscribed") or "@" not in fact.address:
        return Told(None, "unknown message")
    address = subjects.normal_email(fact.address, keep_case=teller.account.policy.keep_local_case)
    data: Data
    if fact.what == "complained":
        isp = address.rpartition("@")[2]
        data = MessageComplained(
            address=address, isp=isp, source=teller.provider.name, evidence=teller.evidence
        )
    else:
        data = UnsubscriptionRequested(
            address=address, how="link", reason=f"{teller.provider.name}: {fact.word}"
        )
    return Told(_event(teller, data, subjects.email(address), fact, id=_own_id(teller, fact)), fact.what)


def _text(teller: Teller, fact: Fact) -> AnyEvent:
    meaning = understood(fact.said, teller.account.policy)
    data = SmsReceived(
        sender=fact.sender,
        to=fact.address,
        body=fact.said,
        type=fact.category or meaning.type,
        keyword=meaning.keyword,
        country=fact.subject or country(fact.sender),
    )
    return _event(teller, data, subjects.thing("phone", fact.sender), fact, id=_own_id(teller, fact))


def _visit(connection: Connection, teller: Teller, fact: Fact, to: Addressed) -> Told:
    """An open or click that the provider saw, where the account wants them and the person allows it (STD-7)."""
    policy = teller.account.policy
    if not policy.receipt_visits:
        return Told(None, "left to our own tracking")
    known = messages.find(connection, to.account, to.message)
    person = people.find(connection, to.account, person=known.person) if known and known.person else None
    said = person.accepts_tracking if person else None
    if said is False or (said is None and policy.tracking == "only_if_allowed"):
        return Told(None, "not to be tracked")
    ip, agent = kept_ip(fact.ip, policy.ip) if fact.ip else "", fact.user_agent[:AGENT_LIMIT]
    data: Data = MessageOpened(message=to.message, ip=ip, user_agent=agent)
    if fact.what == "clicked":
        data = LinkClicked(message=to.message, url=fact.url[:URL_LIMIT], ip=ip, user_agent=agent)
    return Told(
        _event(teller, data, to.subject, fact, id=_id(to, data, teller, fact), cause=to.message), fact.what
    )


def _id(to: Addressed, data: Data, teller: Teller, fact: Fact) -> str:
    return derived_id(to.message, data.kind, teller.provider.name, fact.key)


def _own_id(teller: Teller, fact: Fact) -> str:
    return scoped_id(teller.account.number, f"receipts/{teller.provider.name}", f"{fact.what} {fact.key}")


def _source(teller: Teller, fact: Fact) -> Source:
    at = fact.at or teller.now
    return Source(teller.provider.name, f"{teller.provider.name} {fact.key}", teller.evidence, at)


def _event(
    teller: Teller, data: Data, subject: str, fact: Fact, *, id: str, cause: str | None = None
) -> AnyEvent:
    return codec.make(
        data,
        account=teller.account.number,
        subject=subject,
        now=teller.now,
        at=min(fact.at or teller.now, teller.now),
        cause=cause,
        id=id,
    )
