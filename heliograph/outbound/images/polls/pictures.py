"""A poll's pictures as PNG files, each drawn once and kept: there are only so many options and percentages."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from heliograph.outbound.images import png as files
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.polls import drawing
from heliograph.outbound.images.polls.style import PollStyle

KEPT_BYTES = 16_000_000  # about 4,000 pictures
COLOURS = 128  # more are not told apart in one symbol
MOST_COLOURS = 256  # of a whole poll: all that a palette holds

_pictures: Kept[tuple[PollStyle, int, int | None], bytes] = Kept(KEPT_BYTES, lambda png: len(png) + 300)


def png(style: PollStyle, option: int, percent: int | None) -> bytes:
    """The picture of one option, numbered from 1, with its percentage; None: without.

    Errors: IndexError for an option that there is not, Undrawable when no font has a character of its label.
    """
    if not 1 <= option <= style.count:
        raise IndexError(f"there are {style.count} options, and this is number {option}")
    key = (style, option, percent)
    return _pictures.get(key) or _pictures.put(key, _written(drawing.option(style, option, percent), COLOURS))


def sheet(style: PollStyle, percents: Sequence[int] | None) -> bytes:
    """The whole poll as it looks in a mail: the prompt and every option. Drawn each time; for previews."""
    return _written(drawing.whole(style, percents), MOST_COLOURS)


def _written(picture: Image.Image, most: int) -> bytes:
    """As few colours as look the same. A flat colour, such as the ground, stays exactly itself (a test holds it)."""
    numbered = picture.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    head = files.head(*picture.size, 8, bytes(numbered.getpalette() or ()))
    return files.written(head, numbered, 8, files.SMALL)
