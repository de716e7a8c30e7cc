"""How a progress bar looks: everything that its publisher may choose, in one value that caches go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from heliograph.errors import Undrawable
from heliograph.outbound.images.lettering.families import DEFAULT

LEAST_WIDTH, LEAST_HEIGHT = 40, 8  # CSS pixels
LEAST_WITH_ENDS = 32  # CSS pixels of height where the minimum and the maximum are written too
MOST_WIDTH, MOST_HEIGHT = 1200, 600
MOST_PIXELS = 1_500_000  # drawn, that is with `scale`: 1,000 by 500 at 2 is one megapixel
MOST_TEXT = 60  # characters before or after the value
MOST_TEXT_SIZE = 100  # CSS pixels: the longest value that a URL can say must still find room on a line


@dataclass(frozen=True, slots=True, kw_only=True)
class BarStyle:
    """One published bar. Lengths are CSS pixels; `scale` 2 draws twice as many for retina screens. 0: by itself.

    `value`: the figure as it came, as a percentage, with the maximum ("30 / 50"), or none. It stands in a linear
    bar, or above one that is too thin, and in the middle of a ring. `ends`: the minimum and the maximum are written
    below the bar; a ring is then open at its foot. Colours are `#RGB` or `#RRGGBB`.
    """

    shape: Literal["linear", "circular"] = "linear"
    width: int = 600
    height: int = 60
    scale: int = 1
    thickness: int = 0
    rounded: bool = True
    border: int = 0
    minimum: float = 0
    maximum: float = 100
    value: Literal["value", "percent", "of", "none"] = "value"
    before: str = ""
    after: str = ""
    thousands: Literal[",", ".", " ", ""] = ","
    ends: bool = False
    font: str = DEFAULT
    text_size: int = 0
    background: str = "#FFFFFF"
    progress_fill: str = "#40DC59"
    progress_background: str = "#EEEEEE"
    border_color: str = "#CCCCCC"
    progress_value: str = "#333333"
    minimum_value: str = "#333333"
    maximum_value: str = "#333333"

    def __post_init__(self) -> None:
        """Raises `Undrawable` when no picture can be made of it."""
        self._within("width", self.width, LEAST_WIDTH, MOST_WIDTH)
        self._within("height", self.height, LEAST_WITH_ENDS if self.ends else LEAST_HEIGHT, MOST_HEIGHT)
        self._within("scale", self.scale, 1, 3)
        self._within("border", self.border, 0, min(20, self.width // 4, self.height // 4))
        self._within("thickness", self.thickness, 0, MOST_HEIGHT)
        self._within("text_size", self.text_size, 0, MOST_TEXT_SIZE)
        self._within("pixels", self.width * self.height * self.scale**2, 1, MOST_PIXELS)
        if max(len(self.before), len(self.after)) > MOST_TEXT:
            raise Undrawable(f"before and after have at most {MOST_TEXT} characters")
        if not self.minimum < self.maximum:
            raise Undrawable("minimum must be less than maximum")

    @staticmethod
    def _within(name: str, value: int, least: int, most: int) -> None:
        if not least <= value <= most:
            raise Undrawable(f"{name} must be from {least} to {most}, and is {value}")
