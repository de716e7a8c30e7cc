"""Where things stand on a timer: pure geometry from a style.

Everything is measured in steps of `k`, the size at which 150 by 140 pixels for each unit just fit the picture; what is left
over stays free on all sides.
"""

from __future__ import annotations

from typing import NamedTuple

from heliograph.outbound.images.countdown.numerals import Numerals, numerals
from heliograph.outbound.images.countdown.style import TimerStyle
from heliograph.outbound.images.lettering.line import SMALLEST_PIXELS, Line, fitted, line

FIELD = 150  # steps for each unit
TALL = 140
TALL_UNLABELLED = 112
LABEL_SPACING = 0.08  # sizes between letters


class Box(NamedTuple):
    """Left, top, width and height in pixels."""

    x: int
    y: int
    width: int
    height: int


class Measures(NamedTuple):
    """A template's own measures, in steps."""

    box: tuple[float, float]
    gap: float
    digits: float  # size
    padding: float  # on each side of three digits
    label: float  # size
    label_below: float  # from the box's bottom (a ring's middle) to the label's baseline


MEASURES = {
    "plain": Measures((134, 60), 16, 76, 6, 13, 27),
    "cards": Measures((128, 86), 16, 60, 8, 13, 25),
    "flip": Measures((128, 88), 16, 64, 8, 13, 25),
    "ring": Measures((122, 122), 28, 41, 18, 10.5, 28),
}


class Layout(NamedTuple):
    """A box for each unit, the digits' cells and where their tops are, and the labels."""

    k: float
    boxes: tuple[Box, ...]
    numerals: Numerals
    digits_top: int
    labels: tuple[Line, ...]
    label_baseline: int

    def cell_x(self, unit: int, digit: int, digits: int = 2) -> int:
        """The left edge of a digit's cell, of so many, in the middle of its unit's box."""
        box = self.boxes[unit]
        return box.x + (box.width - digits * self.numerals.width) // 2 + digit * self.numerals.width

    def label_at(self, unit: int) -> tuple[int, int]:
        """Where a label's mask is painted: in the middle under its digits."""
        box, label = self.boxes[unit], self.labels[unit]
        return box.x + (box.width - label.width) // 2, self.label_baseline - label.ascent


def laid_out(style: TimerStyle) -> Layout:
    """Errors: Undrawable when there is no room for a label, or no font for it."""
    width, height = style.size
    measures = MEASURES[style.template]
    labelled = style.labels is not None
    inside = style.template == "ring"  # the label is in the ring, and takes no room below it
    tall = TALL if labelled or inside else TALL_UNLABELLED
    k = min(width / (FIELD * len(style.units)), height / tall)
    box_width, box_height, gap = (round(k * measure) for measure in (*measures.box, measures.gap))
    digits = numerals(style.font, measures.digits * k, (box_width - 2 * measures.padding * k) / 3)
    block = box_height + (0 if inside or not labelled else round(measures.label_below * k))
    top = (height - block) // 2
    left = (width - len(style.units) * (box_width + gap) + gap) // 2
    boxes = tuple(
        Box(left + place * (box_width + gap), top, box_width, box_height) for place in range(len(style.units))
    )
    below = measures.label_below * k
    if inside and labelled:
        digits_top = top + box_height // 2 - round(digits.height * 0.64)
        baseline = top + box_height // 2 + round(below)
    else:
        digits_top = top + (box_height - digits.height) // 2
        baseline = top + box_height + round(below)
    room = round(box_width * (0.62 if inside else 1))
    return Layout(k, boxes, digits, digits_top, _labels(style, measures.label * k, room), baseline)


def _labels(style: TimerStyle, pixels: float, room: int) -> tuple[Line, ...]:
    """All labels at one size: the largest at which the longest fits."""
    family = style.label_font or style.font
    texts = style.labels or ()
    fits = [fitted(text, family, max(pixels, SMALLEST_PIXELS), room, spacing=LABEL_SPACING) for text in texts]
    smallest = min((label.pixels for label in fits), default=pixels)
    return tuple(line(text, family, smallest, spacing=LABEL_SPACING) for text in texts)
