"""Uploaded pictures: decoded within limits, and fitted to a timer."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from heliograph.errors import Undrawable
from heliograph.outbound.images.countdown.style import Colour, TimerStyle, rgb

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS = 16_000_000  # of an uploaded picture, told by its header before anything is decoded


def decoded(data: bytes, background: Colour) -> Image.Image:
    """The (first) picture in full colour, upright, on a ground of this colour. Errors: Undrawable."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Undrawable(f"The picture has more than {MOST_PIXELS} pixels.")
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Undrawable(f"The picture cannot be read as one of {', '.join(FORMATS)}.") from error
    ground = Image.new("RGB", picture.size, background)
    ground.paste(picture, mask=picture)
    return ground


def backdrop(style: TimerStyle) -> Image.Image | None:
    """The style's background picture, covering all of the timer; None when it has none."""
    if style.background_picture is None:
        return None
    return ImageOps.fit(decoded(style.background_picture, rgb(style.background)), style.size)


def whole(data: bytes, style: TimerStyle) -> Image.Image:
    """A picture in place of the clock: as large as fits, centred on the background."""
    background = rgb(style.background)
    return ImageOps.pad(decoded(data, background), style.size, color=background)
