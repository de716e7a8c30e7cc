"""`/records`: context records by data source and key: put, read, list, remove (wire-facts 4.1, MG-7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, select

from heliograph.api.call import Asked, Call, Means, PageSize, Resource
from heliograph.clock import Instant, from_datetime, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec
from heliograph.events.event import Data
from heliograph.events.jobs import RecordPut, RecordRemoved
from heliograph.journal.positions import FOLD, POSITIONS
from heliograph.react.state import records
from heliograph.react.state.records import SIZE_LIMIT, Name

PATIENCE, LOOK = 3.0, 0.005
"""Seconds that an answer waits for state to show what was recorded, and between two looks."""

MOST_AT_ONCE = 1_000
"""Records of one request; `heliograph import --what records` takes files of any size."""

_POSITION = select(POSITIONS.c.seq).where(POSITIONS.c.consumer == FOLD, POSITIONS.c.name == records.FOLD.name)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record. `id` is how it is asked for: `PREFIX-KEY`; `size` in bytes of JSON."""

    id: str
    prefix: str
    key: str
    record: dict[str, Any]
    size: int
    created_at: Instant
    updated_at: Instant
    expires_at: Instant | None = None


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep, and until when (RFC 3339; without: until it is removed)."""

    record: dict[str, Any]
    expires_at: Instant | None = None


class Keyed(msgspec.Struct, frozen=True, kw_only=True):
    """One of several records to keep."""

    key: str
    record: dict[str, Any]
    expires_at: Instant | None = None


class Several(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one data source."""

    records: Annotated[list[Keyed], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was not kept: its place in the list, from 0, and why."""

    index: int
    key: str
    reason: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How many records were kept, and those that were not; one that is refused spoils no other."""

    kept: int
    refused: list[Refused] = []


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Which page: what comes behind this key."""

    after: str = ""
    limit: PageSize = 100


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Records by key. `next` is the `after` of the next page, if there is one."""

    records: list[Record]
    next: str | None = None


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What is not there any more."""

    id: str


async def put(means: Means, asked: Asked) -> Record:
    """Keep one record, in the place of what was kept under its key."""
    name, wanted = _name(asked), asked.body
    now = means.clock.now()
    change = _put(name, wanted, asked, now)
    await _record(means, asked, [(name, change)])
    return await _find(means, asked, name) or _as_put(change, now)


async def put_several(means: Means, asked: Asked) -> Kept:
    """Keep many records of one data source; what is wrong with some of them keeps none of the others out."""
    prefix, good, refused = asked.path["prefix"], [], []
    _checked(Name(prefix, "x"))
    for index, one in enumerate(asked.body.records):
        name = Name(prefix, one.key)
        try:
            good.append((_checked(name), _put(name, one, asked, means.clock.now())))
        except BadRequest as error:
            refused.append(Refused(index=index, key=one.key[:100], reason=error.message))
    if good:
        await _record(means, asked, good)
    return Kept(kept=len(good), refused=refused)


async def get(means: Means, asked: Asked) -> Record:
    """One record. An operator who looks is neither a hit nor a miss."""
    name = _name(asked)
    found = await _find(means, asked, name)
    if found is None:
        raise NotFound(f"There is no record {name.id}.", field="key")
    return found


async def listed(means: Means, asked: Asked) -> Page:
    """The records of a data source, page by page."""
    prefix, wanted, account = asked.path["prefix"], asked.query, asked.account.number
    _checked(Name(prefix, "x"))

    def look(connection: Connection) -> list[records.Record]:
        now = means.clock.now()
        return records.page(connection, account, prefix, now, after=wanted.after, limit=wanted.limit + 1)

    page = await means.read(look)
    shown = page[: wanted.limit]
    following = shown[-1].key if len(page) > len(shown) else None
    return Page(records=[_shown(one) for one in shown], next=following)


async def remove(means: Means, asked: Asked) -> Removed:
    """Remove one record."""
    name = _name(asked)
    if await _find(means, asked, name) is None:
        raise NotFound(f"There is no record {name.id}.", field="key")
    await _record(means, asked, [(name, RecordRemoved(prefix=name.prefix, key=name.key, by=asked.by))])
    return Removed(id=name.id)


def _put(name: Name, wanted: Put | Keyed, asked: Asked, now: int) -> RecordPut:
    size = len(msgspec.json.encode(wanted.record))
    if size > SIZE_LIMIT:
        raise BadRequest(f"record: has {size} bytes; at most {SIZE_LIMIT} are kept", field="record")
    expires = None if wanted.expires_at is None else _instant(wanted.expires_at)
    if expires is not None and expires <= now:
        raise BadRequest("expires_at: is over", field="expires_at")
    return RecordPut(prefix=name.prefix, key=name.key, record=wanted.record, expires_at=expires, by=asked.by)


def _instant(text: str) -> int:
    try:
        return from_datetime(msgspec.convert(text, _AWARE))
    except (msgspec.ValidationError, OverflowError) as error:
        raise BadRequest(
            "expires_at: must be RFC 3339 with a zone, such as 2026-01-31T12:00:00Z", field="expires_at"
        ) from error


def _name(asked: Asked) -> Name:
    return _checked(Name(asked.path["prefix"], asked.path["key"]))


def _checked(name: Name) -> Name:
    fault = records.fault_of(name)
    if fault is not None:
        raise BadRequest(fault[:1].upper() + fault[1:] + ".", field="key")
    return name


async def _find(means: Means, asked: Asked, name: Name) -> Record | None:
    def look(connection: Connection) -> records.Record | None:
        return records.find(connection, asked.account.number, (name,), means.clock.now()).get(name)

    found = await means.read(look)
    return None if found is None else _shown(found)


async def _record(means: Means, asked: Asked, changes: Sequence[tuple[Name, Data]]) -> None:
    """Record changes; returns when state shows them, or after `PATIENCE`: they are on disk in any case."""
    account, keep_case = asked.account, asked.account.policy.keep_local_case
    events = [
        codec.make(
            data,
            account=account.number,
            subject=records.subject(name, keep_case=keep_case),
            now=means.clock.now(),
        )
        for name, data in changes
    ]
    await means.journal.append([codec.encode(event) for event in events])
    head, end = await means.journal.head(), means.clock.monotonic() + PATIENCE
    while (await means.read(lambda connection: connection.scalar(_POSITION)) or 0) < head:
        if means.clock.monotonic() >= end:
            return
        await means.clock.sleep(LOOK)


def _as_put(change: RecordPut, now: int) -> Record:
    """What will be kept, where no engine runs that state could follow."""
    return Record(
        id=Name(change.prefix, change.key).id,
        prefix=change.prefix,
        key=change.key,
        record=change.record,
        size=len(msgspec.json.encode(change.record)),
        created_at=iso(now),
        updated_at=iso(now),
        expires_at=None if change.expires_at is None else iso(change.expires_at),
    )


def _shown(record: records.Record) -> Record:
    return Record(
        id=record.name.id,
        prefix=record.prefix,
        key=record.key,
        record=record.document,
        size=record.size,
        created_at=iso(record.created),
        updated_at=iso(record.updated),
        expires_at=None if record.expires is None else iso(record.expires),
    )


_AWARE = Annotated[datetime, msgspec.Meta(tz=True)]

RESOURCE = Resource(
    name="records",
    description="Context data: records that templates, pictures and other systems look up by data source and key.",
    calls=(
        Call(
            method="GET",
            path="/records/{prefix}",
            name="listRecords",
            summary="The records of a data source, by key",
            handler=listed,
            query=Past,
            answer=Page,
        ),
        Call(
            method="POST",
            path="/records/{prefix}",
            name="putRecords",
            summary="Keep up to 1,000 records of a data source",
            handler=put_several,
            body=Several,
            answer=Kept,
        ),
        Call(
            method="GET",
            path="/records/{prefix}/{key}",
            name="getRecord",
            summary="One record; looking at it here is neither a hit nor a miss",
            handler=get,
            answer=Record,
        ),
        Call(
            method="PUT",
            path="/records/{prefix}/{key}",
            name="putRecord",
            summary="Keep a record, in the place of what was kept under its key",
            handler=put,
            body=Put,
            answer=Record,
        ),
        Call(
            method="DELETE",
            path="/records/{prefix}/{key}",
            name="removeRecord",
            summary="Remove a record",
            handler=remove,
            answer=Removed,
        ),
    ),
)
