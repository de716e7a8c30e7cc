"""Headers that operators add to mail: which names they may use, and that a value stays one header.

A list of what is allowed, not of what is not: a second From or Content-Type, a Bcc, a List-Unsubscribe of another kind
would undo what we promise of every mail. Everything of one's own begins with `X-`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

VALUE_LIMIT = 1000
"""Characters of one header's value."""
COUNT_LIMIT = 20
"""Headers that a template may add."""

ALLOWED = frozenset(
    (
        "archived-at",
        "auto-submitted",
        "comments",
        "content-language",
        "bimi-selector",
        "importance",
        "in-reply-to",
        "keywords",
        "list-archive",
        "list-help",
        "list-owner",
        "list-post",
        "list-subscribe",
        "organization",
        "precedence",
        "priority",
        "references",
        "reply-by",
        "sensitivity",
    )
)
_OWN = re.compile(r"x-[a-z0-9_-]{1,60}")
_RESERVED = "x-heliograph-"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def header_value(name: str, value: object) -> str:
    """The value, if this header may be added with it. Raises `ValueError` in words for who wrote it."""
    lower = name.lower()
    if lower.startswith(_RESERVED) or not (lower in ALLOWED or _OWN.fullmatch(lower)):
        raise ValueError(f"the header {name!r} cannot be set: take one that begins with X-, or a known one")
    if not isinstance(value, str) or not value.strip() or len(value) > VALUE_LIMIT or _CONTROLS.search(value):
        raise ValueError(f"the header {name} needs one line of text, of {VALUE_LIMIT} characters at most")
    return value.strip()


def added_headers(said: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """A template's own headers. Raises `ValueError` where one is not allowed."""
    if len(said) > COUNT_LIMIT:
        raise ValueError(f"a template may add {COUNT_LIMIT} headers at most")
    return tuple((name, header_value(name, value)) for name, value in said.items())
