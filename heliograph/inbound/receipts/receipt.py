"""What became of a message as others tell it -> events. Shared by mail that comes back and by providers' callbacks.

Ids are derived from the message and the kind, exactly as dispatch derives its own: what is told twice, in whatever
way, is one event with one id (STD-5). So a message bounces once, and the first who says so says why.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.bounces.classify import Verdict
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent, Data, derived_id
from heliograph.events.messages import (
    MessageBounced,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
)
from heliograph.react.state import messages, people

DETAILS_LIMIT = 1000
"""Characters of what a server said that are kept in an event; evidence has the rest."""

MESSAGE_ID = re.compile(
    r"(?<![0-9a-f-])[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-f-])", re.I
)
"""The id of a message of ours, wherever it stands in a text."""


class Addressed(NamedTuple):
    """A message of ours, as state knows it: whose it is, where it went, and when it was asked for (microseconds)."""

    account: str
    message: str
    address: str
    subject: str
    requested_at: int


class Source(NamedTuple):
    """Who told it (`mail`, `ses` ...), what they call what they said (a Message-ID, a provider's event id), where that is
    kept (an evidence id), and when it happened (microseconds)."""

    name: str
    key: str
    evidence: str
    at: int


def addressed(connection: Connection, account: str, message: str) -> Addressed | None:
    """The message of this id, if it is this account's and not forgotten."""
    known = messages.find(connection, account, message)
    if known is None:
        return None
    person = people.find(connection, account, person=known.person) if known.person else None
    subject = subjects.person(person.id) if person else subjects.email(known.address)
    return Addressed(account, message, known.address, subject, known.requested_at)


def bounced(
    to: Addressed, source: Source, verdict: Verdict, details: str, *, now: int, status: str | None = None
) -> AnyEvent:
    """It came back."""
    data = MessageBounced(
        message=to.message,
        address=to.address,
        category=verdict.category,
        code=verdict.code,
        bounce_class=verdict.bounce_class,
        details=details[:DETAILS_LIMIT],
        status=status,
        rule=verdict.rule,
        source=source.name,
        evidence=source.evidence,
    )
    return _told(to, source, data, now)


def deferred(to: Addressed, source: Source, details: str, *, now: int, retry_at: int = 0) -> AnyEvent:
    """Another server is still trying; `retry_at`: until when, in microseconds, 0: not said. Once
    for each thing that is told."""
    data = MessageDeferred(
        message=to.message,
        address=to.address,
        attempt=0,
        response=details[:DETAILS_LIMIT],
        retry_at=retry_at,
        source=source.name,
        evidence=source.evidence,
    )
    return _told(to, source, data, now, source.key)


def delivered(to: Addressed, source: Source, response: str, *, now: int) -> AnyEvent:
    """The recipient's server says that it has it."""
    data = MessageDelivered(
        message=to.message,
        address=to.address,
        response=response[:DETAILS_LIMIT],
        source=source.name,
        evidence=source.evidence,
    )
    return _told(to, source, data, now)


def complained(
    to: Addressed, source: Source, *, now: int, ip: str = "", subject: str | None = None
) -> AnyEvent:
    """The recipient called it spam."""
    data = MessageComplained(
        message=to.message,
        address=to.address,
        isp=to.address.rpartition("@")[2],
        ip=ip,
        subject=subject,
        source=source.name,
        evidence=source.evidence,
    )
    return _told(to, source, data, now)


def _told(to: Addressed, source: Source, data: Data, now: int, *parts: str) -> AnyEvent:
    return codec.make(
        data,
        account=to.account,
        subject=to.subject,
        now=now,
        at=min(max(source.at, to.requested_at), now),
        cause=to.message,
        id=derived_id(to.message, data.kind, *parts),
    )
