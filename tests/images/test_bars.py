"""Progress bars: what is read from a URL, what is written, and that the quick drawing is the plain one."""

from __future__ import annotations

import io
import struct
import time
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from plain_bar import plain

from heliograph.errors import Undrawable
from heliograph.outbound.images import bars
from heliograph.outbound.images.bars import BarStyle, Progress
from heliograph.outbound.images.bars import pictures as kept
from heliograph.outbound.images.bars.linear import LinearBar
from heliograph.outbound.images.bars.progress import number, written
from heliograph.outbound.images.lettering.families import FAMILIES
from heliograph.outbound.images.palette import contrast, rgb

SMALL = BarStyle(width=160, height=32, value="percent")
RING = BarStyle(shape="circular", width=120, height=120, value="percent")

STYLES = {
    "default": SMALL,
    "two tones": replace(SMALL, progress_fill="#4F46E5", progress_background="#E5E7EB"),
    "words": replace(SMALL, before="$", after=" raised", value="of", progress_fill="#1E3A8A"),
    "bordered": replace(SMALL, border=2, border_color="#111827", progress_fill="#F59E0B"),
    "square": replace(SMALL, rounded=False, value="value"),
    "square, bordered": replace(SMALL, rounded=False, border=3, border_color="#00F"),
    "thin, the value above": replace(SMALL, thickness=6, height=40),
    "no value": replace(SMALL, value="none"),
    "dark": replace(SMALL, background="#0B1020", progress_fill="#22D3EE", progress_background="#1D2747"),
    "retina": replace(SMALL, scale=2, font="Lora"),
    "odd": replace(SMALL, width=151, height=33, thickness=19),
}
SHARES = (0, 0.4, 1, 2, 5, 9, 12, 37.5, 49, 50, 51.5, 63, 88, 92, 97, 99.6, 100)


def shown(style: BarStyle, current: float, minimum: float = 0, maximum: float = 100) -> Image.Image:
    png = bars.png(style, minimum, maximum, current)
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_quick_picture_is_the_plain_one_pixel_for_pixel(style: BarStyle) -> None:
    bar = LinearBar(style)
    for share in SHARES:
        expected = plain(style, Progress(0, 100, share), bar._box, bar._pixels)
        assert shown(style, share).tobytes() == expected.tobytes(), share


@settings(deadline=None, max_examples=40)
@given(current=st.floats(0, 5000).map(lambda value: round(value, 2)))
def test_any_value_is_the_plain_picture_too(current: float) -> None:
    style = replace(STYLES["words"], minimum=0, maximum=5000)
    bar = LinearBar(style)
    progress = Progress(0, 5000, current)
    assert (
        shown(style, *(current, 0, 5000)).tobytes() == plain(style, progress, bar._box, bar._pixels).tobytes()
    )


@pytest.mark.parametrize("style", [*STYLES.values(), RING], ids=[*STYLES, "ring"])
def test_the_file_is_a_png_that_keeps_every_rule(style: BarStyle) -> None:
    """Chunks and their checksums, a depth that is declared, a filter byte before each row: read without a library."""
    png = bars.png(style, 0, 100, 41)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + data),)
        chunks.append((name, data))
        at += 12 + length
    assert [name for name, _ in chunks] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (width, height) == (style.width * style.scale, style.height * style.scale)
    assert colour == 3 and rest == [0, 0, 0] and depth in (4, 8)
    assert len(chunks[1][1]) % 3 == 0 and len(chunks[1][1]) // 3 <= 2**depth
    rows = zlib.decompress(chunks[2][1])
    stride = 1 + (width * depth + 7) // 8
    assert len(rows) == stride * height
    assert set(rows[::stride]) <= {0, 2}


def test_a_bar_that_is_looked_at_again_gets_smaller_and_stays_the_same() -> None:
    style = replace(SMALL, after=" of all that was hoped for")
    first, second, third = (bars.png(style, 0, 100, 33) for _ in range(3))
    assert len(second) < len(first)
    assert third is second
    assert Image.open(io.BytesIO(first)).tobytes() == Image.open(io.BytesIO(second)).tobytes()


def test_the_caches_stay_within_their_bounds() -> None:
    for turn in range(3000):
        bars.png(SMALL, 0, 1_000_000, turn)
        bars.png(replace(SMALL, width=100 + turn % 500), 0, 100, 50)
    for cache in (kept._styles, kept._pictures):
        assert 0 < cache.weight <= cache.limit


def test_only_nothing_is_empty_and_only_all_is_full() -> None:
    fill, track = rgb(SMALL.progress_fill), rgb(SMALL.progress_background)
    middle = SMALL.height // 2
    bare = replace(SMALL, value="none")
    for current, first, last in (
        (0, track, track),
        (0.001, fill, track),
        (99.999, fill, track),
        (100, fill, fill),
    ):
        picture = shown(bare, current)
        assert picture.getpixel((0, middle)) == first, current
        assert picture.getpixel((SMALL.width - 1, middle)) == last, current
    assert written(Progress(0, 100, 99.999), SMALL) == ("99", "%")
    assert written(Progress(0, 100, 100), SMALL) == ("100", "%")


def test_the_value_can_be_read_on_both_sides_of_the_cut() -> None:
    style = replace(SMALL, progress_fill="#1E3A8A", progress_background="#EEEEEE", progress_value="#333333")
    colours = {colour for _, colour in shown(style, 50).getcolors() or ()}
    assert (255, 255, 255) in colours and rgb("#333333") in colours
    assert contrast(rgb("#1E3A8A"), (255, 255, 255)) > 4.5


def test_the_ends_are_written_in_their_own_colours() -> None:
    style = replace(SMALL, height=60, ends=True, minimum_value="#FF0000", maximum_value="#0000FF")
    picture = shown(style, 10)
    left, right = picture.crop((0, 0, 80, 60)), picture.crop((80, 0, 160, 60))
    assert (255, 0, 0) in {colour for _, colour in left.getcolors() or ()}
    assert (0, 0, 255) in {colour for _, colour in right.getcolors() or ()}
    assert shown(style, 10, 0, 90).tobytes() != picture.tobytes()


@pytest.mark.parametrize(
    "style", [RING, replace(RING, ends=True), replace(RING, rounded=False, thickness=20)]
)
def test_a_ring_is_filled_by_its_share(style: BarStyle) -> None:
    bare = replace(style, value="none")
    fill, track = rgb(style.progress_fill), rgb(style.progress_background)

    def count(current: float, colour: tuple[int, int, int]) -> int:
        return {seen: many for many, seen in shown(bare, current).getcolors() or ()}.get(colour, 0)

    whole = count(100, fill)
    assert count(0, fill) == 0 and count(0, track) == whole
    assert count(100, track) == 0
    counts = [count(current, fill) for current in range(0, 101, 5)]
    assert counts == sorted(counts)
    caps = 0.10 if style.rounded else 0.02
    for current, filled in zip(range(0, 101, 5), counts, strict=True):
        assert abs(filled / whole - current / 100) <= caps, current


def test_a_ring_is_the_same_whoever_asked_before() -> None:
    first = bars.png(RING, 0, 100, 27)
    for current in range(100):
        bars.png(replace(RING, progress_fill="#FF0000"), 0, 100, current)
    assert (
        Image.open(io.BytesIO(bars.png(RING, 0, 100, 27))).tobytes()
        == Image.open(io.BytesIO(first)).tobytes()
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("75", 75),
        (" 75 ", 75),
        ("75%", 75),
        ("+7", 7),
        ("-7", -7),
        ("007", 7),
        ("1,234", 1234),
        ("1,234,567", 1234567),
        ("1.234.567", 1234567),
        ("1 234 567", 1234567),
        ("1\u202f234,50", 1234.5),
        ("1'234", 1234),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("12.5", 12.5),
        ("12,5", 12.5),
        ("1.234", 1.234),
        (".5", 0.5),
        ("5.", 5),
        ("5.0", 5),
        ("\u0667\u0665", 75),
        *(
            (text, None)
            for text in ("", " ", "abc", "1e5", "nan", "inf", "-", ",", ".", "--5", "1,2,3", "0x10", "1_000")
        ),
        *(
            (text, None)
            for text in ("1.5.5", "5 apples", "MERGE_YOUR_VALUE", "{{ points }}", "*|POINTS|*", "9" * 16)
        ),
        ("9" * 100_000, None),
        ("1," * 50_000, None),
    ],
)
def test_numbers_are_read_as_people_and_programs_write_them(said: str, meant: float | None) -> None:
    """PER-9."""
    started = time.process_time()
    found = number(said)
    assert found == meant and type(found) is type(meant)
    assert time.process_time() - started < 2


STORED = BarStyle(minimum=10, maximum=200)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ({}, (10, 200, 10)),
        ({"cur": "75"}, (10, 200, 75)),
        ({"cur": "MERGE_YOUR_VALUE"}, (10, 200, 10)),
        ({"cur": "{{ points }}"}, (10, 200, 10)),
        ({"cur": ""}, (10, 200, 10)),
        ({"cur": "5"}, (10, 200, 10)),
        ({"cur": "-1e999"}, (10, 200, 10)),
        ({"cur": "201"}, (10, 200, 200)),
        ({"min": "0", "max": "5,000", "cur": "1,234.5"}, (0, 5000, 1234.5)),
        ({"min": "50", "max": "50", "cur": "60"}, (10, 200, 60)),
        ({"min": "300", "cur": "60"}, (10, 200, 60)),
        ({"max": "nonsense", "cur": "60"}, (10, 200, 60)),
        ({"min": "-5", "max": "5", "cur": "0"}, (-5, 5, 0)),
    ],
)
def test_a_value_is_clamped_and_a_range_that_is_none_is_the_stored_one(
    query: dict[str, str], meant: tuple[float, float, float]
) -> None:
    """PER-9."""
    assert bars.values(query, STORED) == meant


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional={name: st.text(max_size=12) for name in ("min", "max", "cur")}))
def test_whatever_a_url_says_a_picture_comes_of_it(query: dict[str, str]) -> None:
    progress = bars.values(query, STORED)
    assert progress.minimum < progress.maximum
    assert progress.minimum <= progress.current <= progress.maximum
    assert bars.png(replace(SMALL, value="of"), *progress)[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("style", "progress", "text"),
    [
        (BarStyle(), Progress(0, 5000, 1234), "1,234"),
        (BarStyle(thousands="."), Progress(0, 5000, 1234.5), "1.234,5"),
        (BarStyle(thousands=" "), Progress(0, 5000, 1234.25), "1 234,25"),
        (BarStyle(thousands=""), Progress(0, 5000, 1234.999), "1235"),
        (BarStyle(value="of"), Progress(0, 5000, 1234), "1,234 / 5,000"),
        (BarStyle(value="percent"), Progress(0, 3, 2), "67%"),
        (BarStyle(value="percent"), Progress(-10, 10, 0), "50%"),
        (BarStyle(value="percent", after=" done"), Progress(0, 3, 2), "67% done"),
        (BarStyle(), Progress(0, 10**15, 10**15), "1,000,000,000,000,000"),
    ],
)
def test_values_are_written_for_people(style: BarStyle, progress: Progress, text: str) -> None:
    assert "".join(written(progress, style)) == text


@pytest.mark.parametrize("font", [family.name for family in FAMILIES])
def test_every_font_has_the_figures(font: str) -> None:
    picture = shown(replace(SMALL, font=font, value="of", before="€ ", after=" %"), 50)
    assert len(picture.getcolors() or ()) > 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"width": 100_000},
        {"height": 4},
        {"scale": 9},
        {"width": 1200, "height": 600, "scale": 3},
        {"border": -1},
        {"border": 20, "height": 60},
        {"text_size": 5000},
        {"before": "a" * 100},
        {"minimum": 5, "maximum": 5},
    ],
)
def test_a_style_that_asks_for_too_much_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Undrawable):
        BarStyle(**wrong)


def test_the_longest_value_that_a_url_can_say_is_drawn_in_the_largest_text() -> None:
    """What a style allows must hold for whatever a URL adds to it."""
    style = BarStyle(scale=3, text_size=100, value="of", before="B" * 60, after="W" * 60)
    progress = bars.values({"min": "-999,999,999,999,999", "max": "999999999999999", "cur": "-1.25"}, style)
    assert shown(style, progress.current, progress.minimum, progress.maximum).size == (1800, 180)


def test_ends_that_find_no_room_are_left_out() -> None:
    style = BarStyle(width=40, height=40, ends=True, thousands="")
    assert shown(style, 5, 0, 10**15).size == (40, 40)


@pytest.mark.parametrize("size", [(40, 8), (1200, 8), (40, 600), (1200, 600), (97, 31)])
@pytest.mark.parametrize("shape", ["linear", "circular"])
@pytest.mark.parametrize("extra", [{}, {"ends": True}, {"border": 2}, {"thickness": 1}, {"text_size": 100}])
def test_every_size_that_is_allowed_can_be_drawn(
    size: tuple[int, int], shape: str, extra: dict[str, int]
) -> None:
    if "ends" in extra and size[1] < 32:
        with pytest.raises(Undrawable):
            BarStyle(width=size[0], height=size[1], ends=True)
        return
    style = BarStyle(shape=shape, width=size[0], height=size[1], **extra)  # type: ignore[arg-type]
    for current in (0, 1, 50, 100):
        assert shown(style, current).size == size
