"""How a poll looks: everything that its publisher may choose, in one value that caches go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from heliograph.errors import Undrawable
from heliograph.outbound.images.lettering.families import DEFAULT

LEAST_SIZE, MOST_SIZE = 24, 300  # CSS pixels of an option's symbol
LEAST_WIDTH, MOST_WIDTH = 80, 600  # CSS pixels of a text option
LEAST_HEIGHT, MOST_HEIGHT = 24, 160
MOST_OPTIONS = 10  # of a text poll
MOST_TEXT = 60  # characters of a label; `MOST_PROMPT` of the question
MOST_PROMPT = 200

SYMBOLS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "emoji": (
        ("happy", "sad"),
        ("happy", "neutral", "sad"),
        ("delighted", "happy", "neutral", "sad"),
        ("delighted", "happy", "neutral", "sad", "angry"),
    ),
    "thumbs": (("up", "down"),),
    "stars": tuple(("star",) * count for count in range(3, 11)),
}
"""The symbols that a kind has for each number of options that it may have."""

COUNTS: Mapping[str, int] = {"emoji": 3, "thumbs": 2, "stars": 5}
"""How many options a kind has when nothing is said about it (S2:L419-L437 has three emoji)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollStyle:
    """One published poll. Lengths are CSS pixels; `scale` 2 draws twice as many for retina screens.

    `labels`: what stands below each symbol, or on each option of a text poll; without any, a kind of symbols has its
    usual number of options. `results`: there is room for a percentage, shown or not. `size`: of a symbol's square;
    `width`, `height`: of a text option. Colours are `#RGB` or `#RRGGBB`.
    """

    kind: Literal["emoji", "thumbs", "stars", "text"] = "emoji"
    prompt: str = ""
    labels: tuple[str, ...] = ()
    results: bool = True
    size: int = 64
    width: int = 280
    height: int = 48
    scale: int = 1
    font: str = DEFAULT
    background: str = "#FFFFFF"
    prompt_color: str = "#1F2937"
    poll_option_text: str = "#1F2937"
    option_background: str = "#F3F4F6"
    results_value: str = "#374151"

    def __post_init__(self) -> None:
        """Raises `Undrawable` when no picture can be made of it."""
        for name, value, least, most in (
            ("size", self.size, LEAST_SIZE, MOST_SIZE),
            ("width", self.width, LEAST_WIDTH, MOST_WIDTH),
            ("height", self.height, LEAST_HEIGHT, MOST_HEIGHT),
            ("scale", self.scale, 1, 3),
        ):
            if not least <= value <= most:
                raise Undrawable(f"{name} must be from {least} to {most}, and is {value}")
        if len(self.prompt) > MOST_PROMPT or any(len(label) > MOST_TEXT for label in self.labels):
            raise Undrawable(f"a label has at most {MOST_TEXT} characters, the prompt {MOST_PROMPT}")
        allowed = [len(names) for names in SYMBOLS.get(self.kind, ())] or range(2, MOST_OPTIONS + 1)
        if self.count not in allowed:
            raise Undrawable(
                f"a {self.kind} poll has {allowed[0]} to {allowed[-1]} options, not {self.count}"
            )

    @property
    def count(self) -> int:
        """How many options there are."""
        return len(self.labels) or COUNTS.get(self.kind, 0)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the options' symbols; none in a text poll."""
        return next((names for names in SYMBOLS.get(self.kind, ()) if len(names) == self.count), ())
