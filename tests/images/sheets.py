"""Sheets of samples: what bars and polls look like, for eyes and for tests.

    .venv/bin/python tests/images/sheets.py      draws docs/images/bars.png and docs/images/polls.png anew

After a change that is meant to be seen: draw, look, and commit what was looked at.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from heliograph.outbound.images import bars, polls
from heliograph.outbound.images.bars import BarStyle
from heliograph.outbound.images.polls import PollStyle

FOLDER = Path(__file__).parents[2] / "docs" / "images"
GAP = 16
MAT = "#D9DCE1"  # so that a picture's own ground is seen

INDIGO = {"progress_fill": "#4F46E5", "progress_background": "#E5E7EB"}
NIGHT = {
    "background": "#0B1020",
    "progress_fill": "#22D3EE",
    "progress_background": "#1D2747",
    "progress_value": "#E2E8F0",
    "minimum_value": "#94A3B8",
    "maximum_value": "#94A3B8",
}
RING = {"shape": "circular", "width": 140, "height": 140, "value": "percent"}

BARS: Sequence[tuple[BarStyle, Sequence[float]]] = (
    (BarStyle(width=400, value="percent"), (0, 1, 12, 50, 98, 100)),
    (BarStyle(width=400, height=64, value="percent", ends=True, **INDIGO), (8, 49, 75)),  # type: ignore[arg-type]
    (BarStyle(width=400, maximum=5000, value="of", before="$", after=" raised", **INDIGO), (320, 2350, 4999)),  # type: ignore[arg-type]
    (BarStyle(width=400, height=64, value="percent", font="Montserrat", ends=True, **NIGHT), (3, 51, 100)),  # type: ignore[arg-type]
    (
        BarStyle(width=400, height=56, thickness=10, value="percent", ends=True, font="Lora", background="#FFF7ED",
                 progress_fill="#C2410C", progress_background="#FED7AA"),
        (2, 40, 97),
    ),
    (BarStyle(width=400, border=2, rounded=False, border_color="#111827", progress_fill="#F59E0B",
              progress_background="#FFFFFF", value="percent", font="Roboto Slab"), (5, 50, 95)),
    (BarStyle(width=400, border=3, border_color="#1E3A8A", progress_fill="#60A5FA", progress_background="#DBEAFE",
              after=" points", font="Poppins"), (4, 62, 99)),
    (BarStyle(**RING), (2, 50, 98)),  # type: ignore[arg-type]
    (BarStyle(ends=True, **RING, **INDIGO), (0, 30, 100)),  # type: ignore[arg-type]
    (BarStyle(rounded=False, thickness=26, font="Poppins", **RING, **NIGHT), (10, 75, 99)),  # type: ignore[arg-type]
)  # fmt: skip

POLLS: Sequence[tuple[PollStyle, Sequence[int] | None]] = (
    (PollStyle(prompt="How was your delivery?"), (72, 19, 9)),
    (PollStyle(prompt="How do you feel today?", labels=("Delighted", "Good", "So-so", "Bad", "Awful")), (40, 30, 15, 10, 5)),
    (PollStyle(kind="thumbs", prompt="Was this helpful?", labels=("Yes", "No")), (81, 19)),
    (PollStyle(kind="stars", prompt="Rate your stay", size=44, results=False), None),
    (
        PollStyle(kind="stars", prompt="Rate your stay at the seaside hotel with a view that nobody forgets", font="Lora",
                  size=44, background="#0B1020", prompt_color="#FFFFFF", results_value="#FFDD55"),
        (3, 5, 12, 30, 50),
    ),
    (PollStyle(kind="thumbs", prompt="هل كان هذا مفيدا؟", labels=("نعم", "لا")), (64, 36)),
    (PollStyle(kind="text", prompt="What shall we make next?", labels=("A lighter jacket", "Waterproof boots", "More colours")), (55, 33, 12)),
    (
        PollStyle(kind="text", prompt="What shall we make next?", labels=("A lighter jacket", "Waterproof boots", "More colours"),
                  results=False, font="Montserrat", option_background="#4F46E5", poll_option_text="#FFFFFF"),
        None,
    ),
    (PollStyle(scale=2, size=80), (100, 0, 0)),
    (PollStyle(kind="thumbs", scale=2, size=80), None),
)  # fmt: skip


def bars_sheet() -> Image.Image:
    """Every row is a style, from nearly empty to full."""
    rows = [
        [_opened(bars.png(style, style.minimum, style.maximum, current)) for current in values]
        for style, values in BARS
    ]
    return _hung(_broken(rows, 3))


def polls_sheet() -> Image.Image:
    """Whole polls, as their previews show them."""
    return _hung(_broken([[_opened(polls.sheet(style, shares)) for style, shares in POLLS]], 2))


SHEETS: dict[str, Callable[[], Image.Image]] = {"bars.png": bars_sheet, "polls.png": polls_sheet}


def _opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def _broken(rows: list[list[Image.Image]], most: int) -> list[list[Image.Image]]:
    return [row[at : at + most] for row in rows for at in range(0, len(row), most)]


def _hung(rows: list[list[Image.Image]]) -> Image.Image:
    width = max(sum(image.width + GAP for image in row) for row in rows) + GAP
    sheet = Image.new(
        "RGB", (width, sum(max(image.height for image in row) + GAP for row in rows) + GAP), MAT
    )
    top = GAP
    for row in rows:
        left = GAP
        for image in row:
            sheet.paste(image, (left, top))
            left += image.width + GAP
        top += max(image.height for image in row) + GAP
    return sheet


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in SHEETS.items():
        draw().save(FOLDER / name, optimize=True)
