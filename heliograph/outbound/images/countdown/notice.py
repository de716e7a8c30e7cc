"""What stands in place of the clock: a message or a picture, after the end or where a clock would lie (PER-6, PER-8)."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL import Image

from heliograph.outbound.images.countdown import lzw
from heliograph.outbound.images.countdown.blocks import SECOND, TRAILER, control, descriptor, header
from heliograph.outbound.images.countdown.canvas import Canvas, Palette
from heliograph.outbound.images.countdown.pictures import backdrop, whole
from heliograph.outbound.images.countdown.style import TimerStyle
from heliograph.outbound.images.lettering.line import paragraph

TEXT = 0.24  # of the height: the size of a short message
ROOM = (0.88, 0.84)  # of width and height
SMOOTHING = 14


class Notice(NamedTuple):
    """A picture of palette indexes ("L") with the colours of its own."""

    indexes: Image.Image
    bits: int
    table: bytes

    def gif(self) -> bytes:
        """It alone, as a GIF of one frame."""
        start = header(self.indexes.size, self.bits, self.table) + control(SECOND)
        image = descriptor((0, 0), self.indexes.size) + lzw.data(self.indexes, self.bits)
        return start + image + TRAILER

    def image(self) -> bytes:
        """It as a later image of an animation, which brings its own colours."""
        placed = descriptor((0, 0), self.indexes.size, self.bits)
        return placed + self.table + lzw.data(self.indexes, self.bits)

    def picture(self) -> Image.Image:
        """It as a palette picture."""
        coloured = Image.frombytes("P", self.indexes.size, self.indexes.tobytes())
        coloured.putpalette(self.table)
        return coloured

    def png(self) -> bytes:
        """It as a PNG."""
        return png(self.picture())


def expired(style: TimerStyle) -> Notice | None:
    """What is shown after zero; None when nothing is: the clock then stays at zero."""
    if style.expired_picture is not None:
        return _of_picture(whole(style.expired_picture, style))
    return of_text(style, style.expired_text) if style.expired_text.strip() else None


def fallback(style: TimerStyle) -> Notice | None:
    """What is shown to readers who fetch pictures long before they are looked at; None when nothing was given."""
    if style.fallback_picture is not None:
        return _of_picture(whole(style.fallback_picture, style))
    return of_text(style, style.fallback_text) if style.fallback_text.strip() else None


def of_text(style: TimerStyle, text: str) -> Notice:
    """The text on the timer's background, in the font and the colour of its labels. Errors: Undrawable."""
    width, height = style.size
    room = (int(width * ROOM[0]), int(height * ROOM[1]))
    mask = paragraph(text.strip(), style.label_font or style.font, height * TEXT, room)
    palette = Palette()
    canvas = Canvas(style.size, palette, style.colours.background, backdrop(style))
    at = ((width - mask.width) // 2, (height - mask.height) // 2)
    canvas.paint(mask, at, style.colours.labels, between=SMOOTHING)
    return Notice(canvas.finished(), palette.bits, palette.table)


def png(picture: Image.Image) -> bytes:
    """A palette picture as a PNG with as few bits as its colours need."""
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


def _of_picture(picture: Image.Image) -> Notice:
    reduced = picture.quantize(256, Image.Quantize.MEDIANCUT)
    table = bytes(reduced.getpalette() or []).ljust(3 * 256, b"\0")
    return Notice(Image.frombytes("L", reduced.size, reduced.tobytes()), 8, table)
