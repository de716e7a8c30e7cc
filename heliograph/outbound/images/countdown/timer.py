"""The way in: a style and the seconds that remain -> a GIF or a PNG.

The caller asks its clock, rounds down once (`deadline.remaining`), and gives whole seconds: so a deadline that many readers
share costs one assembly a second. Kits and GIFs are kept within bounds; setting up a style is what costs, so the API limits
how many are published.
"""

from __future__ import annotations

from heliograph.outbound.images.countdown.kit import StyleKit
from heliograph.outbound.images.countdown.notice import Notice, fallback, of_text, png
from heliograph.outbound.images.countdown.style import TimerStyle
from heliograph.outbound.images.kept import Kept

KIT_BYTES = 96_000_000  # some 450 styles of 600 by 140
GIF_BYTES = 32_000_000  # some 3,000 GIFs of 30 frames
FALLBACK_BYTES = 8_000_000

EXPIRED = -1
"""Seconds that remain when the deadline is over: any number below zero."""

_kits: Kept[TimerStyle, StyleKit] = Kept(KIT_BYTES, lambda kit: kit.weight)
_fallbacks: Kept[tuple[int, str], bytes] = Kept(FALLBACK_BYTES, len)
_gifs: Kept[tuple[int, int], bytes] = Kept(GIF_BYTES, len)


def gif(style: TimerStyle, remaining: int) -> bytes:
    """The timer from this many seconds on (PER-6): opaque, plays once, stays at the message after zero.

    Below zero one frame with the message, or zeros where the style has none. Errors: Undrawable.
    """
    kit = kit_of(style)
    key = (kit.number, max(remaining, EXPIRED))
    return _gifs.get(key) or _gifs.put(key, kit.gif(remaining))


def still(style: TimerStyle, remaining: int) -> bytes:
    """A PNG of the clock at this many seconds; below zero of what is shown then (PER-5). Errors: Undrawable."""
    kit = kit_of(style)
    return png(kit.expired.picture() if remaining < 0 and kit.expired else kit.picture(remaining))


def fallback_gif(style: TimerStyle, otherwise: str) -> bytes:
    """What prefetching readers get (PER-8): the fallback of the style, else this text (`deadline.in_words`)."""
    key = (kit_of(style).number, "" if style.has_fallback else otherwise)
    return _fallbacks.get(key) or _fallbacks.put(key, _fallback(style, otherwise).gif())


def fallback_still(style: TimerStyle, otherwise: str) -> bytes:
    """The same as a PNG."""
    return _fallback(style, otherwise).png()


def kit_of(style: TimerStyle) -> StyleKit:
    """The style made ready. Errors: Undrawable."""
    return _kits.get(style) or _kits.put(style, StyleKit(style))


def _fallback(style: TimerStyle, otherwise: str) -> Notice:
    return fallback(style) or of_text(style, otherwise)
