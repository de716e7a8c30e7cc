"""Painting in a palette: masks become ramps of colours, and what is drawn are indexes, ready for a GIF.

On a plain background every pixel is an index from the start, which is why a style is set up in milliseconds. On a picture the
painting is done in full colour and reduced at the end. Colours that are added first get the lowest indexes; the
moving parts come first, because a part's code size follows from its highest index.
"""

from __future__ import annotations

from PIL import Image

from heliograph.outbound.images.countdown.style import Colour, mixed

MOST_COLOURS = 256
PICTURE_COLOURS = 160  # of a background picture; it leaves room for the ramps

Ramp = list[int]
"""The palette index for each coverage, 0 to 255."""


class Palette:
    """Colours by index, each once."""

    def __init__(self) -> None:
        self.colours: list[Colour] = []
        self._places: dict[Colour, int] = {}

    def index(self, colour: Colour) -> int:
        """The colour's index; it is added when it is new."""
        if colour not in self._places:
            self._places[colour] = len(self.colours)
            self.colours.append(colour)
        return self._places[colour]

    def ramp(self, under: Colour, ink: Colour, between: int) -> Ramp:
        """From bare ground to full ink with this many colours between them, which smooth the edges."""
        steps = [self.index(mixed(under, ink, step / (between + 1))) for step in range(between + 2)]
        return [steps[round(coverage * (between + 1) / 255)] for coverage in range(256)]

    @property
    def bits(self) -> int:
        """Bits of an index; GIF knows no fewer than two."""
        return max(2, (len(self.colours) - 1).bit_length())

    @property
    def table(self) -> bytes:
        """The colour table, filled up to its power of two."""
        return b"".join(map(bytes, self.colours)).ljust(3 << self.bits, b"\0")


class Canvas:
    """A picture in the making. `backdrop`: a picture ("RGB") of the canvas's size in place of the plain background."""

    def __init__(
        self, size: tuple[int, int], palette: Palette, background: Colour, backdrop: Image.Image | None = None
    ) -> None:
        self.palette = palette
        self.background = background
        self._picture = backdrop.copy() if backdrop else None
        self._indexes = Image.new("L", size, palette.index(background))
        self._solid: list[tuple[Image.Image, tuple[int, int], int]] = []

    def paint(
        self,
        mask: Image.Image,
        at: tuple[int, int],
        ink: Colour,
        *,
        under: Colour | None = None,
        between: int = 6,
    ) -> None:
        """Ink where the mask is, its edges smoothed against the colour that lies under it everywhere."""
        if self._picture:
            self._picture.paste(ink, at, mask)
            self._solid.append((mask.point(_ONLY_FULL), at, self.palette.index(ink)))
        else:
            ramp = self.palette.ramp(self.background if under is None else under, ink, between)
            box = mask.getbbox()
            if box:
                self._indexes.paste(mask.crop(box).point(ramp), (at[0] + box[0], at[1] + box[1]))

    def finished(self) -> Image.Image:
        """The picture as indexes ("L")."""
        if self._picture:
            reduced = self._picture.quantize(
                PICTURE_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
            )
            table = reduced.getpalette() or []
            places = [
                self.palette.index((table[3 * entry], table[3 * entry + 1], table[3 * entry + 2]))
                for entry in range(len(table) // 3)
            ]
            self._indexes = Image.frombytes("L", reduced.size, reduced.tobytes()).point(
                places + [0] * (256 - len(places))
            )
            for mask, at, index in self._solid:  # exactly these colours, for moving parts are laid on them
                self._indexes.paste(index, at, mask)
        return self._indexes


_ONLY_FULL = [0] * 255 + [255]
