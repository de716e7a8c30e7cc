"""The envelope of everything that happened, and its ids.

An `Event` is what code reasons about: typed data. A `Record` is the same thing as the journal keeps it:
the data are JSON bytes. `codec` turns one into the other. An `Entry` is a record with its place in the
journal. Ids are UUIDs in text: version 7 for what happened once, version 8 (RFC 9562) for what is derived
from a cause or from a client's own id, so that saying it twice makes the same id and records it once.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec

SECOND = 1_000_000  # microseconds: `at` and `recorded` are whole microseconds since the epoch, UTC


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a kind of event says. Fields are added, never changed in meaning; all new ones have defaults."""

    kind: ClassVar[str] = ""
    inner: ClassVar[str | None] = None
    """Which field holds what the sender said, for filters and templates; None: the data themselves."""


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a sender put it, where we put it otherwise: kept beside, never used to decide."""

    type: str = ""
    platform: str = ""
    domain: str = ""
    source: str = ""
    id: str = ""
    body: Any = None
    """The body as it came (byte for byte in the recorded data); None when the event carries it unchanged."""


class Redacted(Data, frozen=True, kw_only=True):
    """An event whose person was erased: that it happened remains, what it said is gone."""

    kind: ClassVar[str] = "redacted"


class Unknown(Data, frozen=True, kw_only=True):
    """An event of a kind that this version does not know. Kept, never dropped."""

    kind: ClassVar[str] = "unknown"


D = TypeVar("D", bound=Data, covariant=True)


class Event(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """One thing that happened.

    `kind` is past tense and dotted. `subject` says whose fact it is (`events.subjects`). `at` is when it
    happened, `recorded` when we knew, both in microseconds. `cause` is the id of the event that led here.
    `raw` is the JSON of `data` as recorded; empty on an event that was not read from a journal.
    """

    id: str
    account: str
    kind: str
    subject: str
    at: int
    recorded: int
    data: D
    cause: str | None = None
    raw: bytes = b""


AnyEvent = Event[Data]


class Record(NamedTuple):
    """An event as the journal takes it: the columns of one row."""

    id: str
    account: str
    kind: str
    subject: str
    at: int
    recorded: int
    cause: str | None
    data: bytes


class Entry(NamedTuple):
    """A record in its place: `seq` grows by one with each record of a journal."""

    seq: int
    id: str
    account: str
    kind: str
    subject: str
    at: int
    recorded: int
    cause: str | None
    data: bytes


def new_id(now: int) -> str:
    """A fresh id: UUIDv7 whose sub-millisecond bits are the microseconds, so that ids grow with time."""
    milliseconds, micros = divmod(now, 1000)
    tail = random.getrandbits(62) | 2 << 62
    head = f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{micros * 4:03x}"
    return f"{head}-{tail >> 48:04x}-{tail & 0xFFFFFFFFFFFF:012x}"


def derived_id(cause: str, *parts: str) -> str:
    """The id of what follows from `cause`: the same parts give the same id (UUIDv8, with the cause's time)."""
    head = int(cause[:8] + cause[9:13], 16)
    return _version8(head, "\0".join((cause, *parts)))


def scoped_id(account: str, source: str, client_id: str) -> str:
    """The id of an event that its sender numbered, within one source of one account (UUIDv8, time zero)."""
    return _version8(0, "\0".join(("client", account, source, client_id)))


def natural_id(account: str, kind: str, changed: int, said: bytes) -> str:
    """The id of what a sender tells again without having numbered it: the same `kind` and `said` give the same id
    (UUIDv8). It begins with the instant `changed` (microseconds), so that neighbours in time are neighbours in an
    index."""
    digest = hashlib.blake2b(digest_size=10)
    for part in (b"natural", account.encode(), kind.encode(), said):
        digest.update(part + b"\0")
    return _tailed(max(0, changed // 1000) & (1 << 48) - 1, digest.digest())


def is_derived(event_id: str) -> bool:
    """Whether the id is one that can be made again (version 8)."""
    return event_id[14:15] == "8"


def id_time(event_id: str) -> int:
    """The microseconds in an id's first 48 bits, to the millisecond; 0 for a client's own id."""
    return int(event_id[:8] + event_id[9:13], 16) * 1000


def _version8(head: int, name: str) -> str:
    return _tailed(head, hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=10).digest())


def _tailed(head: int, digest: bytes) -> str:
    tail = int.from_bytes(digest)
    return _text(head << 80 | 8 << 76 | (tail >> 68 & 0xFFF) << 64 | 2 << 62 | tail & (1 << 62) - 1)


def _text(number: int) -> str:
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def plain(event: AnyEvent) -> dict[str, Any]:
    """An event as plain JSON values, in the order in which exports show it."""
    return {
        "id": event.id,
        "kind": event.kind,
        "account": event.account,
        "subject": event.subject,
        "at": event.at,
        "recorded": event.recorded,
        "cause": event.cause,
        "data": msgspec.to_builtins(event.data),
    }
