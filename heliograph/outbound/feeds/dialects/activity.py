"""One activity item of MessageGears' feed, before it is put in a form: which it is, and its elements by name.

`activities` makes them from events; `activity_forms` writes them as XML or CSV.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from heliograph.bounces.undelivered import TEXTS

Item = Literal[
    "click",
    "open",
    "delivery",
    "bounce",
    "unsub",
    "complaint",
    "job_error",
    "render_error",
    "push_delivery",
    "push_bounce",
    "push_render_error",
    "sms_delivery",
    "sms_render_error",
    "sms_bounce",
    "sms_inbound",
    "context_hit",
    "context_miss",
    "inbound_email",
    "request",
]
"""The document's items in its order, then the two that only the schema has."""

Elements = tuple[tuple[str, "str | Elements"], ...]
"""Child elements in order: a name with its text, or with children of its own."""

SMS_CATEGORIES = tuple(TEXTS)
"""S1:L379-L391. The schema wants a `CategoryCode` with them and nobody publishes one: it is the place in this list."""


class Activity(NamedTuple):
    """One item: which, and its elements by the document's names. Empty texts stand for what is not known."""

    item: Item
    values: dict[str, str | Elements]


def escaped(text: str) -> str:
    """Text as it stands between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
