"""The query of a pixel: which hook loaded it, and what the sender says of the copy of the mail (LIT-3, LIT-4, LIT-5). Pure.

What arrives was written by other systems: `&amp;` where `&` was meant, text that nobody coded for a URL, bytes that are
no UTF-8, merge tags that nobody filled in. An image client cannot be told about a mistake, so everything is read as far
as it can be.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from heliograph.hooks import KEYS, Hook
from heliograph.merge_tags import unfilled

TEXT_LIMIT = 2_048
"""Characters kept of each value: a URL of more is cut by mail clients."""

_CONTROLS = dict.fromkeys(range(0x20))


class Hit(NamedTuple):
    """What a query says."""

    hook: Hook = "open"
    custom_id: str = ""
    custom_type: str = ""
    custom_data: str = ""


OPEN = Hit()


def read(query: str) -> Hit:
    """The hit that a raw query string is. Only the first key may be bare: what comes later may be somebody's text."""
    if not query:
        return OPEN
    first, *rest = query.replace("&amp;", "&").split("&")
    name, _, value = first.partition("=")
    hook = KEYS.get(name) if not value else None
    said: dict[str, str] = {}
    for pair in rest if hook else (first, *rest):
        name, _, value = pair.partition("=")
        said.setdefault(name, value)
    return Hit(
        hook or "open",
        _text(said.get("i") or said.get("d", "")),
        _text(said.get("t", "")),
        _text(said.get("c", "")),
    )


def _text(value: str) -> str:
    """A value as it was meant. A plus is a plus: addresses have it, and no sender writes a blank so. A merge tag stays
    as it was written, for `%` in it codes nothing."""
    if "%" in value and not unfilled(value):
        raw = unquote_to_bytes(value)
        try:
            value = raw.decode()
        except UnicodeDecodeError:
            value = raw.decode("latin-1")
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode()  # a lone surrogate is no text
    return value.translate(_CONTROLS)[:TEXT_LIMIT]
