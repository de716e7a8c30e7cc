"""Pictures, one core: progress bars against the plain ways to draw them, options of polls, rules of conditional images.

The references draw what our bar shows with Pillow as its documentation teaches it: shapes and text on an RGB picture,
then `save`; once with hard edges, once four times larger and made smaller, which is how round corners are usually
smoothed. Every unique value is another one, so nothing of ours is kept from the last; times are CPU time.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import Row
from heliograph.app.part import calm_collector
from heliograph.outbound.images import bars, polls
from heliograph.outbound.images.bars import BarStyle
from heliograph.outbound.images.conditions import OPERATORS, Rule, choose
from heliograph.outbound.images.lettering.families import BY_NAME
from heliograph.outbound.images.polls import PollStyle

MAXIMUM = 5000
STYLE = BarStyle(
    maximum=MAXIMUM, value="of", after=" raised", progress_fill="#4F46E5", progress_background="#E5E7EB"
)
SIZE = (STYLE.width, STYLE.height)
BOX = (0, 9, 599, 50)
DRAWINGS = 3000
GOAL = 0.15  # ms for a unique bar


def drawn(scratch: Path) -> list[Row]:
    """Bars, polls and rules."""
    calm_collector()  # as a worker does
    return [*_bars(), *_rings(), *_polls(), *_rules()]


def _bars() -> list[Row]:
    values = _values()
    font = ImageFont.truetype(_font_file(), 20)
    large = ImageFont.truetype(_font_file(), 80)
    hard, hard_bytes = _timed(lambda value: _naive(value, font), values[:300])
    smooth, smooth_bytes = _timed(lambda value: _smooth(value, large), values[:60])
    bars.png(STYLE, 0, MAXIMUM, 1)
    unique, unique_bytes = _timed(lambda value: bars.png(STYLE, 0, MAXIMUM, value), values)
    few = [float(share * MAXIMUM // 100) for share in range(101)]
    for _ in range(2):
        for value in few:
            bars.png(STYLE, 0, MAXIMUM, value)
    cached, cached_bytes = _timed(lambda value: bars.png(STYLE, 0, MAXIMUM, value), few * 100)
    milliseconds = unique * 1000
    return [
        Row("bar 600x60, Pillow, hard edges", _figure(hard, hard_bytes)),
        Row("bar 600x60, Pillow, smooth edges", _figure(smooth, smooth_bytes)),
        Row(
            "bar 600x60, each value another", _figure(unique, unique_bytes), "Pillow, smooth", smooth / unique
        ),
        Row("the same", f"{milliseconds:.3f} ms", goal=GOAL, goal_is_most=True, value=milliseconds),
        Row("the same", "", "Pillow, hard edges", hard / unique),
        Row("bar 600x60, 101 values", _figure(cached, cached_bytes), "Pillow, smooth", smooth / cached),
    ]


def _rings() -> list[Row]:
    style = BarStyle(shape="circular", width=160, height=160, maximum=MAXIMUM)
    values = _values()
    for value in values[:600]:
        bars.png(style, 0, MAXIMUM, value + 0.5)
    seconds, size = _timed(lambda value: bars.png(style, 0, MAXIMUM, value), values)
    return [Row("ring 160x160, each value another", _figure(seconds, size))]


def _polls() -> list[Row]:
    style = PollStyle(size=64, labels=("Good", "So-so", "Bad"))
    fresh = [(number, percent) for number in (1, 2, 3) for percent in range(101)]
    seconds, size = _timed(lambda asked: polls.png(style, *asked), fresh)
    again, _ = _timed(lambda asked: polls.png(style, *asked), fresh * 30)
    return [
        Row("a poll's option, drawn the first time", _figure(seconds, size)),
        Row("a poll's option, asked for again", _figure(again, size), "drawn", seconds / again),
    ]


def _rules() -> list[Row]:
    """Twenty rules of all operators; what is said matches the last of them, or one, or none."""
    operators = [name for name in OPERATORS if "not" not in name]
    rules = tuple(
        Rule(
            operator=operators[number % 4],
            value=f"city {number}, town {number}",
            image_url=f"https://x/{number}",
        )
        for number in range(20)
        if operators[number % 4] != "empty"
    )
    dice = random.Random(3)  # noqa: S311 - a sample
    said = [f" City {dice.randrange(40)} " for _ in range(DRAWINGS * 10)]
    seconds, _ = _timed(lambda word: _chosen(rules, word), said)
    one, _ = _timed(lambda word: _chosen(rules[:2], word), said)
    return [
        Row("conditional image, 2 rules", f"{1 / one:,.0f} decisions/s"),
        Row(f"conditional image, {len(rules)} rules", f"{1 / seconds:,.0f} decisions/s"),
    ]


def _chosen(rules: tuple[Rule, ...], said: str) -> bytes:
    rule = choose(rules, said)
    return rule.image_url.encode() if rule else b""


def _naive(value: float, font: ImageFont.FreeTypeFont) -> bytes:
    picture = Image.new("RGB", SIZE, STYLE.background)
    _shapes(ImageDraw.Draw(picture), value, font, 1)
    return _saved(picture)


def _smooth(value: float, font: ImageFont.FreeTypeFont) -> bytes:
    picture = Image.new("RGB", (SIZE[0] * 4, SIZE[1] * 4), STYLE.background)
    _shapes(ImageDraw.Draw(picture), value, font, 4)
    return _saved(picture.resize(SIZE, Image.Resampling.LANCZOS))


def _shapes(canvas: ImageDraw.ImageDraw, value: float, font: ImageFont.FreeTypeFont, times: int) -> None:
    left, top, right, bottom = (edge * times for edge in BOX)
    radius = 21 * times
    end = max(left + 2 * radius, left + (right - left) * value / MAXIMUM)
    canvas.rounded_rectangle((left, top, right, bottom), radius, fill=STYLE.progress_background)
    canvas.rounded_rectangle((left, top, end, bottom), radius, fill=STYLE.progress_fill)
    text = f"{value:,} / {MAXIMUM:,} raised"
    colour = "#FFFFFF" if value > MAXIMUM / 2 else STYLE.progress_value
    canvas.text(((left + right) / 2, (top + bottom) / 2), text, colour, font, anchor="mm")


def _saved(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def _values() -> list[int]:
    dice = random.Random(11)  # noqa: S311 - a sample
    return dice.sample(range(1, MAXIMUM), DRAWINGS)


def _timed(work: Callable[..., bytes | None], over: Sequence[object]) -> tuple[float, float]:
    """CPU seconds of one, as the median of ten equal parts, and the mean size."""
    size = len(over) // 10
    parts, written = [], 0
    for part in range(10):
        started = time.process_time()
        made = [work(value) for value in over[part * size : part * size + size]]
        parts.append((time.process_time() - started) / size)
        written += sum(len(one or b"") for one in made)
    return sorted(parts)[5], written / (size * 10)


def _font_file() -> str:
    return str(BY_NAME[STYLE.font].path(700))


def _figure(seconds: float, size: float) -> str:
    return f"{1 / seconds:,.0f}/s, {size:,.0f} B"
