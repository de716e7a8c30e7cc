"""Dials of digits: plain on the background, on cards, or on cards with a hinge as of a flip clock."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image, ImageDraw

from heliograph.outbound.images.countdown.canvas import Canvas, Palette
from heliograph.outbound.images.countdown.dial import Dial, Parts
from heliograph.outbound.images.countdown.layout import Box, Layout
from heliograph.outbound.images.countdown.style import Colours, TimerStyle, luminance, mixed

SMOOTHING = 6  # colours between ground and ink: with both, three bits; more look the same at this size
SMOOTHING_HALVES = 5  # the same for each half of a flip card: with both grounds and the hinge, four bits
ROUNDING = 12  # steps of a card's corners
DOT = 3.6  # steps of half a colon's dot
DOTS_APART = 11  # steps from the middle
CREASE = 0.5  # how much darker than its card a hinge is
_FINE = 4  # shapes are drawn so much larger and reduced


def boxes(style: TimerStyle, layout: Layout, palette: Palette, backdrop: Image.Image | None) -> Dial:
    """The dial of the templates plain, cards and flip."""
    colours = style.colours
    flip = style.template == "flip"
    smoothing = SMOOTHING_HALVES if flip else SMOOTHING
    upper = palette.ramp(colours.ground, colours.digits, smoothing)
    crease = palette.index(mixed(colours.box, (0, 0, 0), CREASE)) if flip else 0
    lower = palette.ramp(shade(colours), colours.digits, smoothing) if flip else upper
    canvas = Canvas(style.size, palette, colours.background, backdrop)
    if style.template == "plain":
        _colons(canvas, layout, colours)
    else:
        for box in layout.boxes:
            _card(canvas, box, layout, colours, flip=flip)
    for unit, label in enumerate(layout.labels):
        canvas.paint(label.mask, layout.label_at(unit), colours.labels)
    hinge = layout.boxes[0].y + layout.boxes[0].height // 2 - layout.digits_top
    cells = []
    for coverage in layout.numerals.cells:
        cell = coverage.point(upper)
        if flip:
            cell.paste(coverage.point(lower).crop((0, hinge, *cell.size)), (0, hinge))
            cell.paste(crease, (0, hinge - thickness(layout), cell.width, hinge))
        cells.append(cell)
    return Dial(
        canvas.finished(), layout.digits_top, layout.numerals.height, _placer(layout), cells.__getitem__
    )


def shade(colours: Colours) -> tuple[int, int, int]:
    """The lower half of a flip card: a little away from the upper."""
    other = (0, 0, 0) if luminance(colours.box) > 0.18 else (255, 255, 255)
    return mixed(colours.box, other, 0.08)


def thickness(layout: Layout) -> int:
    """Pixels of the hinge."""
    return max(1, round(1.6 * layout.k))


def rounded(width: int, height: int, radius: float) -> Image.Image:
    """A rounded rectangle as a mask."""
    drawn = Image.new("L", (width * _FINE, height * _FINE))
    ImageDraw.Draw(drawn).rounded_rectangle(
        (0, 0, drawn.width - 1, drawn.height - 1), min(radius * _FINE, height * _FINE / 2), fill=255
    )
    return drawn.reduce(_FINE)


def _card(canvas: Canvas, box: Box, layout: Layout, colours: Colours, *, flip: bool) -> None:
    card = rounded(box.width, box.height, ROUNDING * layout.k)
    canvas.paint(card, (box.x, box.y), colours.box)
    if flip:
        half = box.height // 2
        canvas.paint(card.crop((0, half, box.width, box.height)), (box.x, box.y + half), shade(colours))
        line = Image.new("L", (box.width, thickness(layout)), 255)
        canvas.paint(line, (box.x, box.y + half - line.height), mixed(colours.box, (0, 0, 0), CREASE))


def _colons(canvas: Canvas, layout: Layout, colours: Colours) -> None:
    half = max(2, round(DOT * layout.k))
    dot = rounded(2 * half, 2 * half, half)
    middle = layout.digits_top + layout.numerals.height // 2
    for box, after in zip(layout.boxes, layout.boxes[1:], strict=False):
        x = (box.x + box.width + after.x) // 2 - half
        for side in (-1, 1):
            y = middle + side * round(DOTS_APART * layout.k) - half
            canvas.paint(dot, (x, y), mixed(colours.background, colours.digits, 0.45))


def _placer(layout: Layout) -> Callable[[list[int]], Parts]:
    """A cell for each digit; two for a unit, three for the first when it needs them."""
    width = layout.numerals.width
    lefts = [layout.cell_x(unit, 0) for unit in range(len(layout.boxes))]
    wide = layout.cell_x(0, 0, 3)

    def parts(values: list[int]) -> Parts:
        places = []
        for x, value in zip(lefts, values, strict=True):
            if value > 99:
                places.append((wide, value // 100))
                x = wide + width
            places += ((x, value // 10 % 10), (x + width, value % 10))
        return tuple(places)

    return parts
