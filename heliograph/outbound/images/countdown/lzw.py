"""GIF's compressed data: pictures of indexes -> LZW streams, and streams joined bit by bit into one.

Pillow's encoder does the compression (through `tobytes`: `save` would always take 8-bit codes). A stream may hold a Clear
code anywhere (GIF89a, appendix F), so that bands of one picture can be encoded apart, kept, and joined later: the
End of Information of one becomes the Clear of the next.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

WIDEST = 12  # bits of a code
_BLOCK = 255  # bytes of a data sub-block


class Bits(NamedTuple):
    """A piece of a stream: `length` bits of `value`, the first in the lowest place."""

    value: int
    length: int


def data(indexes: Image.Image, size: int) -> bytes:
    """A whole picture ("L", each pixel a palette index below 2**size) as table-based image data of minimum code size
    `size` (2 to 8)."""
    return bytes((size,)) + bytes(indexes.tobytes("gif", "L", size, 0)) + b"\0"


def band(indexes: Image.Image, size: int) -> Bits:
    """Rows of a picture as a piece: without the Clear at its beginning, with a Clear at its end."""
    value, end, width = _stream(indexes, size)
    return Bits((value ^ 1 << end) >> size + 1, end + width - (size + 1))  # End of Information = Clear + 1


def last_band(indexes: Image.Image, size: int) -> Bits:
    """The last rows of a picture as a piece: without the Clear at its beginning, with the end."""
    value, end, width = _stream(indexes, size)
    return Bits(value >> size + 1, end + width - (size + 1))


def joined(size: int, above: Bits, middle: Bits, below: Bits) -> bytes:
    """Three pieces as table-based image data."""
    at = size + 1
    value = 1 << size | above.value << at  # a stream begins with a Clear
    at += above.length
    value |= middle.value << at
    at += middle.length
    stream = (value | below.value << at).to_bytes((at + below.length + 7) // 8, "little")
    pieces = [bytes((size,))]
    for first in range(0, len(stream), _BLOCK):
        block = stream[first : first + _BLOCK]
        pieces += (_LENGTHS[len(block)], block)
    pieces.append(b"\0")
    return b"".join(pieces)


_LENGTHS = [bytes((length,)) for length in range(_BLOCK + 1)]


def _stream(indexes: Image.Image, size: int) -> tuple[int, int, int]:
    """The stream as a number, the place of its End of Information, and the width that a reader gives that code.

    Pillow writes that last code one bit short where the width grows just there, so it is counted, not measured.
    """
    blocks = indexes.tobytes("gif", "L", size, 0)
    pieces, at = [], 0
    while at < len(blocks):
        length = blocks[at]
        pieces.append(blocks[at + 1 : at + 1 + length])
        at += length + 1
    value = int.from_bytes(b"".join(pieces), "little")
    end = value.bit_length() - 1 - size  # the last code is 1 << size | 1: its highest bit is the stream's
    growth, widths, whole = _growth(size)
    place = end
    while place > whole:  # a full table is cleared, by a code of the greatest width
        place -= whole + WIDEST - (size + 1)
    return value, end, widths[bisect_right(growth, place)]


@lru_cache(maxsize=8)
def _growth(size: int) -> tuple[list[int], list[int], int]:
    """Where, in bits from a first Clear on, a reader's codes grow wider; the widths; and where its table is full.

    The table gains an entry with every code but the first (GIF89a, appendix F).
    """
    width = size + 1
    at = 2 * width  # the Clear and the first code
    entries = (1 << size) + 2
    places, widths = [], [width]
    while entries < 1 << WIDEST:
        at += width
        entries += 1
        if entries == 1 << width and width < WIDEST:
            width += 1
            places.append(at)
            widths.append(width)
    return places, widths, at
