"""The kept sheets show what is drawn today: a change of looks is made on purpose, and looked at (`make golden`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops
from timer_sheets import SHEETS

KEPT = Path(__file__).parents[2] / "docs" / "images"


@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_is_what_was_looked_at(name: str) -> None:
    """Another release of the rasteriser may differ by a shade at an edge, not by a letter or a place."""
    drawn = SHEETS[name]()
    with Image.open(KEPT / f"{name}.png") as kept:
        difference = ImageChops.difference(drawn, kept.convert("RGB")).convert("L")
    assert sum(difference.histogram()[64:]) < 0.0005 * drawn.width * drawn.height
