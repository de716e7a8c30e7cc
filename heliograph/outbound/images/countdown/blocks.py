"""The blocks of a GIF around its compressed data (GIF89a specification; sections in brackets)."""

from __future__ import annotations

import struct

SECOND = 100  # hundredths: the unit of delays
TRAILER = b";"
_KEEP = 1 << 2  # disposal method 1: leave in place


def header(size: tuple[int, int], bits: int, table: bytes) -> bytes:
    """Signature, logical screen and global colour table (17 to 19)."""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0xF0 | bits - 1, 0, 0) + table


def control(delay: int) -> bytes:
    """Graphic control extension: a delay in hundredths of a second, the picture left in place (23)."""
    return struct.pack("<BBBBHBB", 0x21, 0xF9, 4, _KEEP, delay, 0, 0)


def descriptor(at: tuple[int, int], size: tuple[int, int], table_bits: int = 0) -> bytes:
    """Image descriptor; `table_bits` when a local colour table follows (20)."""
    return struct.pack("<BHHHHB", 0x2C, *at, *size, 0x80 | table_bits - 1 if table_bits else 0)
