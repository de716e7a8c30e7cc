"""What a body told, and how it becomes an event's data: by joining bytes, so that what a sender said stays as it was.

`{"order":<the body>,"said":{"type":"orders/create",...}}`: the body is in there byte for byte. Where it had to be
mended, or where the event has fields of its own, the original is `said.body`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from heliograph.events.event import Said, natural_id
from heliograph.events.people import Scalar
from heliograph.inbound.collect.senders import Sender

KEPT_OF_HEADERS = 255
"""Characters kept of headers that only describe the sender."""

_encode = msgspec.json.Encoder().encode


class Told(msgspec.Struct, frozen=True, gc=False):
    """What reading a body gave. `fields` are the data's own members as JSON, with commas between them;
    `original` is the body where `fields` does not hold it unchanged; `timestamp` the time that the body names.
    `changed` is the sender's `updated_at` in microseconds, of a body that may come again with another `timestamp`
    (`repeatable`); None: each is an event of its own."""

    kind: str
    subject: str
    fields: tuple[bytes, ...]
    original: bytes | None = None
    timestamp: Scalar = None
    changed: int | None = None


_STAMP = re.compile(rb'"timestamp"\s*:\s*(?:"[^"\\]*"|[^\s,}\]]+)')


def repeatable(account: str, told: Told, body: bytes) -> str:
    """The id that all tellings of the same thing share (RM-21): plug-ins that send again what was not answered stamp
    each sending anew and change nothing else, so type, object, `updated_at` and all the rest are the same."""
    return natural_id(account, told.kind, told.changed or 0, _STAMP.sub(b"", body))


def compose(told: Told, type: str, sender: Sender, client_id: str, notes: tuple[str, ...]) -> bytes:
    """The event's data as JSON."""
    said = _said(type, sender.platform, sender.domain, sender.source)
    if not client_id and told.original is None and not notes and not sender.keyless:
        return b"".join((b"{", *told.fields, said, b"}}"))
    end = (*_notes(notes), b',"keyless":true}' if sender.keyless else b"}")
    return b"".join((b"{", *told.fields, said, *_rest(told.original, client_id), b"}", *end))


def members(data: msgspec.Struct) -> tuple[bytes, ...]:
    """A struct's members without the braces around them, for `Told.fields`."""
    return (_encode(data)[1:-1],)


def _rest(original: bytes | None, client_id: str) -> tuple[bytes, ...]:
    numbered = (b',"id":', _encode(client_id)) if client_id else ()
    return numbered if original is None else (*numbered, b',"body":', original)


def _notes(notes: tuple[str, ...]) -> tuple[bytes, ...]:
    return (b',"notes":', _encode(notes)) if notes else ()


@lru_cache(maxsize=1024)
def _said(type: str, platform: str, domain: str, source: str) -> bytes:
    said = Said(type=type, platform=_kept(platform), domain=_kept(domain), source=_kept(source))
    return b',"said":' + _encode(said)[:-1]


def _kept(header: str) -> str:
    return header[:KEPT_OF_HEADERS].encode("utf-8", "replace").decode()
