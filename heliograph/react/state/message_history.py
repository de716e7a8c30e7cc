"""Messages to look at: lists of them, page by page, and everything that happened to one.

A message's past is read from the journal: what caused it, its own events, what was judged of those who opened it, and
what followed (a suppression after a bounce). It is a person's past, narrowed, so it takes as long as that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, or_, select

from heliograph.events import subjects
from heliograph.events.event import Entry
from heliograph.journal.journal import JournalView
from heliograph.react.state import people
from heliograph.react.state.cursors import Cursor
from heliograph.react.state.messages import MESSAGES, Message

PAGE = 1_000
"""Entries read at once."""

MOST = 1_000
"""Events of one message that are shown; more than that are opens and clicks of a mail that went round."""

FILTERS = ("person", "address", "job", "automation", "template", "topic", "state", "channel")
"""Columns by which lists are narrowed; `campaign` by its number."""


class Summary(NamedTuple):
    """A message in a list. Instants in microseconds."""

    id: str
    channel: str
    address: str
    state: str
    person: str | None
    template: str
    automation: str | None
    job: str | None
    campaign: int | None
    topic: str | None
    transactional: bool
    is_test: bool
    subject: str | None
    reason: str | None
    requested_at: int
    sent_at: int | None
    opened_at: int | None
    clicked_at: int | None


class _Named(msgspec.Struct):
    """What an event's data may name."""

    message: Any = None
    event: Any = None


def page(
    connection: Connection,
    account: str,
    wanted: dict[str, str | int | None],
    *,
    before: Cursor | None,
    limit: int,
) -> list[Summary]:
    """Up to `limit` messages of which these columns have these values (None: any), the newest first."""
    table = MESSAGES.c
    named = {name: table.campaign_id if name == "campaign" else table[name] for name in wanted}
    where = [named[name] == value for name, value in wanted.items() if value is not None]
    if before is not None:
        older = and_(table.requested_at == before.at, table.id < before.id)
        where.append(or_(table.requested_at < before.at, older))
    columns = [table.campaign_id if name == "campaign" else table[name] for name in Summary._fields]
    found = connection.execute(
        select(*columns)
        .where(table.account == account, *where)
        .order_by(table.requested_at.desc(), table.id.desc())
        .limit(limit)
    )
    return [Summary(*row) for row in found]


def references(connection: Connection, message: Message) -> list[str]:
    """The subjects under which a message's past is recorded."""
    by_mail = message.channel == "email"
    place = subjects.email(message.address) if by_mail else subjects.reached(message.channel, message.address)
    found = [subjects.thing("message", message.id), place]
    person = None
    if message.person is not None:
        found.append(subjects.person(message.person))
        person = people.find(connection, message.account, person=message.person)
    person = person or people.at(connection, message.account, message.channel, message.address)
    if person is not None:
        found += people.subjects(connection, message.account, person.id)
    return list(dict.fromkeys(found))


async def history(journal: JournalView, message: Message, references: Sequence[str]) -> list[Entry]:
    """What happened to a message, in order: what caused it first, what followed from it last."""
    found: list[Entry] = []
    about = {message.id}
    after = 0
    while len(found) < MOST and (entries := await journal.of(references, after=after, limit=PAGE)):
        after = entries[-1].seq
        for entry in entries:
            if entry.account == message.account and _belongs(entry, message, about):
                found.append(entry)
                about.add(entry.id) if entry.id != message.cause else None
    return found[:MOST]


def _belongs(entry: Entry, message: Message, about: set[str]) -> bool:
    if entry.id in (message.id, message.cause):
        return True
    if entry.kind == "message.requested":
        return False  # what a later message came from is that message's own past
    if entry.cause in about:
        return True
    try:
        named = msgspec.json.decode(entry.data, type=_Named)
    except msgspec.DecodeError:
        return False
    return named.message == message.id or (isinstance(named.event, str) and named.event in about)
