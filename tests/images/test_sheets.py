"""The kept sheets show what is drawn today; whoever changes the drawing looks at a new one."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops
from sheets import FOLDER, SHEETS

SEEN = 16  # of 255: less is the rounding of another release of a drawing library, and not seen


@pytest.mark.parametrize("name", SHEETS)
def test_the_kept_sheet_is_what_is_drawn(name: str) -> None:
    drawn, kept = SHEETS[name](), Image.open(FOLDER / name).convert("RGB")
    assert drawn.size == kept.size
    difference = ImageChops.difference(drawn, kept).convert("L").histogram()
    assert sum(difference[SEEN:]) < 0.001 * drawn.width * drawn.height
