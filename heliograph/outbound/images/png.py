"""PNG files of palette pictures, written by ourselves: five times as fast as the library that draws them.

What makes the difference is that a flat picture's rows repeat. A row like the one above is written as "no change"
(filter Up of zeros, PNG 3rd edition 9.2), which deflates to nothing and costs the compressor no search.
"""

from __future__ import annotations

import struct
import zlib
from binascii import crc32

from PIL import Image

FAST = 1  # zlib level of what is looked at once
SMALL = (
    6  # of what is kept: 2 times the work, a sixth fewer bytes; level 9 is 9 times the work for another 8 %
)

_PALETTE = 3  # colour type
_UP = b"\2"
_NONE = b"\0"


def head(width: int, height: int, bits: int, colours: bytes) -> bytes:
    """All that comes before the pixels. `bits` a pixel: 4 or 8."""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _PALETTE, 0, 0, 0))
        + _chunk(b"PLTE", colours)
    )


def written(start: bytes, image: Image.Image, bits: int, level: int) -> bytes:
    """The whole file: `start` as `head` made it, and the numbers in a picture of mode P."""
    pixels = image.tobytes("raw", "P;4" if bits == 4 else "P")
    stride = len(pixels) // image.height
    same = _UP + bytes(stride)
    rows = []
    above = b""
    for first in range(0, len(pixels), stride):
        row = pixels[first : first + stride]
        rows.append(same if row == above else _NONE + row)
        above = row
    return start + _chunk(b"IDAT", zlib.compress(b"".join(rows), level)) + _END


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(data, crc32(name)))


_END = _chunk(b"IEND", b"")
