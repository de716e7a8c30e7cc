"""Bytes <-> events. Old shapes are brought up to date here; an unknown kind is kept, never dropped.

Data are JSON objects: they can be read with the database's own shell, exported without re-encoding, and
a shop's order is recorded byte for byte as it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from heliograph.events.event import (
    AnyEvent,
    Data,
    Entry,
    Event,
    Record,
    Redacted,
    Unknown,
    derived_id,
    new_id,
)
from heliograph.events.vocabulary import BY_NAME

REDACTED = b'{"redacted":true}'
"""What remains of an event's data after its subject was erased."""

UPCASTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Kind -> what turns an old shape into today's, tried when today's does not fit. Pure."""

T = TypeVar("T", bound=Data)

_encoder = msgspec.json.Encoder()
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in BY_NAME.items()}
_any = msgspec.json.Decoder()


def make(
    data: T,
    *,
    account: str,
    subject: str,
    now: int,
    at: int | None = None,
    cause: str | None = None,
    id: str | None = None,
) -> Event[T]:
    """A new event of the data's kind, recorded `now`; with a fresh id unless one is given."""
    return Event(
        id=id or new_id(now),
        account=account,
        kind=data.kind,
        subject=subject,
        at=now if at is None else at,
        recorded=now,
        data=data,
        cause=cause,
    )


def follow(
    cause: AnyEvent, data: T, *parts: str, now: int, subject: str | None = None, at: int | None = None
) -> Event[T]:
    """An event that follows from another: same account, derived id (from the kind and `parts`), its cause."""
    return make(
        data,
        account=cause.account,
        subject=cause.subject if subject is None else subject,
        now=now,
        at=at,
        cause=cause.id,
        id=derived_id(cause.id, data.kind, *parts),
    )


def encode(event: AnyEvent) -> Record:
    """An event as the journal takes it."""
    return Record(
        event.id,
        event.account,
        event.kind,
        event.subject,
        event.at,
        event.recorded,
        event.cause,
        event.raw or _encoder.encode(event.data),
    )


def decode(entry: Entry | Record) -> AnyEvent:
    """A recorded event. Never fails: what this version does not understand becomes `Unknown`."""
    return Event(
        id=entry.id,
        account=entry.account,
        kind=entry.kind,
        subject=entry.subject,
        at=entry.at,
        recorded=entry.recorded,
        data=_data(entry.kind, entry.data),
        cause=entry.cause,
        raw=entry.data,
    )


def properties(event: AnyEvent) -> dict[str, Any]:
    """What the sender said, as plain JSON values: for filters and templates. Without our own wrapping."""
    inner = event.data.inner
    if inner is None and type(event.data) not in (Redacted, Unknown):
        # Ours: with what was left out because it is the default.
        values = msgspec.structs.asdict(event.data).items()
        return {name: msgspec.to_builtins(value) for name, value in values if value is not None}
    whole: dict[str, Any] = _any.decode(event.raw or _encoder.encode(event.data))
    if inner is None:
        return whole
    value = whole.get(inner)
    return value if isinstance(value, dict) else {}


def _data(kind: str, raw: bytes) -> Data:
    decoder = _decoders.get(kind)
    if raw == REDACTED:
        return Redacted()
    if decoder is None:
        return Unknown()
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _old(kind, raw)


def _old(kind: str, raw: bytes) -> Data:
    try:
        upcast = UPCASTS.get(kind)
        return msgspec.convert(upcast(_any.decode(raw)), BY_NAME[kind]) if upcast else Unknown()
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Unknown()
