"""Masks and pictures of numbered colours, and how one is laid over another.

A mask ("L") says how much of each pixel a shape covers; it is drawn larger and made smaller, which is what rounds its
edges. A picture ("P") has a colour's number in each pixel, so that blending is a look-up and never arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw

FINENESS = 4  # times in each direction that masks are drawn larger: 16 grades of coverage

_ANY = bytes([0]) + bytes([255]) * 255
_WHOLE = bytes(255) + bytes([255])
_NOTHING = bytes([255]) + bytes(255)


def mask(size: tuple[int, int], draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Image.Image:
    """What `draw` draws in white on black, given the canvas and how many times larger it is."""
    large = Image.new("L", (size[0] * FINENESS, size[1] * FINENESS))
    draw(ImageDraw.Draw(large), FINENESS)
    return large.reduce(FINENESS)


def pill(size: tuple[int, int], radius: float) -> Image.Image:
    """The mask of a rectangle that fills its canvas and has round corners."""

    def draw(canvas: ImageDraw.ImageDraw, times: int) -> None:
        box = (0, 0, size[0] * times - 1, size[1] * times - 1)
        canvas.rounded_rectangle(box, radius * times, fill=255)

    return mask(size, draw)


def coloured(coverage: Image.Image, lut: bytes) -> Image.Image:
    """A mask as a picture: each coverage with its number. (`Image.point` spends ten times as long on its table.)"""
    return Image.frombytes("P", coverage.size, coverage.tobytes().translate(lut))


def ink(coverage: Image.Image) -> Image.Image:
    """Where a mask covers anything at all: what is laid over something else with it hides nothing around it."""
    return Image.frombytes("L", coverage.size, coverage.tobytes().translate(_ANY))


def filled(
    empty: Image.Image, full: Image.Image, room: Image.Image, fill: Image.Image, lut: bytes
) -> Image.Image:
    """A room that is partly filled, from pictures of it empty and full, and the masks of the room and of the fill.

    `lut`: from the empty room's colour to the fill's. On the room's own edge, where what is around it shines
    through as a third colour, a pixel is the empty room's or the full one's, whichever it is more of.
    """
    picture = empty.copy()
    inside = room.point(_WHOLE)
    picture.paste(coloured(fill, lut), (0, 0), inside)
    mostly = ImageChops.subtract(room, ImageChops.add(fill, fill)).point(_NOTHING)
    edge = ImageChops.multiply(ImageChops.invert(inside), ImageChops.multiply(mostly, ink(fill)))
    picture.paste(full, (0, 0), edge)
    return picture
