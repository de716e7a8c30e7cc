"""A day's activities: the events that were recorded on it, told as the feed tells them (MG-11).

    journal, a page at a time -> what is known of their messages, one query a page -> the dialect's own items -> chunks

A day is one of UTC, and an item belongs to the day on which it was recorded: so each item is in exactly one day, and
a day that is over does not change, however late a provider reported. Whoever fetches yesterday every night gets
everything once. Nothing but a page is ever in memory.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC
from functools import partial
from typing import IO, Any, NamedTuple, cast

from sqlalchemy import Connection

from heliograph.events import codec
from heliograph.events.event import AnyEvent, Entry
from heliograph.events.messages import MessageSent
from heliograph.journal.places import SKEW, before
from heliograph.outbound.feeds.dialects.activities import KINDS, Known, activity
from heliograph.outbound.feeds.dialects.activity import Activity, Item
from heliograph.outbound.feeds.dialects.activity_forms import DOCUMENT, SCHEMA, xml_item
from heliograph.outbound.feeds.surroundings import abouts
from heliograph.webservice.answers import Refused, around
from heliograph.webservice.call import INVALID, NOT_HERE, Asked, Means, Span, Streamed, day_of

PAGE = 1_000
"""Entries that are read, looked up and written at once."""


class Type(NamedTuple):
    """A value of the parameter `ActivityType`: the item it is made of, and the kinds of event that may tell it."""

    item: Item
    kinds: frozenset[str]


TYPES: dict[str, Type] = {
    "OPENS": Type("open", frozenset({"message.opened"})),
    "CLICKS": Type("click", frozenset({"link.clicked"})),
    "BOUNCES": Type("bounce", frozenset({"message.bounced", "message.suppressed", "message.deferred"})),
    "DELIVERIES": Type("delivery", frozenset({"message.delivered"})),
    "SPAM_COMPLAINTS": Type("complaint", frozenset({"message.complained"})),
    "RENDER_ERRORS": Type("render_error", frozenset({"message.render_failed"})),
    "UNSUBSCRIBES": Type("unsub", frozenset({"consent.withdrawn"})),
    "JOB_ERRORS": Type("job_error", frozenset({"job.failed"})),
    "MOBILE_PUSH_DELIVERIES": Type("push_delivery", frozenset({"message.delivered"})),
    "MOBILE_PUSH_DELIVERY_FAILURES": Type("push_bounce", frozenset({"message.bounced"})),
    "MOBILE_PUSH_RENDER_ERRORS": Type("push_render_error", frozenset({"message.render_failed"})),
    "SMS_DELIVERIES": Type("sms_delivery", frozenset({"message.delivered"})),
    "SMS_DELIVERY_FAILURES": Type("sms_bounce", frozenset({"message.bounced"})),
    "SMS_RENDER_ERRORS": Type("sms_render_error", frozenset({"message.render_failed"})),
    "SMS_INBOUNDS": Type("sms_inbound", frozenset({"sms.received"})),
}
"""wire-facts 4.1. `KINDS` of the dialect has all of these kinds."""

NO_ITEM = frozenset(("SMS_CLICKS", "MOBILE_PUSH_CLICKS"))
"""Types for which neither the document nor the vendor's schema has an item."""


async def account_activity(means: Means, asked: Asked) -> Streamed:
    """`AccountActivity`: all items of one type of one day. Raises `Refused`."""
    name = asked.wanted("ActivityType").upper()
    if name in NO_ITEM:
        raise Refused(NOT_HERE, f"{name}: version 3.1 has no item for clicks in texts and notifications.")
    if name not in TYPES:
        raise Refused(INVALID, f"ActivityType must be one of: {', '.join(TYPES)}.")
    day = day_of(asked.wanted("ActivityDate"))
    zipped = asked.flag("UseCompression")
    chunks = _document(means, asked, TYPES[name], day)
    file = _file(name, day)
    return Streamed(_zipped(chunks, file) if zipped else chunks, file, zipped)


async def counted(means: Means, account: str, span: Span) -> tuple[Counter[Item], int]:
    """How many items of each sort a day or month has, and how many messages were handed over."""
    counts: Counter[Item] = Counter()
    sent = 0
    async for page in _pages(means, account, KINDS | {MessageSent.kind}, span):
        made = await means.read(partial(_activities, account=account, page=page))
        counts.update(one.item for one in made)
        sent += sum(isinstance(event.data, MessageSent) for event in page)
    return counts, sent


async def _document(means: Means, asked: Asked, type_: Type, day: Span) -> AsyncIterator[bytes]:
    """The answer, a page of items at a time."""
    said = (("ActivityDate", day.text),)
    head, tail = around("AccountActivityResponse", asked.request_id, said, "ActivityItems")
    yield head
    account = asked.account.number
    async for page in _pages(means, account, type_.kinds, day):
        yield await means.read(partial(_written, account=account, page=page, item=type_.item))
    yield tail


async def _pages(
    means: Means, account: str, kinds: frozenset[str], span: Span
) -> AsyncIterator[Sequence[AnyEvent]]:
    """An account's events of these kinds that were recorded in this span, in order."""
    head = await means.journal.head()
    after = await before(means.journal, span.begins - SKEW, head)
    upto = await before(means.journal, span.ends + SKEW, head)
    while after < upto:
        entries = await means.journal.read(after, kinds=kinds, limit=PAGE, upto=upto)
        if not entries:
            return
        after = entries[-1].seq
        if page := [codec.decode(entry) for entry in entries if _belongs(entry, account, span)]:
            yield page


def _belongs(entry: Entry, account: str, span: Span) -> bool:
    return entry.account == account and span.begins <= entry.recorded < span.ends


def _activities(connection: Connection, account: str, page: Sequence[AnyEvent]) -> list[Activity]:
    """What the dialect makes of a page of events."""
    named = {message for event in page if (message := getattr(event.data, "message", None))}
    known = abouts(connection, account, named)
    made = (
        activity(event, Known(known.get(getattr(event.data, "message", None) or ""), UTC)) for event in page
    )
    return [one for one in made if one is not None]


def _written(connection: Connection, account: str, page: Sequence[AnyEvent], item: Item) -> bytes:
    """A page's items of one sort, in the schema's form; those of apps, which it does not have, in the document's."""
    form = SCHEMA if item in SCHEMA else DOCUMENT
    found = (one for one in _activities(connection, account, page) if one.item == item)
    return b"".join(written for one in found if (written := xml_item(one, form)) is not None)


def _file(name: str, day: Span) -> str:
    return f"{name.lower()}-{day.text}.xml"


async def _zipped(chunks: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    """The same as a zip archive of one file, made while it is sent."""
    sink = _Sink()
    archive = zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED, compresslevel=6)
    with archive, archive.open(name, "w", force_zip64=True) as file:
        async for chunk in chunks:
            file.write(chunk)
            for piece in sink.taken():
                yield piece
    for piece in sink.taken():
        yield piece


class _Sink(io.RawIOBase):
    """A file that cannot go back: what is written to it is taken away at once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, piece: Any) -> int:
        """Keep it until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        yield from pieces
