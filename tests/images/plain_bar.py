"""The straight bar drawn the slow way: everything anew for each value, each pixel by itself, no cut, no cache.

What a bar looks like is said here a second time, so that what makes the first one fast can be held against it.
"""

from __future__ import annotations

from PIL import Image, ImageDraw

from heliograph.outbound.images.bars import BarStyle, Progress
from heliograph.outbound.images.bars.linear import EDGE_STEPS, TEXT_STEPS, LinearBar
from heliograph.outbound.images.bars.numerals import Numerals
from heliograph.outbound.images.bars.progress import written
from heliograph.outbound.images.palette import Rgb, readable, rgb

FINER = 4


def plain(style: BarStyle, progress: Progress, box: tuple[int, int, int, int], pixels: int) -> Image.Image:
    """The picture in RGB. `box`: where the bar stands; `pixels`: the size of its text."""
    ground, fill, track = rgb(style.background), rgb(style.progress_fill), rgb(style.progress_background)
    size = (style.width * style.scale, style.height * style.scale)
    left, top, right, bottom = box
    width = right - left
    if progress.current in (progress.minimum, progress.maximum):
        cut = width if progress.current == progress.maximum else 0
    else:
        cut = min(max(round(progress.share * width), 1), width - 1)
    border = style.border * style.scale
    around = rgb(style.border_color) if border else ground
    radius = (bottom - top + 1) // 2 if style.rounded else 0
    outer = _pill(
        size, (left - border, top - border, right + border, bottom + border), radius and radius + border
    )
    room = _pill(size, box, radius)
    filled = _pill(size, (left + cut - width, top, left + cut, bottom), radius) if cut else None
    steps = LinearBar(style).palette.steps
    picture = Image.new("RGB", size)
    for y in range(size[1]):
        for x in range(size[0]):
            colour = ground
            if border:
                colour = _step(ground, around, outer.getpixel((x, y)), min(EDGE_STEPS, steps))
            inside = room.getpixel((x, y))
            if inside:
                covered = filled.getpixel((x, y)) if filled and left <= x < left + cut else 0
                colour = _bar(around, track, fill, inside, covered, min(EDGE_STEPS, steps))
            picture.putpixel((x, y), colour)
    if style.value != "none":
        _write(picture, style, written(progress, style), box, cut, pixels, min(TEXT_STEPS, steps))
    return picture


def _bar(around: Rgb, track: Rgb, fill: Rgb, inside: int, covered: int, steps: int) -> Rgb:
    if inside == 255:
        return _step(track, fill, covered, steps)
    return _step(around, fill if covered and 2 * covered >= inside else track, inside, steps)


def _write(
    picture: Image.Image,
    style: BarStyle,
    text: tuple[str, str],
    box: tuple[int, int, int, int],
    cut: int,
    pixels: int,
    steps: int,
) -> None:
    left, top, right, bottom = box
    above = 0 < style.thickness < 18
    blank = bytes(256)
    numerals = Numerals(style.font, pixels, (blank, blank), style.before)
    places, wide = numerals.placed(*text)
    middle = top // 2 if above else (top + bottom) // 2
    x0, y0 = (2 * ((left + right) // 2) - wide) // 2, (2 * middle - numerals.height) // 2
    wanted = rgb(style.progress_value)
    for piece, at in places:
        for y in range(piece.mask.height):
            for x in range(piece.mask.width):
                ink = piece.mask.getpixel((x, y))
                column = x0 + at + x
                if above:
                    on, colour = rgb(style.background), wanted
                else:
                    on = rgb(style.progress_fill if column < left + cut else style.progress_background)
                    colour = readable(on, wanted)
                if ink:
                    picture.putpixel((column, y0 + piece.y + y), _step(on, colour, ink, steps))


def _pill(size: tuple[int, int], box: tuple[int, int, int, int], radius: int) -> Image.Image:
    mask = Image.new("L", (size[0] * FINER, size[1] * FINER))
    left, top, right, bottom = (edge * FINER for edge in box)
    ImageDraw.Draw(mask).rounded_rectangle((left, top, right - 1, bottom - 1), radius * FINER, fill=255)
    return mask.reduce(FINER)


def _step(low: Rgb, high: Rgb, coverage: int, steps: int) -> Rgb:
    share = (coverage * (steps + 1) + 127) // 255 / (steps + 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue
