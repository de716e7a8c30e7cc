"""A picture that may be served, or why there is none: the values that all of `sources` speaks in.

The limits are here because each is enforced in more than one place: what is fetched, what is decoded, what is drawn.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SOURCE_BYTES = 5 * 1024 * 1024  # bytes of one source: Gmail's proxy shows nothing larger either
PIXELS = 16_000_000  # of one frame: 4000x4000, 64 MB decoded
SIDE = 8_192  # pixels of width or height
ANIMATION_PIXELS = 120_000_000  # of all frames together: 600x400, 500 frames
FRAMES = 1_000

PictureType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]


class Picture(msgspec.Struct, frozen=True, tag=True, tag_field="verdict"):
    """Bytes that were decoded once and are what `type` says. `width`, `height` in pixels."""

    type: PictureType
    width: int
    height: int
    body: bytes


class Unusable(msgspec.Struct, frozen=True, tag=True, tag_field="verdict"):
    """There is no picture, and why: a sentence's end for the operator ("the picture's source ...")."""

    reason: str


def oversized(width: float, height: float) -> Unusable | None:
    """Why a picture of this size is not decoded; None when it is."""
    if width < 1 or height < 1:
        return Unusable("has no area")
    if max(width, height) > SIDE or width * height > PIXELS:
        return Unusable(
            f"is {width:.0f} by {height:.0f} pixels; the most is {SIDE} a side and {PIXELS // 1_000_000} megapixels"
        )
    return None
