"""A style and a value -> the bytes of a PNG, within bounds of memory.

What is looked at once (a value of one's own) is compressed quickly. What is asked for again is compressed well, once,
and is from then on a look-up.
"""

from __future__ import annotations

from heliograph.outbound.images import png as files
from heliograph.outbound.images.bars.circular import CircularBar
from heliograph.outbound.images.bars.linear import LinearBar
from heliograph.outbound.images.bars.progress import Progress
from heliograph.outbound.images.bars.style import BarStyle
from heliograph.outbound.images.kept import Kept

STYLES_BYTES = 64_000_000
"""Ready styles, by the pixels that they hold: about 200 of 600 by 60, or 10 of 1200 by 600."""
PICTURES_BYTES = 16_000_000  # about 12,000 PNGs


class _Ready:
    """A style, ready to be drawn with."""

    def __init__(self, style: BarStyle) -> None:
        self.bar = LinearBar(style) if style.shape == "linear" else CircularBar(style)
        self.head = files.head(*self.bar.size, self.bar.palette.bits, self.bar.palette.bytes())

    def weight(self) -> int:
        """Bytes, roughly: eight pictures of the bar's size (four ranges among them), and its figures."""
        return 8 * self.bar.size[0] * self.bar.size[1] + 20_000

    def png(self, progress: Progress, level: int) -> bytes:
        return files.written(self.head, self.bar.picture(progress), self.bar.palette.bits, level)


_styles: Kept[BarStyle, _Ready] = Kept(STYLES_BYTES, _Ready.weight)
_pictures: Kept[tuple[BarStyle, Progress], tuple[bytes, bool]] = Kept(
    PICTURES_BYTES, lambda kept: len(kept[0]) + 300
)
"""The PNG, and whether it is already compressed well."""


def png(style: BarStyle, minimum: float, maximum: float, current: float) -> bytes:
    """The bar at this value; `minimum` < `maximum`, `current` between them, both included (see `progress.values`).

    Errors: Undrawable, when no font has a character of the style's texts.
    """
    progress = Progress(minimum, maximum, current)
    key = (style, progress)
    kept = _pictures.get(key)
    if kept is not None and kept[1]:
        return kept[0]
    ready = _styles.get(style) or _styles.put(style, _Ready(style))
    made = ready.png(progress, files.FAST if kept is None else files.SMALL)
    _pictures.put(key, (made, kept is not None))
    return made
