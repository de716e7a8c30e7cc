"""How folds read an event: when it counts, whose address it names, and the JSON that its sender sent.

Pure functions over one event, used by every fold; what they find goes into the fold's tables.
"""

from __future__ import annotations

from typing import Any

import msgspec

from heliograph.events.commerce import instant
from heliograph.events.event import AnyEvent
from heliograph.events.people import Scalar, text_id

KEY_LIMIT = 500
"""Characters of an id or address that can be looked up; what is longer is nobody's real id."""

DOCUMENT_LIMIT = 65_536
"""Characters of a document that grows by what is said of it."""


def happened(event: AnyEvent) -> int:
    """When the event counts, in microseconds. A sender's clock may run ahead (RM-7); what it says of the
    future must not beat everything that is said until then."""
    return min(event.at, event.recorded)


def stated(value: Scalar, event: AnyEvent) -> int | None:
    """A sender's date in microseconds, never later than the event was recorded."""
    at = instant(value)
    return None if at is None else min(at, event.recorded)


def key_of(value: Scalar) -> str | None:
    """A sender's id as a key; None where there is none."""
    text = text_id(value)
    return text if text is not None and len(text) <= KEY_LIMIT else None


def sent(event: AnyEvent) -> bytes:
    """The JSON object that the sender sent, byte for byte where it was read from a journal."""
    inner = event.data.inner
    if inner is None:
        return b"{}"
    if not event.raw:
        return msgspec.json.encode(getattr(event.data, inner))
    return bytes(_INNER[inner].decode(event.raw).inner)


def sent_customer(event: AnyEvent) -> bytes:
    """The customer that an order or cart was sent with, unknown fields and all."""
    inner = event.data.inner or ""
    if not event.raw:
        return msgspec.json.encode(getattr(event.data, inner).customer)
    return bytes(_CUSTOMER[inner].decode(event.raw).inner.customer)


def overlaid(old: str, said: dict[str, Any], *, fresh: bool = True) -> dict[str, Any]:
    """A document with what is said of it now; null says nothing. What is not fresh fills gaps only. Who keeps
    sending new names gets the last ones remembered (`DOCUMENT_LIMIT`)."""
    new = {name: value for name, value in said.items() if value is not None}
    if len(old) > DOCUMENT_LIMIT:
        return new
    known: dict[str, Any] = msgspec.json.decode(old)
    return known | (new if fresh else {name: value for name, value in new.items() if name not in known})


class _Buyer(msgspec.Struct):
    customer: msgspec.Raw = msgspec.Raw(b"null")


def _decoder(name: str, kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct("Inner", [("inner", kind, msgspec.field(name=name))]))


_INNER = {name: _decoder(name, msgspec.Raw) for name in ("person", "order", "cart", "product")}
_CUSTOMER = {name: _decoder(name, _Buyer) for name in ("order", "cart")}
