"""Ten digits in cells of one size, so that nothing moves but what changes.

Not every family has digits of equal width (Montserrat, Lora, Poppins and Roboto Slab have not, and two of them no
tabular ones either): there each digit stands in the middle of a cell that is wide enough for all.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

from heliograph.outbound.images.lettering.families import FAMILIES
from heliograph.outbound.images.lettering.line import Line, line

DIGITS = "0123456789"
_MEASURED = 200  # pixels: large enough to round nothing off
_APART = 0.05  # sizes between digits that stand in the middle of their cells


class Proportions(NamedTuple):
    """A family's digits in sizes: the cell's width, and whether all move the pen equally."""

    width: float
    equal: bool


class Numerals(NamedTuple):
    """Coverage of the ten digits ("L"), all of one size; `rise` pixels of a cell stand above the baseline."""

    cells: tuple[Image.Image, ...]
    rise: int

    @property
    def width(self) -> int:
        """Pixels of a cell."""
        return self.cells[0].width

    @property
    def height(self) -> int:
        """Pixels of a cell."""
        return self.cells[0].height


def numerals(family: str, pixels: float, widest: float) -> Numerals:
    """The digits at this size in pixels, or smaller, so that a cell is no wider than `widest` pixels."""
    shape = proportions(family)
    pixels = min(pixels, math.floor(4 * widest / shape.width) / 4)
    lines = [line(digit, family, pixels) for digit in DIGITS]
    inks = [_ink(drawn) for drawn in lines]
    top, bottom = min(box[1] for box in inks), max(box[3] for box in inks)
    width = math.ceil(shape.width * pixels)
    cells = []
    for drawn, ink in zip(lines, inks, strict=True):
        cell = Image.new("L", (width, bottom - top))
        start = (
            round((width - drawn.advance) / 2) - drawn.left
            if shape.equal
            else round((width - ink[2] + ink[0]) / 2) - ink[0]
        )
        cell.paste(drawn.mask, (start, -top))
        cells.append(cell)
    return Numerals(tuple(cells), lines[0].ascent - top)


@lru_cache(maxsize=len(FAMILIES))
def proportions(family: str) -> Proportions:
    """How wide a cell has to be for this family's digits."""
    lines = [line(digit, family, _MEASURED) for digit in DIGITS]
    advances = [drawn.advance for drawn in lines]
    if max(advances) - min(advances) < 1:
        return Proportions(max(advances) / _MEASURED, equal=True)
    widest = max(right - left for left, _, right, _ in map(_ink, lines))
    return Proportions(widest / _MEASURED + _APART, equal=False)


def _ink(drawn: Line) -> tuple[int, int, int, int]:
    box = drawn.mask.getbbox()
    assert box  # noqa: S101 - every family has digits
    return box
