"""Short links: what stands behind `/s/CODE` of a text or push message, from `links.shortened`.

The web workers look here when one is tapped (`inbound.tracking.short_links`). Links never expire: a text is read for
years, and whoever taps it wants to get there. They go with their person when that is erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    or_,
    select,
)

from heliograph.database import CHUNKS, METADATA
from heliograph.events.consent import Channel
from heliograph.events.event import AnyEvent
from heliograph.events.messages import LinksShortened
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import reading
from heliograph.react.state.rows import append


class ShortLink(msgspec.Struct, frozen=True):
    """A short link. `link` is its place in the message, from 0; `person` and `aggregate` as in `refs.MessageRef`."""

    code: str
    account: str
    message: str
    person: str | None
    aggregate: bool
    channel: Channel
    link: int
    name: str
    url: str
    created: int


SHORT_LINKS = Table(
    "short_links",
    METADATA,
    Column("code", String(16), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("message", String(36), nullable=False, index=True),
    Column("person", String(36), index=True),
    Column("aggregate", Boolean, nullable=False),
    Column("channel", String(8), nullable=False),
    Column("link", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def find(connection: Connection, code: str) -> ShortLink | None:
    """The link of this code."""
    found = connection.execute(_FOUND, {"of_code": code}).one_or_none()
    return None if found is None else ShortLink(**found._mapping)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. A code belongs to whoever had it first."""
    append(connection, SHORT_LINKS, [row for event in events for row in _rows(event)])


def forget(connection: Connection, erased: Erased) -> None:
    """Links of their messages lead nowhere any more: a URL may say who somebody is (STD-7)."""
    messages = erased.values("message")
    for start in range(0, len(messages), CHUNKS[-1]):
        connection.execute(
            _GONE, {"of_person": erased.person, "of_messages": messages[start : start + CHUNKS[-1]]}
        )
    if not messages:
        connection.execute(_GONE, {"of_person": erased.person, "of_messages": []})


def _rows(event: AnyEvent) -> list[tuple[Any, ...]]:
    data = event.data
    if not isinstance(data, LinksShortened):
        return []
    at = reading.happened(event)
    whose = (event.account, data.message, data.person, data.aggregate, data.channel)
    return [(link.code, *whose, place, link.name, link.url, at) for place, link in enumerate(data.links)]


_FOUND = select(SHORT_LINKS).where(SHORT_LINKS.c.code == bindparam("of_code"))
_GONE = delete(SHORT_LINKS).where(
    or_(
        SHORT_LINKS.c.person == bindparam("of_person"),
        SHORT_LINKS.c.message.in_(bindparam("of_messages", expanding=True)),
    )
)

FOLD = Fold(
    name="short_links",
    kinds=frozenset((LinksShortened.kind,)),
    tables=(SHORT_LINKS,),
    apply=apply,
    forget=forget,
)
