"""Where in an author's text a place of the text made from it comes from.

What is rendered is not always what was written: MJML becomes HTML, styles are put into tags. A mistake is told with
the line and the column of what was written all the same. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple


class Insertion(NamedTuple):
    """A text that is put in at a place of another."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What was written, and pairs of places, in the order of the made text: from `made[i]` on, it goes on like the
    written text from `written[i]` on."""

    text: str
    made: Sequence[int] = (0,)
    written: Sequence[int] = (0,)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column, from 1, that a place of the made text comes from."""
        pair = max(bisect_right(self.made, offset) - 1, 0)
        return line_and_column(self.text, self.written[pair] + max(offset - self.made[pair], 0))


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and the column, from 1, of a place in a text."""
    starts = _line_starts(text)
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


@lru_cache(maxsize=4)
def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def insert(text: str, insertions: Sequence[Insertion], origin: Origin | None = None) -> tuple[str, Origin]:
    """The text with these put in, which are in order, and where its places come from. `origin`: where those of
    `text` itself come from; None: it is what was written."""
    origin = origin or Origin(text)
    pieces: list[str] = []
    made, written = [*origin.made], [*origin.written]
    position = shift = pair = 0
    pairs: list[tuple[int, int]] = []
    for at, new in [*insertions, Insertion(len(text), "")]:
        while pair < len(made) and made[pair] <= at:
            pairs.append((made[pair] + shift, written[pair]))
            pair += 1
        pieces += (text[position:at], new)
        position, shift = at, shift + len(new)
        if pairs and new:
            last_made, last_written = pairs[-1]
            pairs.append((at + shift, last_written + at + shift - len(new) - last_made))
    return "".join(pieces), Origin(origin.text, [one for one, _ in pairs], [two for _, two in pairs])
