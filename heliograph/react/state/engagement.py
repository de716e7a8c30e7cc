"""How people and our messages get on: when they were last sent one, and when they last did something with one.

What machines do does not count (STD-6): the sign is a verdict that a person opened, clicked, voted or looked. A later
verdict that says otherwise takes nothing back: this answers "in the last months", and reports count exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, bindparam, delete, select

from heliograph.database import METADATA
from heliograph.events.engagement import ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageSent
from heliograph.events.people import PersonMerged
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state.reading import happened
from heliograph.react.state.rows import Rows

ENGAGEMENT = Table(
    "engagement",
    METADATA,
    Column("person", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("sent", Integer, nullable=False),
    Column("sent_at", BigInteger),
    Column("active_at", BigInteger),
    sqlite_with_rowid=False,
)


class Engagement(msgspec.Struct, gc=False):
    """How many messages somebody was sent, when the last (microseconds), and when they last did something with one."""

    person: str
    account: str
    sent: int = 0
    sent_at: int | None = None
    active_at: int | None = None


def find(connection: Connection, account: str, person: str) -> Engagement | None:
    """What is known of a person's engagement."""
    found = connection.execute(_FOUND, {"of_person": person, "of_account": account}).one_or_none()
    return None if found is None else Engagement(*found)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. A message counts if it was sent after the last one: so a repeat counts nothing."""
    rows = Rows(connection, ENGAGEMENT, Engagement)
    told = [(event, event.subject.removeprefix("person:")) for event in events if _tells(event)]
    rows.read((person,) for _, person in told)
    for event, person in told:
        if isinstance(event.data, PersonMerged):
            _merge(rows, event, event.data)
            continue
        row = rows.get((person,)) or Engagement(person, event.account)
        if row.account != event.account:
            continue
        at = happened(event)
        if isinstance(event.data, MessageSent):
            if row.sent_at is None or at > row.sent_at:
                row.sent, row.sent_at = row.sent + 1, at
        else:
            row.active_at = max(row.active_at or 0, at)
        rows.put(row)
    rows.write()


def forget(connection: Connection, erased: Erased) -> None:
    """Nothing is known of who is erased (STD-7)."""
    theirs = (ENGAGEMENT.c.person == erased.person, ENGAGEMENT.c.account == erased.account)
    connection.execute(delete(ENGAGEMENT).where(*theirs))


def _tells(event: AnyEvent) -> bool:
    data = event.data
    if not event.subject.startswith("person:"):
        return False
    if isinstance(data, ReaderJudged):
        return data.by_person
    return isinstance(data, PersonMerged) or (isinstance(data, MessageSent) and not data.is_test)


def _merge(rows: Rows[Engagement], event: AnyEvent, merged: PersonMerged) -> None:
    gone, stays = rows.get((merged.other,)), rows.get((merged.person,))
    if gone is None or gone.account != event.account:
        return
    row = stays or Engagement(merged.person, event.account)
    row.sent += gone.sent
    row.sent_at = max((at for at in (row.sent_at, gone.sent_at) if at is not None), default=None)
    row.active_at = max((at for at in (row.active_at, gone.active_at) if at is not None), default=None)
    rows.put(row)
    rows.remove((merged.other,))


_FOUND = select(ENGAGEMENT).where(
    ENGAGEMENT.c.person == bindparam("of_person"), ENGAGEMENT.c.account == bindparam("of_account")
)

FOLD = Fold(
    name="engagement",
    kinds=frozenset((ReaderJudged.kind, MessageSent.kind, PersonMerged.kind)),
    tables=(ENGAGEMENT,),
    apply=apply,
    forget=forget,
)
