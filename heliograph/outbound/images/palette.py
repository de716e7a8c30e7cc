"""The few colours of a picture: which they are, what lies between two of them, and what can be read on what.

Flat pictures need few colours, and few colours make small files that are quickly written. Edges and letters are
blended in steps: a `Palette` gives each step a number, and a ramp turns a mask's coverage into these numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

Rgb = tuple[int, int, int]

READABLE = 3.0
"""The contrast below which large text cannot be read (WCAG 2.2, 1.4.3)."""


class Ramp(NamedTuple):
    """The way from one colour to another. `steps`: colours between the two."""

    low: Rgb
    high: Rgb
    steps: int

    def colours(self) -> Iterator[Rgb]:
        """Both colours and the steps between them, in order."""
        last = self.steps + 1
        for step in range(last + 1):
            yield mixed(self.low, self.high, step / last)


class Palette:
    """The colours of all these ramps, numbered; `bits` a pixel: 4 where 16 numbers do, else 8.

    Where 16 do not suffice the ramps are made shorter first, but none shorter than `FEWEST`: below, edges look torn.
    """

    FEWEST = 2
    MOST = 16  # numbers of 4 bits

    def __init__(self, ramps: Sequence[Ramp]) -> None:
        longest = max(ramp.steps for ramp in ramps)
        for most in range(longest, self.FEWEST - 1, -1):
            self.steps = most
            self.colours = self._collected(ramps)
            if len(self.colours) <= self.MOST:
                break
        else:
            self.steps = longest
            self.colours = self._collected(ramps)
        self.bits = 4 if len(self.colours) <= self.MOST else 8
        self._numbers = {colour: number for number, colour in enumerate(self.colours)}

    def lut(self, low: Rgb, high: Rgb, steps: int) -> bytes:
        """For each coverage from 0 to 255 the number of its colour: what `Image.point` takes."""
        ramp = Ramp(low, high, min(steps, self.steps))
        numbers = [self._numbers[colour] for colour in ramp.colours()]
        last = len(numbers) - 1
        return bytes(numbers[(coverage * last + 127) // 255] for coverage in range(256))

    def number(self, colour: Rgb) -> int:
        """The number of a colour that begins or ends a ramp."""
        return self._numbers[colour]

    def bytes(self) -> bytes:
        """Red, green and blue of each colour in turn, as PNG and GIF have them."""
        return b"".join(map(bytes, self.colours))

    def _collected(self, ramps: Sequence[Ramp]) -> list[Rgb]:
        shortened = [ramp._replace(steps=min(ramp.steps, self.steps)) for ramp in ramps]
        return list(dict.fromkeys(colour for ramp in shortened for colour in ramp.colours()))


def rgb(colour: str) -> Rgb:
    """`#RGB` or `#RRGGBB` (PER-4)."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def mixed(low: Rgb, high: Rgb, share: float) -> Rgb:
    """The colour this share of the way from low to high."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(low, high, strict=True))
    return red, green, blue


def contrast(one: Rgb, other: Rgb) -> float:
    """From 1 (the same) to 21 (black and white): WCAG 2.2's contrast ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(ground: Rgb, wanted: Rgb) -> Rgb:
    """The wanted colour if it can be read on this ground, else white or black, whichever can be better."""
    if contrast(ground, wanted) >= READABLE:
        return wanted
    return max(((255, 255, 255), (0, 0, 0)), key=lambda colour: contrast(ground, colour))


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
