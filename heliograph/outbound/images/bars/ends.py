"""The minimum and the maximum, written small beside or below a bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from heliograph.errors import Undrawable
from heliograph.outbound.images.bars.progress import Progress, figure
from heliograph.outbound.images.bars.style import BarStyle
from heliograph.outbound.images.lettering.line import Line, fitted
from heliograph.outbound.images.palette import Ramp, rgb

SIZE = 12  # CSS pixels
STEPS = 3  # colours between the text's and the ground's


class End(NamedTuple):
    """One of the two. `side`: -1 the minimum's, 1 the maximum's."""

    line: Line
    color: str
    side: int


def ends(style: BarStyle, progress: Progress, room: int) -> Iterator[End]:
    """Both, each no wider than `room` pixels; one that does not fit is left out, for it may come from a URL."""
    for value, color, side in (
        (progress.minimum, style.minimum_value, -1),
        (progress.maximum, style.maximum_value, 1),
    ):
        try:
            line = fitted(figure(value, style), style.font, SIZE * style.scale, room, bold=False)
        except Undrawable:
            continue
        yield End(line, color, side)


def ramps(style: BarStyle) -> list[Ramp]:
    """The colours that they need."""
    if not style.ends:
        return []
    return [
        Ramp(rgb(style.background), rgb(color), STEPS) for color in (style.minimum_value, style.maximum_value)
    ]
