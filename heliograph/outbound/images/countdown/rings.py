"""The dial of rings: around each value an arc of what is left of its unit.

A part is a whole ring with its digits. The shapes of the arcs depend on the size alone: they are drawn once for all styles, a
style only colours them. A ring has more rows than digits, so this costs more than the other templates: see
`docs/benchmarks.md`.
"""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw

from heliograph.outbound.images.countdown.canvas import Canvas, Palette
from heliograph.outbound.images.countdown.dial import Dial, Parts
from heliograph.outbound.images.countdown.layout import Layout
from heliograph.outbound.images.countdown.style import TimerStyle, mixed
from heliograph.outbound.images.kept import Kept

WHOLE = {"days": 30, "hours": 24, "minutes": 60, "seconds": 60}
"""The value that closes a unit's ring; above it the ring stays closed."""

BAND = 8  # steps of an arc's breadth
TRACK = 0.16  # how much of the arc's colour its track has
SMOOTHING = 6
EDGES = 4  # levels of coverage of track and arc, each with each: 15 colours at most
INSIDE = 0.62  # of a ring's width: the square in which digits and label stand
_VALUES = 1000  # parts are numbered unit * 1000 + value
_FINE = 4

_covered: Kept[tuple[int, float, float], Image.Image] = Kept(8_000_000, lambda mask: mask.width * mask.height)


def rings(style: TimerStyle, layout: Layout, palette: Palette) -> Dial:
    """The dial of the template ring."""
    colours = style.colours
    ink = palette.ramp(colours.background, colours.digits, SMOOTHING)
    track = mixed(colours.background, colours.box, TRACK)
    mixtures = _mixtures(palette, colours.background, track, colours.box)
    canvas = Canvas(style.size, palette, colours.background)
    for unit, label in enumerate(layout.labels):
        canvas.paint(label.mask, layout.label_at(unit), colours.labels)
    cells = [cell.point(ink) for cell in layout.numerals.cells]
    size, breadth = layout.boxes[0].width, BAND * layout.k
    still = canvas.finished()
    inside = round(size * INSIDE / 2)
    middle = (size // 2 - inside, size // 2 - inside, size // 2 + inside, size // 2 + inside)

    def part(which: int) -> Image.Image:
        unit, value = divmod(which, _VALUES)
        box = layout.boxes[unit]
        ring = covered(size, breadth, min(1.0, value / WHOLE[style.units[unit]])).point(mixtures)
        ring.paste(
            still.crop((box.x + middle[0], box.y + middle[1], box.x + middle[2], box.y + middle[3])), middle
        )
        digits = f"{value:02d}"
        for place, digit in enumerate(digits):
            ring.paste(
                cells[int(digit)],
                (layout.cell_x(unit, place, len(digits)) - box.x, layout.digits_top - box.y),
            )
        return ring

    def parts(values: list[int]) -> Parts:
        return tuple(
            (box.x, unit * _VALUES + value)
            for unit, (box, value) in enumerate(zip(layout.boxes, values, strict=True))
        )

    return Dial(still, layout.boxes[0].y, size, parts, part)


def covered(size: int, breadth: float, share: float) -> Image.Image:
    """How much of each pixel is track and how much is arc: the levels in one number ("L")."""
    key = (size, breadth, share)
    found = _covered.get(key)
    if found is None:
        track = _drawn_arc(size, breadth, 1.0).point(_TRACK_LEVELS)
        found = _covered.put(key, ImageChops.add(track, _drawn_arc(*key).point(_ARC_LEVELS)))
    return found


def _drawn_arc(size: int, breadth: float, share: float) -> Image.Image:
    """The share of a ring from the top clockwise, with round ends, as a mask."""
    fine = size * _FINE
    drawn = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(drawn)
    width = breadth * _FINE
    if share >= 1:
        pen.ellipse((0, 0, fine - 1, fine - 1), fill=255)
        pen.ellipse((width, width, fine - 1 - width, fine - 1 - width), fill=0)
    elif share > 0:
        pen.arc((0, 0, fine - 1, fine - 1), -90, 360 * share - 90, fill=255, width=round(width))
        radius = (fine - 1 - width) / 2
        for turn in (0.0, share):
            x = (fine - 1) / 2 + radius * math.sin(2 * math.pi * turn)
            y = (fine - 1) / 2 - radius * math.cos(2 * math.pi * turn)
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return drawn.reduce(_FINE)


_TRACK_LEVELS = [round(coverage * EDGES / 255) for coverage in range(256)]
_ARC_LEVELS = [8 * level for level in _TRACK_LEVELS]


def _mixtures(
    palette: Palette, ground: tuple[int, int, int], track: tuple[int, int, int], ink: tuple[int, int, int]
) -> list[int]:
    """The palette index for each level of track with each level of arc over it."""
    indexes = [0] * 256
    for below in range(EDGES + 1):
        for above in range(EDGES + 1):
            under = mixed(ground, track, below / EDGES)
            indexes[8 * above + below] = palette.index(mixed(under, ink, above / EDGES))
    return indexes
