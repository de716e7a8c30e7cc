"""Progress bars: `values` reads what a URL says, `png` draws it."""

from __future__ import annotations

from heliograph.outbound.images.bars.pictures import png
from heliograph.outbound.images.bars.progress import Progress, values
from heliograph.outbound.images.bars.style import BarStyle

__all__ = ["BarStyle", "Progress", "png", "values"]
