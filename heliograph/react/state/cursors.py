"""Cursors of lists that begin with the newest, as `next` and `after` carry them: an instant and an id, `1700000000000000.0190a1b2-...`."""

from __future__ import annotations

from typing import NamedTuple

from heliograph.errors import BadRequest

DIGITS = 18


class Cursor(NamedTuple):
    """What happened before this instant (microseconds), or at it under a smaller id."""

    at: int
    id: str


def read(after: str) -> Cursor | None:
    """The cursor that a page gave; None for an empty one. Raises `BadRequest`."""
    if not after:
        return None
    at, _, known = after.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) <= DIGITS):
        raise BadRequest("This is no cursor that a page gave.", field="after")
    return Cursor(int(at), known)


def written(cursor: tuple[int, str] | None) -> str | None:
    """What a page gives as its `next`."""
    return None if cursor is None else f"{cursor[0]}.{cursor[1]}"
