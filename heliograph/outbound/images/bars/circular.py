"""The ring: rings filled to so many steps are kept, and only the value in the middle is new.

A ring has as many steps as its rim has pixels, so more would not be seen. With `ends` it is open at its foot, like a
gauge, and the minimum and the maximum stand at the two sides of the opening.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

from heliograph.outbound.images import layers
from heliograph.outbound.images.bars.ends import STEPS, ends, ramps
from heliograph.outbound.images.bars.numerals import Numerals
from heliograph.outbound.images.bars.progress import Progress, written
from heliograph.outbound.images.bars.style import BarStyle
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.palette import Palette, Ramp, rgb

TEXT_STEPS, EDGE_STEPS = 3, 2
GAUGE = 270  # degrees of a ring that is open at its foot
KEPT_BYTES = 24_000_000  # of filled rings, of all styles together: about 900 of 160 by 160

_rings: Kept[tuple[BarStyle, int, tuple[float, float] | None], Image.Image] = Kept(
    KEPT_BYTES, lambda ring: ring.width * ring.height + 500
)


class CircularBar:
    """All that is ready for one style."""

    def __init__(self, style: BarStyle) -> None:
        self.style = style
        scale = style.scale
        self.size = (style.width * scale, style.height * scale)
        self.palette = Palette(_ramps(style))
        self._diameter = min(self.size) - 2 * scale
        self._thickness = min(style.thickness * scale or self._diameter // 8, self._diameter // 2 - 1)
        self._sweep = GAUGE if style.ends else 360
        self._steps = math.ceil(self._diameter * math.pi * self._sweep / 360)
        size = style.text_size * scale or max(self._diameter * 22 // 100, 8)
        self._room = self._arc(1.0)
        ground, fill, track, text = (
            rgb(style.background), rgb(style.progress_fill), rgb(style.progress_background), rgb(style.progress_value)
        )  # fmt: skip
        lut = self.palette.lut
        self._over_track = lut(track, fill, EDGE_STEPS)
        on_ground = lut(ground, text, TEXT_STEPS)
        self._text = Numerals(style.font, size, (on_ground, on_ground), style.before)
        self._empty = layers.coloured(self._room, lut(ground, track, EDGE_STEPS))
        self._full = layers.coloured(self._room, lut(ground, fill, EDGE_STEPS))

    def picture(self, progress: Progress) -> Image.Image:
        """The numbered colours of one value."""
        picture = self._ring(_step(progress, self._steps), progress).copy()
        if self.style.value != "none":
            middle = (self.size[0] // 2, self.size[1] // 2)
            self._text.write(picture, written(progress, self.style), middle, 0)
        return picture

    def _ring(self, step: int, progress: Progress) -> Image.Image:
        """Everything but the value, filled up to this step. Do not draw on it: it is kept."""
        range_ = progress[:2] if self.style.ends else None
        found = _rings.get((self.style, step, range_))
        if found is None:
            found = self._filled(step)
            if range_:
                self._write_ends(found, progress)
            _rings.put((self.style, step, range_), found)
        return found

    def _filled(self, step: int) -> Image.Image:
        if step in (0, self._steps):
            return (self._full if step else self._empty).copy()
        fill = self._arc(step / self._steps)
        return layers.filled(self._empty, self._full, self._room, fill, self._over_track)

    def _arc(self, share: float) -> Image.Image:
        """The mask of this share of the ring, clockwise from its beginning."""
        return layers.mask(self.size, lambda canvas, times: self._draw_arc(canvas, times, share))

    def _draw_arc(self, canvas: ImageDraw.ImageDraw, times: int, share: float) -> None:
        """Round ends lie within the share, so that a ring closes only when it is full."""
        radius, half = self._diameter * times / 2, self._thickness * times / 2
        x, y = self.size[0] * times / 2, self.size[1] * times / 2
        start = -90.0 if self._sweep == 360 else 90 + (360 - GAUGE) / 2
        end = start + self._sweep * share
        caps = self.style.rounded and share * self._sweep < 360
        if caps:
            inset = math.degrees(math.asin(min(1, half / (radius - half))))
            start, end = start + inset, max(start + inset, end - inset)
            for angle in (math.radians(start), math.radians(end)):
                cx = x - 0.5 + (radius - half) * math.cos(angle)
                cy = y - 0.5 + (radius - half) * math.sin(angle)
                canvas.ellipse((cx - half, cy - half, cx + half, cy + half), fill=255)
        if end > start:
            box = (x - radius, y - radius, x + radius - 1, y + radius - 1)
            canvas.arc(box, start, end, fill=255, width=self._thickness * times)

    def _write_ends(self, picture: Image.Image, progress: Progress) -> None:
        style = self.style
        side = (self._diameter - self._thickness) / 2 * math.sin(math.radians((360 - GAUGE) / 2))
        for line, color, sign in ends(style, progress, int(side * 1.6)):
            lut = self.palette.lut(rgb(style.background), rgb(color), STEPS)
            at = (
                round(self.size[0] / 2 + sign * side - line.width / 2),
                self.size[1] - line.ascent - line.descent,
            )
            picture.paste(layers.coloured(line.mask, lut), at, layers.ink(line.mask))


def _step(progress: Progress, steps: int) -> int:
    if progress.current in (progress.minimum, progress.maximum):
        return steps if progress.current == progress.maximum else 0
    return min(max(round(progress.share * steps), 1), steps - 1)


def _ramps(style: BarStyle) -> Sequence[Ramp]:
    ground, fill, track = rgb(style.background), rgb(style.progress_fill), rgb(style.progress_background)
    return [
        Ramp(ground, track, EDGE_STEPS),
        Ramp(ground, fill, EDGE_STEPS),
        Ramp(track, fill, EDGE_STEPS),
        Ramp(ground, rgb(style.progress_value), TEXT_STEPS),
        *ramps(style),
    ]
