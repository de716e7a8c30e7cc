"""The text of a value, put together from pieces that are ready in their colours.

Shaping and colouring a new line for each value would cost more than all the rest of the picture. So every figure is a
piece that stands on a whole pixel, and so is what is written before and after them, which hardly ever changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from heliograph.outbound.images import layers
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.lettering.line import line

FIGURES = "0123456789-,."
TAILS = 32  # texts after the figures that are kept: one for each maximum that is written out


class Sprite(NamedTuple):
    """A piece in one colour on one ground, and where it has ink."""

    picture: Image.Image
    ink: Image.Image


class Piece(NamedTuple):
    """Ink that is written at once. `x` from the pen and `y` from the line's top to its box, `advance` of the pen and
    `blank` before it, all in pixels; `left` and `right`: what it looks like on either side of the cut."""

    mask: Image.Image
    x: int
    y: int
    advance: float
    blank: float
    left: Sprite
    right: Sprite


class Numerals:
    """The figures of one font and size. `luts`: the numbers of their colours left and right of the cut; `height`: of
    a line, in pixels; `before`: what is written first, always."""

    def __init__(self, font: str, pixels: int, luts: tuple[bytes, bytes], before: str = "") -> None:
        self._font, self._pixels, self._luts = font, pixels, luts
        figures = line(FIGURES + before.strip(), font, pixels)
        self._ascent = figures.ascent
        self.height = figures.ascent + figures.descent
        self._blank = line("0 0", font, pixels).advance - line("00", font, pixels).advance
        self._figures = {character: self._piece(character) for character in FIGURES}
        self._before = self._piece(before)
        self._after_before = (len(before) - len(before.rstrip())) * self._blank
        self._tails: Kept[str, Piece] = Kept(TAILS, lambda piece: 1)

    def placed(self, figures: str, tail: str) -> tuple[Sequence[tuple[Piece, int]], int]:
        """The pieces of a text and how far right of its beginning their boxes are; and how wide it is."""
        pen = self._before.advance + self._after_before
        placed = [(self._before, self._before.x)] if pen else []
        for character in figures:
            piece = self._figures[character]
            placed.append((piece, round(pen) + piece.x))
            pen += piece.advance
        if tail:
            piece = self._tails.get(tail) or self._tails.put(tail, self._piece(tail))
            placed.append((piece, round(pen + piece.blank) + piece.x))
            pen += piece.blank + piece.advance
        return placed, round(pen)

    def write(self, picture: Image.Image, text: tuple[str, str], centre: tuple[int, int], cut: int) -> None:
        """Write figures and what follows them around this point. `cut`: the first column of the right colour."""
        pieces, width = self.placed(*text)
        left, top = (2 * centre[0] - width) // 2, (2 * centre[1] - self.height) // 2
        cut -= left
        for piece, x in pieces:
            at = (left + x, top + piece.y)
            sprite = piece.left if x < cut else piece.right
            picture.paste(sprite.picture, at, sprite.ink)
            if x < cut < x + piece.mask.width:
                rest = (cut - x, 0, *piece.mask.size)
                picture.paste(piece.right.picture.crop(rest), (left + cut, at[1]), piece.right.ink.crop(rest))

    def _piece(self, text: str) -> Piece:
        drawn = line(text.strip(), self._font, self._pixels)
        box = drawn.mask.getbbox() or (0, 0, 1, 1)
        mask = drawn.mask.crop(box)
        blank = (len(text) - len(text.lstrip())) * self._blank
        ink = layers.ink(mask)
        left, right = (Sprite(layers.coloured(mask, lut), ink) for lut in self._luts)
        return Piece(
            mask, box[0] - drawn.left, box[1] + self._ascent - drawn.ascent, drawn.advance, blank, left, right
        )
