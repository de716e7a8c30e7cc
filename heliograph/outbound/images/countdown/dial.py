"""What a clock face is to the assembly: a still picture, and in a band of its rows parts that change.

`boxes` and `rings` make dials; `kit` makes frames of them and knows nothing of their looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image

Part = tuple[int, int]
"""Where a part is laid (pixels from the left) and which one it is."""

Parts = tuple[Part, ...]


class Dial(NamedTuple):
    """A face without a time. All pictures are palette indexes ("L").

    `parts`: the parts that show these values of the units, from left to right; what changes from one second to the next is the
    last of them, from some place on. `part`: a part's picture, as high as the band.
    """

    still: Image.Image
    top: int
    height: int
    parts: Callable[[list[int]], Parts]
    part: Callable[[int], Image.Image]

    def rows(self, first: int, last: int) -> Image.Image:
        """The rows of the still picture from the first up to the last."""
        return self.still.crop((0, first, self.still.width, last))
