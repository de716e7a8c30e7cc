"""Polls in a mail: `png` draws an option, `sheet` the whole, `percents` turns votes into figures that add up."""

from __future__ import annotations

from heliograph.outbound.images.polls.pictures import png, sheet
from heliograph.outbound.images.polls.shares import percents
from heliograph.outbound.images.polls.style import PollStyle

__all__ = ["PollStyle", "percents", "png", "sheet"]
