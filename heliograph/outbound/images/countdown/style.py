"""What a timer looks like: the values of a published timer, checked once.

The API makes a `TimerStyle` from a request and stores its parts; `timer` draws it. Everything that costs (pixels, frames,
length of texts, bytes of pictures) has a limit here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from heliograph.errors import BadRequest, Fault
from heliograph.outbound.images.lettering.families import BY_NAME, DEFAULT

Template = Literal["plain", "cards", "flip", "ring"]
TEMPLATES: tuple[Template, ...] = get_args(Template)

Unit = Literal["days", "hours", "minutes", "seconds"]
UNITS: tuple[Unit, ...] = get_args(Unit)
SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}

FRAMES = 30  # PER-6
MOST_FRAMES = 120
WIDTHS = range(120, 1201)  # CSS pixels
HEIGHTS = range(40, 601)
SCALES = range(1, 4)  # device pixels per CSS pixel
MOST_PIXELS = 1_000_000  # device pixels: a style of these takes 0.15 s to set up, and 3 ms a GIF at most
LONGEST_LABEL = 40  # characters
LONGEST_MESSAGE = 200
LARGEST_PICTURE = 2_000_000  # bytes, as uploaded
TEXT_CONTRAST = 3.0  # WCAG 2.2, 1.4.3 and 1.4.11: large text and graphics

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")

Colour = tuple[int, int, int]


class Colours(NamedTuple):
    """What is painted: `ground` lies under the digits (the box, or the background where there is none)."""

    background: Colour
    digits: Colour
    labels: Colour
    box: Colour
    ground: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerStyle:
    """Everything that decides how a timer looks. Sizes in CSS pixels; colours `#RGB` or `#RRGGBB` (PER-4).

    Colours that are None suit the template. `labels` go with `units`; None leaves them out. `units` are neighbours; what is
    above the first is counted in it (50 hours), what is below the last is left out. Messages and pictures stand in place of
    the clock: `expired` after zero, `fallback` where a clock would lie. Errors: BadRequest with every fault.
    """

    template: Template = "plain"
    width: int = 600
    height: int = 140
    scale: int = 1
    font: str = DEFAULT
    label_font: str | None = None
    background: str = "#FFFFFF"
    digits: str | None = None
    label_text: str | None = None
    box: str | None = None
    units: tuple[Unit, ...] = UNITS
    labels: tuple[str, ...] | None = ("DAYS", "HOURS", "MINUTES", "SECONDS")
    frames: int = FRAMES
    expired_text: str = ""
    expired_picture: bytes | None = None
    fallback_text: str = ""
    fallback_picture: bytes | None = None
    background_picture: bytes | None = None

    def __post_init__(self) -> None:
        if faults := tuple(_faults(self)):
            raise BadRequest("The timer cannot be drawn so.", faults=faults)

    @property
    def size(self) -> tuple[int, int]:
        """Device pixels: what the picture has."""
        return self.width * self.scale, self.height * self.scale

    @property
    def longest(self) -> int:
        """Seconds at which the clock stands still: three digits of its first unit."""
        return 1000 * SECONDS[self.units[0]] - 1

    @property
    def colours(self) -> Colours:
        """Every colour, with those that were left open chosen to suit the template and the background."""
        background = rgb(self.background)
        ink = readable_on(background)
        boxed = self.template in ("cards", "flip")
        digits = rgb(self.digits) if self.digits else None
        box = rgb(self.box) if self.box else ink if boxed else (digits or ink)
        ground = box if boxed else background
        return Colours(
            background,
            digits or readable_on(ground),
            rgb(self.label_text) if self.label_text else ink,
            box,
            ground,
        )

    @property
    def has_fallback(self) -> bool:
        """Whether it says itself what stands where a clock would lie."""
        return self.fallback_picture is not None or bool(self.fallback_text.strip())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will be hard to read, in words for the one who chose the colours."""
        colours = self.colours
        pairs = [("digits", colours.digits, colours.ground)]
        if self.labels is not None or self.expired_text:
            pairs.append(("labels", colours.labels, colours.background))
        return tuple(
            f"The {name} are hard to read: their contrast is {contrast(ink, ground):.1f}:1, and 3:1 is the least."
            for name, ink, ground in pairs
            if contrast(ink, ground) < TEXT_CONTRAST
        )


DARK: Colour = (17, 24, 39)
LIGHT: Colour = (255, 255, 255)


def rgb(colour: str) -> Colour:
    """`#RGB` or `#RRGGBB` as three numbers."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that has this share of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def readable_on(ground: Colour) -> Colour:
    """White where it can be read, else nearly black."""
    return LIGHT if contrast(LIGHT, ground) >= TEXT_CONTRAST else DARK


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _faults(style: TimerStyle) -> list[Fault]:
    rules: list[tuple[str, bool, str]] = [
        ("template", style.template in TEMPLATES, f"is one of {', '.join(TEMPLATES)}"),
        ("width", style.width in WIDTHS, f"is {WIDTHS[0]} to {WIDTHS[-1]} pixels"),
        ("height", style.height in HEIGHTS, f"is {HEIGHTS[0]} to {HEIGHTS[-1]} pixels"),
        ("scale", style.scale in SCALES, f"is {SCALES[0]} to {SCALES[-1]}"),
        ("frames", style.frames in range(1, MOST_FRAMES + 1), f"is 1 to {MOST_FRAMES}"),
        ("font", style.font in BY_NAME, f"is one of {', '.join(BY_NAME)}"),
        ("label_font", style.label_font in {None, *BY_NAME}, f"is one of {', '.join(BY_NAME)}"),
        ("units", _are_neighbours(style.units), f"are neighbours of {', '.join(UNITS)}, in this order"),
        ("units", style.units != ("seconds",), "have the minutes before the seconds"),
        ("labels", style.labels is None or len(style.labels) == len(style.units), "are one for each unit"),
        (
            "labels",
            all(len(label) <= LONGEST_LABEL for label in style.labels or ()),
            f"have at most {LONGEST_LABEL} characters",
        ),
        (
            "background_picture",
            style.background_picture is None or style.template in ("cards", "flip"),
            "needs boxes under the digits: template cards or flip",
        ),
    ]
    for name in ("background", "digits", "label_text", "box"):
        colour = getattr(style, name)
        rules.append((name, colour is None or bool(_COLOUR.fullmatch(colour)), "is #RGB or #RRGGBB"))
    for name in ("expired_text", "fallback_text"):
        short = len(getattr(style, name)) <= LONGEST_MESSAGE
        rules.append((name, short, f"has at most {LONGEST_MESSAGE} characters"))
    for name in ("expired_picture", "fallback_picture", "background_picture"):
        small = len(getattr(style, name) or b"") <= LARGEST_PICTURE
        rules.append((name, small, f"has at most {LARGEST_PICTURE} bytes"))
    faults = [Fault(name, reason) for name, holds, reason in rules if not holds]
    if not faults and style.size[0] * style.size[1] > MOST_PIXELS:
        faults.append(Fault("scale", f"makes more than {MOST_PIXELS} pixels of this size"))
    return faults


def _are_neighbours(units: tuple[Unit, ...]) -> bool:
    return bool(units) and any(units == UNITS[first : first + len(units)] for first in range(len(UNITS)))
