"""Context records: what operators keep by data source and key, to be looked up when something is sent or looked at.

One row for each record, as it was put last; a row says which event put it, so that an erasure and the retention find
both ends. What has expired is as if it were not there, and goes with the next batch or the next sweep. A look-up
itself (`hit` or `miss`, MG-7) is told by whoever looked: `told` makes the event's data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    or_,
    select,
)

from heliograph.database import METADATA
from heliograph.events import subjects
from heliograph.events.event import AnyEvent
from heliograph.events.jobs import RecordHit, RecordMissed, RecordPut, RecordRemoved
from heliograph.journal.consumer import Fold
from heliograph.react.state.rows import Rows

RECORDS = Table(
    "records",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("prefix", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("size", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("event", String(36), nullable=False, index=True),
    Index("ix_records_expires", "expires"),
)

SIZE_LIMIT = 65_536
"""Bytes of a record as JSON; the document's example has 4,107 (S1:L421)."""
PREFIX_LIMIT, KEY_LIMIT = 64, 256

_PREFIX = re.compile(rf"[A-Za-z0-9_]{{1,{PREFIX_LIMIT}}}", re.ASCII)
_KEY = re.compile(
    rf"[^\s/\x00-\x1f\x7f-\x9f\ud800-\udfff](?:[^/\x00-\x1f\x7f-\x9f\ud800-\udfff]{{0,{KEY_LIMIT - 1}}})"
)
_PHONE = re.compile(r"\+[0-9]{7,15}", re.ASCII)


class Name(NamedTuple):
    """What a record is called: its data source and its key within it."""

    prefix: str
    key: str

    @property
    def id(self) -> str:
        """As the wire has it: `DEMO2-ofYlGLFP9e5` (S1:L420)."""
        return f"{self.prefix}-{self.key}"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A record. `size` in bytes of JSON; instants in microseconds, `expires` None: never."""

    prefix: str
    key: str
    document: dict[str, Any]
    size: int
    created: int
    updated: int
    expires: int | None
    event: str

    @property
    def name(self) -> Name:
        """What it is called."""
        return Name(self.prefix, self.key)


def fault_of(name: Name) -> str | None:
    """Why nothing can be kept under this name; None: it can."""
    if not _PREFIX.fullmatch(name.prefix):
        return f"the prefix must be 1 to {PREFIX_LIMIT} letters, digits or underscores"
    if not _KEY.fullmatch(name.key) or name.key != name.key.strip():
        return (
            f"the key must be 1 to {KEY_LIMIT} printable characters without a slash, and no blank at its ends"
        )
    return None


def named(id: str) -> Name | None:
    """The name in `PREFIX-key`; None where that is none. A prefix has no hyphen, so the first one ends it."""
    prefix, hyphen, key = id.partition("-")
    name = Name(prefix, key)
    return name if hyphen and fault_of(name) is None else None


def subject(name: Name, *, keep_case: bool = False) -> str:
    """Whose fact a record is: who keys one by somebody's address or phone keeps something of theirs, which their
    export shows and their erasure reaches (STD-7)."""
    if "@" in name.key:
        return subjects.email(name.key, keep_case=keep_case)
    if _PHONE.fullmatch(name.key):
        return subjects.phone(name.key)
    return subjects.thing("record", name.id)


def told(name: Name, record: Record | None, **asked: Any) -> RecordHit | RecordMissed:
    """What is told of one key that was looked up: it was there, or it was not (MG-7). `asked`: by whom, as
    `RecordLooked` has it."""
    if record is None:
        return RecordMissed(prefix=name.prefix, record_id=name.id, **asked)
    return RecordHit(
        prefix=name.prefix,
        record_id=name.id,
        size=record.size,
        created_at=record.created,
        updated_at=record.updated,
        **asked,
    )


def find(connection: Connection, account: str, names: Iterable[Name], now: int) -> dict[Name, Record]:
    """Those of these records that are there at `now` (microseconds)."""
    found: dict[Name, Record] = {}
    for name in dict.fromkeys(names):  # one by one: each is one look into the index, and they are few
        wanted = {"of_account": account, "of_prefix": name.prefix, "of_key": name.key, "instant": now}
        if (row := connection.execute(_FIND, wanted).one_or_none()) is not None:
            found[name] = Record(**row._mapping)
    return found


def page(
    connection: Connection, account: str, prefix: str, now: int, *, after: str = "", limit: int = 100
) -> list[Record]:
    """The records of a data source by key, those behind `after`."""
    wanted = {"of_account": account, "of_prefix": prefix, "instant": now, "after": after, "most": limit}
    return [Record(**row._mapping) for row in connection.execute(_PAGE, wanted)]


def standing(connection: Connection, events: Sequence[str]) -> set[str]:
    """Those of these `record.put` (by id) whose record still stands as they put it."""
    return set(connection.scalars(_STANDING, {"ids": list(events)}))


def sweep(connection: Connection, now: int) -> None:
    """Let go of what has expired."""
    connection.execute(_EXPIRED, {"instant": now})


_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_COLUMNS = [column for column in RECORDS.c if column.name != "account"]
_OF_PREFIX = select(*_COLUMNS).where(
    RECORDS.c.account == bindparam("of_account"),
    RECORDS.c.prefix == bindparam("of_prefix"),
    or_(RECORDS.c.expires.is_(None), RECORDS.c.expires > bindparam("instant")),
)
_FIND = _OF_PREFIX.where(RECORDS.c.key == bindparam("of_key"))
_PAGE = _OF_PREFIX.where(RECORDS.c.key > bindparam("after")).order_by(RECORDS.c.key).limit(bindparam("most"))
_STANDING = select(RECORDS.c.event).where(RECORDS.c.event.in_(_IDS))
_EXPIRED = delete(RECORDS).where(RECORDS.c.expires <= bindparam("instant"))


class _Row(msgspec.Struct):
    """A row as `Rows` keeps it; the document is its text."""

    account: str
    prefix: str
    key: str
    document: str
    size: int
    created: int
    updated: int
    expires: int | None
    event: str


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. Records are many: read and written together."""
    rows = Rows(connection, RECORDS, _Row)
    mine = [(one, one.data) for one in events if isinstance(one.data, RecordPut | RecordRemoved)]
    rows.read((event.account, data.prefix, data.key) for event, data in mine)
    for event, data in mine:
        key = (event.account, data.prefix, data.key)
        if isinstance(data, RecordPut):
            rows.put(_row(event, data, rows.get(key)))
        else:
            rows.remove(key)
    rows.write()
    if mine:
        sweep(connection, max(event.recorded for event, _ in mine))


def _row(event: AnyEvent, data: RecordPut, before: _Row | None) -> _Row:
    """As it is put; made when the one before it was made, if that had not expired by then."""
    at = event.recorded
    goes_on = before is not None and (before.expires is None or before.expires > at)
    document = msgspec.json.encode(data.record).decode()
    return _Row(
        account=event.account,
        prefix=data.prefix,
        key=data.key,
        document=document,
        size=len(document.encode()),
        created=before.created if before is not None and goes_on else at,
        updated=at,
        expires=data.expires_at,
        event=event.id,
    )


FOLD = Fold(
    name="records",
    kinds=frozenset((RecordPut.kind, RecordRemoved.kind)),
    tables=(RECORDS,),
    apply=apply,
)
