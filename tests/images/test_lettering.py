"""Text as masks: every family, every script, right to left, marks; what cannot be written is named."""

from __future__ import annotations

import subprocess
import sys

import fontpkg
import pytest
from PIL import Image, ImageChops, ImageFont

from heliograph.errors import Undrawable
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.lettering.families import BY_NAME, DEFAULT, FAMILIES
from heliograph.outbound.images.lettering.line import KEPT_BYTES, _lines, fitted, line, paragraph
from heliograph.outbound.images.lettering.runs import visual_runs


def ink(mask: Image.Image) -> int:
    return sum(mask.histogram()[128:])


def differing(one: Image.Image, other: Image.Image) -> float:
    """The share of ink that is not in both."""
    size = (max(one.width, other.width), max(one.height, other.height))
    wide = [Image.new("L", size) for _ in range(2)]
    for whole, part in zip(wide, (one, other), strict=True):
        whole.paste(part.point(lambda v: 255 * (v > 127)), (0, 0))
    return ink(ImageChops.difference(*wide)) / max(ink(wide[0]), 1)


def test_the_families_are_those_of_the_document_in_its_order() -> None:
    """PER-4, S2:L116."""
    said = (
        "Montserrat, Open Sans, Roboto, Lato, Poppins, Noto Sans, Source Serif 4, Lora, PT Serif, Noto Serif, "
        "or Roboto Slab"
    )
    assert [family.name for family in FAMILIES] == said.replace("or ", "").split(", ")
    assert DEFAULT == "Open Sans"


@pytest.mark.parametrize("name", BY_NAME)
def test_a_family_brings_its_licence_and_both_weights(name: str) -> None:
    family = BY_NAME[name]
    assert fontpkg.family(name).license == family.licence
    assert (family.path(400).parent.parent / "LICENSE").stat().st_size > 1000
    assert ink(line("Stay", name, 40, bold=True).mask) > 1.05 * ink(line("Stay", name, 40, bold=False).mask)


@pytest.mark.parametrize("name", BY_NAME)
def test_letters_look_as_freetype_draws_them(name: str) -> None:
    """An independent rasteriser with its own reading of the font: sizes, weights and outlines agree."""
    path = BY_NAME[name].path(700)
    font = ImageFont.truetype(path, 240, layout_engine=ImageFont.Layout.BASIC)
    if "wght" in path.name:
        font.set_variation_by_name("Bold")
    for character in "R08g":
        drawn = font.getmask(character)
        expected = Image.frombytes("L", drawn.size, bytes(drawn))
        ours = line(character, name, 240).mask
        assert differing(cropped(ours), cropped(expected)) < 0.06, character


def cropped(mask: Image.Image) -> Image.Image:
    box = mask.point(lambda v: 255 * (v > 127)).getbbox()
    assert box
    return mask.crop(box)


SCRIPTS = {
    "Greek": "ΗΜΕΡΕΣ",
    "Cyrillic": "ЧАСОВ",
    "Vietnamese": "Giờ Phút Giây",
    "Hebrew": "שעות",
    "Arabic": "ساعات",
    "Devanagari": "घंटे",
    "Bengali": "ঘণ্টা",
    "Tamil": "மணி",
    "Telugu": "గంటలు",
    "Thai": "ชั่วโมง",
    "Georgian": "საათი",
    "Armenian": "ժամ",
    "Japanese": "時間セール",
    "Chinese": "小时",
    "Korean": "시간",
    "emoji": "\U0001f389\U0001f468\u200d\U0001f469\u200d\U0001f467",
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("bold", [True, False])
def test_text_in_any_script_is_drawn(script: str, bold: bool) -> None:
    drawn = line(SCRIPTS[script], "Lato", 24, bold=bold)
    assert ink(drawn.mask) > 100
    assert drawn.ascent + drawn.descent == drawn.mask.height


def test_emoji_of_several_characters_are_one_picture() -> None:
    thumb, dark, flag = "\U0001f44d", "\U0001f3fd", "\U0001f1e9\U0001f1ea"
    assert line(thumb + dark, pixels=40).advance == line(thumb, pixels=40).advance
    assert line(flag, pixels=40).advance == line(thumb, pixels=40).advance


def test_arabic_letters_are_joined() -> None:
    """Four letters as a word are narrower than alone, and are no longer four pieces of ink."""
    word = line("بيتك", pixels=40)
    assert word.advance < 0.8 * sum(line(letter, pixels=40).advance for letter in "بيتك")


def test_arabic_is_not_torn_by_spacing() -> None:
    assert line("ساعات", pixels=20, spacing=0.2).advance == line("ساعات", pixels=20).advance
    assert line("DAYS", pixels=20, spacing=0.2).advance == pytest.approx(line("DAYS", pixels=20).advance + 12)


def test_marks_do_not_move_the_pen() -> None:
    assert line("שָׁבוּעַ", pixels=40).advance == pytest.approx(line("שבוע", pixels=40).advance, abs=0.1)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        # Orders as UAX #9 section 3.4 has them: letters right to left, numbers and Latin left to right.
        ("שעות 12", "12 |שעות"),
        ("abc שעות 12", "abc |12| שעות"),
        ("שעות abc 34", "abc 34| שעות"),
        ("12 אב (3)", ")|3| אב (|12"),  # each run in logical order: HarfBuzz turns the brackets
    ],
)
def test_runs_stand_as_they_are_seen(text: str, seen: str) -> None:
    assert "".join(run.text for run in visual_runs(text, DEFAULT, bold=True)).replace(
        " ", ""
    ) == seen.replace(" ", "").replace("|", "")


def test_hebrew_is_drawn_from_right_to_left() -> None:
    """The first letter stands rightmost: the mask of the word ends with that letter's ink."""
    word, first = line("אל", pixels=60), line("א", pixels=60)
    end = word.mask.crop((word.width - first.width, 0, word.width, word.mask.height))
    assert differing(cropped(end), cropped(first.mask)) < 0.08


def test_what_no_font_has_is_named() -> None:
    with pytest.raises(Undrawable, match=r"No font is installed for: . \(U\+13A0\), 𒀀 \(U\+12000\)\."):
        line("Sale \u13a0𒀀")


def test_text_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(Undrawable, match="too long"):
        line("A" * 501)
    with pytest.raises(Undrawable, match="too long"):
        line("A" * 100, pixels=400)


def test_an_unknown_family_is_our_callers_mistake() -> None:
    with pytest.raises(KeyError):
        line("A", "Comic Sans")


def test_control_characters_and_line_feeds_are_blanks() -> None:
    assert line("A\nB\t", pixels=20).advance == line("A B", pixels=20).advance


def test_fitted_text_is_as_large_as_the_width_allows() -> None:
    whole = fitted("SEKUNDEN", DEFAULT, 40, 10_000)
    assert whole.width == line("SEKUNDEN", DEFAULT, 40).width
    small = fitted("SEKUNDEN", DEFAULT, 40, whole.width // 2)
    assert 0.9 * (whole.width // 2) < small.width <= whole.width // 2
    with pytest.raises(Undrawable, match="no room"):
        fitted("SEKUNDEN", DEFAULT, 40, 12)


def test_a_paragraph_breaks_at_blanks_and_fits_its_room() -> None:
    room = (200, 80)
    broken = paragraph("The sale has ended, thank you", DEFAULT, 24, room)
    assert broken.width <= 200 and broken.height <= 80
    assert broken.height > 1.5 * line("The", DEFAULT, 24).mask.height
    assert paragraph("One\nTwo", DEFAULT, 24, room).height > line("One", DEFAULT, 24).mask.height
    with pytest.raises(Undrawable, match="no room"):
        paragraph("The sale has ended, thank you " * 15, DEFAULT, 24, (100, 40))


def test_japanese_breaks_without_blanks() -> None:
    assert paragraph("セールは終了しました。", DEFAULT, 24, (120, 200)).height > 50


def test_what_is_kept_stays_within_its_bound() -> None:
    kept: Kept[int, bytes] = Kept(100, len)
    for number in range(10):
        kept.put(number, bytes(30))
    assert kept.weight == 90 and [number for number in range(10) if kept.get(number)] == [7, 8, 9]
    kept.get(7)
    kept.put(10, bytes(30))
    assert kept.get(7) and not kept.get(8)
    kept.put(11, bytes(101))
    assert not kept.get(11) and kept.weight == 90


def test_lines_are_kept_within_their_bound() -> None:
    for number in range(60):
        line(str(number), pixels=400)
    assert 0 < _lines.weight <= KEPT_BYTES


def test_no_system_library_is_needed() -> None:
    """Pillow's own shaping loads libfribidi from the system; ours must not."""
    source = (
        "from heliograph.outbound.images.lettering.line import line\n"
        "line('שעות ساعات')\n"
        "print('fribidi' in open('/proc/self/maps').read())"
    )
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
