"""How many short messages a text is: what it costs, and what networks join again (3GPP TS 23.038 and 23.040).

Pure. A text whose every character is in the GSM 7 bit default alphabet or its extension table has 160 septets in one
short message; characters of the extension (`{`, `€` ...) count twice, because they are said with an escape. Any other
character makes the whole text UCS-2: 70 units of 16 bits, an emoji being two. Longer texts go in parts that begin with
a header of six octets, which leaves 153 septets or 67 units; neither an escape and its character nor the two units of
an emoji are torn apart, so a part may end early.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 section 6.2.1, without the escape itself."""
EXTENSION = frozenset("\f^{}\\[~]|€")
"""TS 23.038 section 6.2.1.1."""


class Count(NamedTuple):
    """`characters` as people count them (code points); `units` in the encoding: septets or 16 bits."""

    encoding: Literal["GSM-7", "UCS-2"]
    characters: int
    units: int
    segments: int


def count(text: str) -> Count:
    """How a text is encoded, and in how many parts; an empty one is one part, for something is sent."""
    if BASIC.issuperset(text) or (BASIC | EXTENSION).issuperset(text):
        widths = [2 if character in EXTENSION else 1 for character in text]
        return Count("GSM-7", len(text), sum(widths), _parts(widths, 160, 153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return Count("UCS-2", len(text), sum(widths), _parts(widths, 70, 67))


def _parts(widths: Iterable[int], alone: int, joined: int) -> int:
    widths = list(widths)
    if sum(widths) <= alone:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > joined:
            parts, used = parts + 1, 0
        used += width
    return parts
