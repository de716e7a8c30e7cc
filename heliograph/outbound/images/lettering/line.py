"""One line of text -> a mask, shaped and drawn by HarfBuzz (Pillow's own shaping needs a system library).

`fitted` makes it small enough for a width; `paragraph` breaks it into several lines. Pictures paint colours through
the masks. What was drawn is kept, within bounds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import uharfbuzz as hb
from PIL import Image, ImageChops

from heliograph.errors import Undrawable
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.lettering.families import DEFAULT, Face, chain, typeface
from heliograph.outbound.images.lettering.runs import Run, visual_runs

SMALLEST_PIXELS = 5
"""Nobody can read what is smaller; text that does not fit even so is refused."""

LONGEST_TEXT = 500  # characters
LARGEST_MASK = 4_000_000  # pixels of one line: a character takes about half of its size squared
KEPT_BYTES = 16_000_000
LEADING = 1.28  # from baseline to baseline, in sizes
_SPACED = {"Latn", "Cyrl", "Grek", "Hebr", "Armn", "Geor", "Hani", "Hira", "Kana", "Hang", "Zyyy", "Zinh"}
"""Scripts whose letters may be spaced out; in the others they are joined, and spacing tears words."""

_IDEOGRAPHIC = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NOT_FIRST = "\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1a\uff1b\u300d\u300f\uff09\u30fc"  # closing marks: may not begin a line


class Line(NamedTuple):
    """A drawn line. Do not draw on `mask` ("L", 255 is ink): it is kept.

    The baseline is `ascent` pixels below the mask's top; the pen began `left` pixels from its left edge and moved by
    `advance` pixels. Ascent and descent are the fonts', not the ink's, so that lines in one font align.
    """

    mask: Image.Image
    ascent: int
    descent: int
    advance: float
    left: int
    pixels: float

    @property
    def width(self) -> int:
        """Pixels, with whatever hangs over on either side."""
        return self.mask.width


class _Glyph(NamedTuple):
    face: Face
    id: int
    x: float  # sizes from the pen's beginning
    y: float


class _Part(NamedTuple):
    mask: Image.Image
    x: int  # pixels from the pen's beginning to the left edge
    top: int  # pixels from the baseline up to the top edge


_lines: Kept[tuple[str, str, float, bool, float], Line] = Kept(
    KEPT_BYTES, lambda line: line.mask.width * line.mask.height + 500
)


def line(
    text: str, family: str = DEFAULT, pixels: float = 16, *, bold: bool = True, spacing: float = 0
) -> Line:
    """The text on one line in a family of `families.FAMILIES` at a size in pixels.

    `spacing`: room between letters in sizes (0.06 suits capitals), where the script allows it. Errors: Undrawable
    when no font has a character, or the text is too long; KeyError for an unknown family.
    """
    key = (text, family, pixels, bold, spacing)
    return _lines.get(key) or _lines.put(key, _draw(*key))


def fitted(
    text: str, family: str, pixels: float, width: int, *, bold: bool = True, spacing: float = 0
) -> Line:
    """The text on one line at this size, or as much smaller as the width demands. Errors: Undrawable."""
    drawn = line(text, family, pixels, bold=bold, spacing=spacing)
    while drawn.width > width:
        pixels = min(pixels - 0.5, math.floor(2 * pixels * width / drawn.width) / 2)
        if pixels < SMALLEST_PIXELS:
            raise Undrawable(f"There is no room for {text[:40]!r}: it may be {width} pixels wide.")
        drawn = line(text, family, pixels, bold=bold, spacing=spacing)
    return drawn


def paragraph(
    text: str, family: str, pixels: float, room: tuple[int, int], *, bold: bool = True
) -> Image.Image:
    """The text as a mask of centred lines that fits the room (width, height), smaller if need be.

    Breaks at blanks (and anywhere in scripts without them) and at line feeds. Errors: Undrawable.
    """
    while pixels >= SMALLEST_PIXELS:
        lines = [
            line(part, family, pixels, bold=bold)
            for row in text.split("\n")
            for part in _broken(row, family, pixels, room[0], bold=bold)
        ]
        height = math.ceil(LEADING * pixels * (len(lines) - 1)) + (lines[-1].ascent + lines[-1].descent)
        if height <= room[1] and max(drawn.width for drawn in lines) <= room[0]:
            return _stacked(lines, pixels, (max(drawn.width for drawn in lines), height))
        pixels = min(pixels - 1, pixels * 0.93)
    raise Undrawable(f"There is no room for {text[:40]!r}: it may be {room[0]} by {room[1]} pixels.")


def _draw(text: str, family: str, pixels: float, bold: bool, spacing: float) -> Line:
    if len(text) > LONGEST_TEXT or len(text) * pixels * pixels / 2 > LARGEST_MASK:
        raise Undrawable(f"The text is too long for one line: {len(text)} characters at {pixels:g} pixels.")
    runs = visual_runs(text, family, bold=bold)
    glyphs: list[_Glyph] = []
    advance = 0.0
    for run in runs:
        advance = _shape(run, advance, spacing, glyphs)
    faces = {chain(family, bold=bold, text=text)[0], *(run.face for run in runs)}
    ascent = math.ceil(max(_extents(face).ascender / _upem(face) for face in faces) * pixels)
    descent = math.ceil(max(-_extents(face).descender / _upem(face) for face in faces) * pixels)
    return _pasted(list(_rasters(glyphs, pixels)), ascent, descent, advance * pixels)._replace(pixels=pixels)


def _pasted(parts: list[_Part], ascent: int, descent: int, advance: float) -> Line:
    """The parts in one mask, which holds all ink even where it hangs over."""
    left = max([0, *(-part.x for part in parts)])
    right = max([math.ceil(advance), *(part.x + part.mask.width for part in parts)])
    ascent = max([ascent, *(part.top for part in parts)])
    descent = max([descent, *(part.mask.height - part.top for part in parts)])
    mask = Image.new("L", (max(1, left + right), ascent + descent))
    for part in parts:
        _lay(mask, part.mask, left + part.x, ascent - part.top)
    return Line(mask, ascent, descent, advance, left, 0)


def _shape(run: Run, x: float, spacing: float, glyphs: list[_Glyph]) -> float:
    """Append the run's glyphs, the pen at x sizes; where the pen is then."""
    buffer = hb.Buffer()
    buffer.add_str(run.text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if run.level % 2 else "ltr"
    font, upem = typeface(run.face), _upem(run.face)
    spaced = spacing if buffer.script in _SPACED else 0
    hb.shape(font, buffer, {"liga": not spaced})
    before = None
    for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if x and info.cluster != before:  # a letter and its marks are one cluster
            x += spaced
        before = info.cluster
        glyphs.append(_Glyph(run.face, info.codepoint, x + place.x_offset / upem, place.y_offset / upem))
        x += place.x_advance / upem
    return x


def _rasters(glyphs: list[_Glyph], pixels: float) -> Iterator[_Part]:
    """The glyphs of each face drawn together."""
    for face in dict.fromkeys(glyph.face for glyph in glyphs):
        font, upem = typeface(face), _upem(face)
        canvas = hb.RasterDraw()
        canvas.scale_factor = (upem / pixels, upem / pixels)
        for glyph in glyphs:
            if glyph.face == face:
                canvas.transform = (1, 0, 0, 1, glyph.x * upem, glyph.y * upem)
                canvas.draw_glyph(font, glyph.id)
        drawn = canvas.render()
        box = drawn.extents
        if box.width and box.height:
            upright = Image.frombytes("L", (box.width, box.height), drawn.buffer, "raw", "L", box.stride, -1)
            yield _Part(upright, box.x_origin, box.y_origin + box.height)


def _broken(row: str, family: str, pixels: float, width: int, *, bold: bool) -> Iterator[str]:
    """The row's parts that are no wider than this, each as long as can be; a longer word stays whole."""
    kept = ""
    for word in _words(row):
        longer = kept + word
        if kept and line(longer.strip(), family, pixels, bold=bold).width > width:
            yield kept.strip()
            longer = word.lstrip()
        kept = longer
    yield kept.strip()


def _words(row: str) -> list[str]:
    """Pieces between which a line may break: before blanks, and between CJK characters."""
    pieces: list[str] = []
    for character in row:
        if not pieces or character == " " or (_IDEOGRAPHIC.match(character) and character not in _NOT_FIRST):
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


def _stacked(lines: list[Line], pixels: float, size: tuple[int, int]) -> Image.Image:
    if len(lines) == 1:
        return lines[0].mask
    whole = Image.new("L", size)
    for number, drawn in enumerate(lines):
        top = round(number * LEADING * pixels) + lines[0].ascent - drawn.ascent
        _lay(whole, drawn.mask, (size[0] - drawn.width) // 2, max(0, top))
    return whole


def _lay(whole: Image.Image, mask: Image.Image, x: int, y: int) -> None:
    """Ink on ink stays ink: neighbours may overlap."""
    box = (x, y, x + mask.width, y + mask.height)
    whole.paste(ImageChops.lighter(whole.crop(box), mask), box)


def _extents(face: Face) -> hb.FontExtents:
    return typeface(face).get_font_extents("ltr")


def _upem(face: Face) -> int:
    return int(typeface(face).face.upem)
