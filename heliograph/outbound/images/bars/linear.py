"""The straight bar: ready pictures of it empty and full, and a picture is cut together from the two.

    empty, to the right | an edge between | full, to the left | the value, in one colour on each side of the cut

Nothing is drawn for a value but its figures. The edge is the end of a full bar, pushed to where the bar is filled
to; away from the bar's own ends it is always the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from heliograph.outbound.images import layers
from heliograph.outbound.images.bars.ends import SIZE, STEPS, ends, ramps
from heliograph.outbound.images.bars.numerals import Numerals
from heliograph.outbound.images.bars.progress import Progress, written
from heliograph.outbound.images.bars.style import BarStyle
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.palette import Palette, Ramp, readable, rgb

TEXT_STEPS, EDGE_STEPS = 3, 2  # colours between two, for letters and for round corners
INSIDE = 18  # CSS pixels: in a thinner bar nobody can read the value, so it stands above
KEPT_RANGES = 4  # minimum-maximum pairs whose empty bars are kept: nearly always there is one


class LinearBar:
    """All that is ready for one style."""

    def __init__(self, style: BarStyle) -> None:
        self.style = style
        scale = style.scale
        self.size = (style.width * scale, style.height * scale)
        self._above = style.value != "none" and 0 < style.thickness < INSIDE
        self._box = _box(style, self._above)
        self.palette = Palette(_ramps(style, above=self._above))
        self._pixels = _text_size(style, self._box)
        self._text = None if style.value == "none" else self._numerals()
        self._shape()
        self._ranges: Kept[tuple[float, float], Image.Image] = Kept(KEPT_RANGES, lambda picture: 1)
        self._edges: dict[int, Image.Image] = {}

    def picture(self, progress: Progress) -> Image.Image:
        """The numbered colours of one value."""
        picture = self._range(progress).copy()
        left, top, right, bottom = self._box
        cut = _cut(progress, right - left)
        self._fill(picture, cut, left, top)
        if self._text:
            middle = top // 2 if self._above else (top + bottom) // 2
            self._text.write(
                picture, written(progress, self.style), ((left + right) // 2, middle), left + cut
            )
        return picture

    def _fill(self, picture: Image.Image, cut: int, left: int, top: int) -> None:
        start = max(0, cut - self._radius)
        if start:
            picture.paste(self._full.crop((0, 0, start, self._full.height)), (left, top))
        if cut > start:
            picture.paste(self._edge(cut, start), (left + start, top))

    def _edge(self, cut: int, start: int) -> Image.Image:
        """The columns in which the filled part ends, from `start` to `cut`."""
        width = self._full.width
        middle = 2 * self._radius <= cut <= width - self._radius
        found = self._edges.get(0 if middle else cut)
        if found is None:
            here = (start, 0, cut, self._full.height)
            end = self._room.crop((start + width - cut, 0, width, self._full.height))
            found = layers.filled(
                self._empty.crop(here), self._full.crop(here), self._room.crop(here), end, self._over_track
            )
            self._edges[0 if middle else cut] = found  # at most three radii of them
        return found

    def _range(self, progress: Progress) -> Image.Image:
        """The empty bar with its minimum and maximum written below."""
        if not self.style.ends:
            return self._bare
        range_ = progress[:2]
        return self._ranges.get(range_) or self._ranges.put(range_, self._with_ends(progress))

    def _with_ends(self, progress: Progress) -> Image.Image:
        style, picture = self.style, self._bare.copy()
        bottom = self._box[3] + 4 * style.scale
        inset = min(self._radius // 2, 6 * style.scale)
        for line, color, side in ends(style, progress, self.size[0] // 2 - 4 * style.scale):
            lut = self.palette.lut(rgb(style.background), rgb(color), STEPS)
            x = inset if side < 0 else self.size[0] - inset - line.width
            picture.paste(layers.coloured(line.mask, lut), (x, bottom), layers.ink(line.mask))
        return picture

    def _numerals(self) -> Numerals:
        style, lut = self.style, self.palette.lut
        ground, fill, track, text = _colours(style)
        if self._above:
            luts = (lut(ground, text, TEXT_STEPS),) * 2
        else:
            luts = (
                lut(fill, readable(fill, text), TEXT_STEPS),
                lut(track, readable(track, text), TEXT_STEPS),
            )
        return Numerals(style.font, self._pixels, luts, style.before)

    def _shape(self) -> None:
        style, lut = self.style, self.palette.lut
        ground, fill, track, _ = _colours(style)
        self._over_track = lut(track, fill, EDGE_STEPS)
        left, top, right, bottom = self._box
        border = style.border * style.scale
        self._radius = (bottom - top + 1) // 2 if style.rounded else 0
        self._room = layers.pill((right - left, bottom - top), self._radius)
        self._bare = Image.new("P", self.size, self.palette.number(ground))
        around = ground
        if border:
            around = rgb(style.border_color)
            outer = layers.pill(
                (right - left + 2 * border, bottom - top + 2 * border), self._radius and self._radius + border
            )
            self._bare.paste(
                layers.coloured(outer, lut(ground, around, EDGE_STEPS)), (left - border, top - border)
            )
        inside = layers.ink(self._room)
        self._bare.paste(layers.coloured(self._room, lut(around, track, EDGE_STEPS)), (left, top), inside)
        self._empty = self._bare.crop(self._box)
        self._full = self._empty.copy()
        self._full.paste(layers.coloured(self._room, lut(around, fill, EDGE_STEPS)), (0, 0), inside)


def _cut(progress: Progress, width: int) -> int:
    """How many columns are filled: none and all only where there is nothing and everything to show."""
    if progress.current in (progress.minimum, progress.maximum):
        return width if progress.current == progress.maximum else 0
    return min(max(round(progress.share * width), 1), width - 1)


def _box(style: BarStyle, above: bool) -> tuple[int, int, int, int]:
    """Where the bar is, without its border, in drawn pixels."""
    scale, border = style.scale, style.border * style.scale
    height = style.height * scale - (SIZE * scale * 3 // 2 + 2 * scale if style.ends else 0)
    free = height - 2 * border
    thickness = min(style.thickness * scale or free * (9 if style.ends else 7) // 10, free)
    thickness = max(thickness, 2)
    top = height - border - thickness if above else (height - thickness) // 2
    return border, top, style.width * scale - border, top + thickness


def _text_size(style: BarStyle, box: tuple[int, int, int, int]) -> int:
    room = box[3] - box[1] if not 0 < style.thickness < INSIDE else max(box[1], 8)
    return style.text_size * style.scale or min(max(room * 48 // 100, 8), 64 * style.scale)


def _colours(style: BarStyle) -> tuple[tuple[int, int, int], ...]:
    return (
        rgb(style.background),
        rgb(style.progress_fill),
        rgb(style.progress_background),
        rgb(style.progress_value),
    )


def _ramps(style: BarStyle, *, above: bool) -> Sequence[Ramp]:
    ground, fill, track, text = _colours(style)
    around = rgb(style.border_color) if style.border else ground
    found = [Ramp(around, track, EDGE_STEPS), Ramp(around, fill, EDGE_STEPS), Ramp(track, fill, EDGE_STEPS)]
    if style.border:
        found.append(Ramp(ground, around, EDGE_STEPS))
    if above:
        found.append(Ramp(ground, text, TEXT_STEPS))
    elif style.value != "none":
        found += [Ramp(on, readable(on, text), TEXT_STEPS) for on in (fill, track)]
    return [Ramp(ground, ground, 0), *found, *ramps(style)]
