"""Which message of ours a mail is about: by our own references first, and only at last by the address it names.

In this order: the signed reference of its return path (VERP); our ids in the mail that was returned (our own header, its
Message-ID, its unsubscribe link); what a reply refers to; and, where the operator believes it, the latest message to
the failed address. Ids cannot be guessed; an address can, so the last way is only for mailboxes without VERP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.events import codec, subjects
from heliograph.events.event import SECOND
from heliograph.events.messages import MessageSent
from heliograph.inbound.receipts.mail.notice import Notice
from heliograph.inbound.receipts.receipt import MESSAGE_ID, Addressed, addressed
from heliograph.journal.journal import JournalView
from heliograph.react.state import messages, people
from heliograph.refs import ForgedRef, MessageRef, Refs

RECENT = 7 * 86_400 * SECOND
"""Microseconds after a message for which a notice may name its address alone: servers try for five days."""
LOOKED_AT = 200
"""Events of a person among which the message is looked for."""

_LEAVE = re.compile(r"/u/([A-Za-z0-9_-]{40,200})(?![A-Za-z0-9_-])", re.ASCII)
_CAME_TO = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc")
_ENOUGH = 20
"""Candidates of one kind that are looked up."""


class Found(NamedTuple):
    """The message, and what led to it."""

    to: Addressed
    by: str


FORGOTTEN = "forgotten"
"""A reference is ours, and state knows nothing of its message: its person was erased."""


def by_reference(
    notice: Notice, recipients: Sequence[str], refs: Refs, connection: Connection
) -> Found | str | None:
    """The message that our own references lead to; `FORGOTTEN` where one leads to nobody any more."""
    forgotten = False
    for ref in _verp(notice, recipients, refs):
        if (to := addressed(connection, ref.account, ref.message)) is not None:
            return Found(to, "return path")
        forgotten = True
    for by, ids in (
        ("returned headers", _ids(_texts(notice, ("x-heliograph-message", "message-id")))),
        ("returned unsubscribe link", _links(notice, refs.read_unsubscribe)),
        ("returned text", _ids([notice.copy])),
        ("references", _ids(_own(notice, ("in-reply-to", "references")))),
        ("recipient", _ids(recipients)),
    ):
        for message in ids:
            account = messages.owner(connection, message)
            to = addressed(connection, account, message) if account else None
            if to is not None:
                return Found(to, by)
    return FORGOTTEN if forgotten else None


async def latest_to(
    journal: JournalView, theirs: Sequence[str], account: str, address: str, now: int
) -> str | None:
    """The latest message of the last days to this address (in normal form), among what is recorded of `theirs`."""
    for entry in await journal.latest(theirs, account=account, limit=LOOKED_AT):
        if now - entry.at > RECENT:
            break
        data = codec.decode(entry).data
        if isinstance(data, MessageSent) and subjects.normal_email(data.address) == address:
            return data.message
    return None


def subjects_of(connection: Connection, account: str, address: str) -> list[str]:
    """What is recorded of whoever has this address is recorded under these."""
    person = people.find(connection, account, email=address)
    return [subjects.email(address), *([subjects.person(person.id)] if person else [])]


def _verp(notice: Notice, recipients: Sequence[str], refs: Refs) -> Iterator[MessageRef]:
    named = [*recipients, *_own(notice, _CAME_TO), *_texts(notice, ("return-path", "x-original-mail-from"))]
    if notice.feedback is not None:
        named.append(notice.feedback.envelope)
    for address in named[:_ENOUGH]:
        try:
            yield refs.read_bounce(address)
        except ForgedRef:
            continue


def _links(notice: Notice, read: Callable[[str], MessageRef]) -> Iterator[str]:
    for value in (*_texts(notice, ("list-unsubscribe",)), notice.copy):
        for token in _LEAVE.findall(value)[:_ENOUGH]:
            try:
                yield read(token).message
            except ForgedRef:
                continue


def _ids(values: Sequence[str]) -> list[str]:
    found = dict.fromkeys(one.lower() for value in values for one in MESSAGE_ID.findall(value))
    return list(found)[:_ENOUGH]


def _texts(notice: Notice, names: Sequence[str]) -> list[str]:
    return [value for name in names for value in notice.returned.get(name, ())]


def _own(notice: Notice, names: Sequence[str]) -> list[str]:
    return [value for name in names for value in notice.headers.get(name, ())]
