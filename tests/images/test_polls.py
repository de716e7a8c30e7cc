"""Polls: shares that add up, and pictures that are what their style says."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from heliograph.errors import Undrawable
from heliograph.outbound.images import polls
from heliograph.outbound.images.palette import rgb
from heliograph.outbound.images.polls import PollStyle
from heliograph.outbound.images.polls import pictures as kept
from heliograph.outbound.images.polls.style import SYMBOLS
from heliograph.outbound.images.polls.symbols import SYMBOLS as DRAWN
from heliograph.outbound.images.polls.symbols import symbol

TEXT = PollStyle(kind="text", labels=("A lighter jacket", "Waterproof boots"))
STYLES = {
    "emoji": PollStyle(),
    "five emoji": PollStyle(labels=("Delighted", "Good", "So-so", "Bad", "Awful"), scale=2),
    "thumbs": PollStyle(kind="thumbs", labels=("Yes", "No")),
    "stars": PollStyle(kind="stars", background="#0B1020"),
    "text": TEXT,
    "text without results": replace(TEXT, results=False),
}


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_the_documents_report_adds_up() -> None:
    """PER-11: S2:L530-L540, 1000 and 234 of 1234."""
    assert polls.percents([1000, 234]) == [81, 19]


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([0, 0, 0], [0, 0, 0]),
        ([1, 0, 0], [100, 0, 0]),
        ([1, 1, 1], [34, 33, 33]),
        ([1, 1, 1, 1, 1, 1], [17, 17, 17, 17, 16, 16]),
        ([2, 1], [67, 33]),
        ([999, 1], [100, 0]),
        ([1, 199], [0, 100]),  # equal remainders: the larger count
        ([199, 1], [100, 0]),
        ([10**30, 10**30 + 1], [50, 50]),
        ([], []),
    ],
)
def test_shares_by_the_largest_remainder(counts: list[int], shares: list[int]) -> None:
    """PER-11."""
    assert polls.percents(counts) == shares


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=10))
def test_shares_are_whole_add_up_and_are_never_a_percent_off(counts: list[int]) -> None:
    """PER-11."""
    shares, total = polls.percents(counts), sum(counts)
    assert sum(shares) == (100 if total else 0)
    for count, share in zip(counts, shares, strict=True):
        assert not total or abs(Fraction(100 * count, total) - share) < 1
    for one, other in pairwise(counts):
        assert one < other or shares[counts.index(one)] >= shares[counts.index(other)]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_an_option_has_one_size_whatever_the_results(style: PollStyle) -> None:
    sizes = {opened(polls.png(style, 1, percent)).size for percent in (None, 0, 7, 50, 100)}
    assert len(sizes) == 1


@pytest.mark.parametrize(
    "style", [s for s in STYLES.values() if s.results], ids=[n for n, s in STYLES.items() if s.results]
)
def test_results_are_shown(style: PollStyle) -> None:
    pictures = [polls.png(style, 1, percent) for percent in (None, 0, 50, 51, 100)]
    assert len(set(pictures)) == 5


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_the_ground_is_exactly_the_mails(style: PollStyle) -> None:
    """A symbol's many colours are averaged; the ground around it must not be, or it shows as a box."""
    for option in range(1, style.count + 1):
        picture = opened(polls.png(style, option, 42))
        corners = {picture.getpixel((x, y)) for x in (0, picture.width - 1) for y in (0, picture.height - 1)}
        assert corners == {rgb(style.background)}


@pytest.mark.parametrize(
    ("ground", "text"),
    [
        ("#FFFFFF", "#7A1FA2"),
        ("#DC2626", "#FEF2F2"),
        ("#3A7BD5", "#FFFFFF"),
        ("#FFF7ED", "#7C2D12"),
        ("#123456", "#89ABCD"),
    ],
)
def test_flat_colours_are_exactly_the_chosen_ones(ground: str, text: str) -> None:
    """For all that a symbol's shades are averaged."""
    for style in (STYLES["thumbs"], STYLES["five emoji"], STYLES["text"]):
        own = replace(
            style, background=ground, option_background=ground, poll_option_text=text, results_value=text
        )
        colours = {colour for _, colour in opened(polls.png(own, 1, 0)).getcolors(99999) or ()}
        assert {rgb(ground), rgb(text)} <= colours


def test_the_options_of_a_poll_differ() -> None:
    for name in ("emoji", "five emoji", "thumbs", "text"):
        style = STYLES[name]
        pictures = {polls.png(style, option, None) for option in range(1, style.count + 1)}
        assert len(pictures) == style.count, name


def test_a_text_option_is_filled_by_its_share() -> None:
    """Counted along its foot, where no text is."""
    style = replace(TEXT, option_background="#FFFFFF", poll_option_text="#000000", background="#FFFFFF")
    for percent in (0, 10, 50, 75, 100):
        picture = opened(polls.png(style, 1, percent))
        foot = [picture.getpixel((x, picture.height - 2)) for x in range(20, picture.width - 20)]
        filled = (
            sum(1 for colour in foot if max(colour) < 240)
            + (20 if percent else 0)
            + (20 if percent == 100 else 0)
        )
        assert abs(filled / picture.width - percent / 100) < 0.02, percent


@pytest.mark.parametrize("name", DRAWN)
def test_a_symbol_is_round_about_its_middle_and_stays_in_its_square(name: str) -> None:
    drawn = symbol(name, 128)
    assert drawn.size == (128, 128)
    alpha = drawn.getchannel("A")
    left, top, right, bottom = alpha.getbbox() or (0, 0, 0, 0)
    assert 0 < left < 12 and 116 < right < 128 and 0 < top < 14 and 110 < bottom < 128
    assert alpha.getpixel((0, 0)) == 0 and alpha.getpixel((64, 64)) == 255
    if name not in ("up", "down"):  # faces and the star are the same on both sides
        mirrored = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        light = ("delighted", "happy", "neutral", "sad", "angry")  # comes from a little left
        bound = 24 if name in light else 3
        difference = ImageChops.difference(drawn.convert("RGB"), mirrored.convert("RGB"))
        outside = sum(value > bound for value in difference.convert("L").tobytes())
        assert outside < 128 * 128 * 0.01


def test_every_symbol_of_a_kind_is_drawn() -> None:
    assert {name for sets in SYMBOLS.values() for names in sets for name in names} == set(DRAWN)


def test_the_whole_poll_holds_every_option_as_it_is_shown() -> None:
    for style in STYLES.values():
        shares = polls.percents(list(range(1, style.count + 1)))
        sheet = opened(polls.sheet(replace(style, prompt="How was it?"), shares))
        without = opened(polls.sheet(style, shares))
        assert sheet.height > without.height
        option = opened(polls.png(style, 1, shares[0]))
        assert without.width >= option.width and without.height >= option.height


@pytest.mark.parametrize("prompt", ["Wie war's?", "هل كان مفيدا؟", "क्या यह मददगार था?", "A" * 20, "so " * 60])
def test_a_question_in_any_language_finds_room(prompt: str) -> None:
    assert opened(polls.sheet(PollStyle(kind="thumbs", prompt=prompt), None)).width < 700


def test_a_long_label_gets_smaller_and_stays_inside() -> None:
    style = replace(TEXT, labels=("A label of the sixty characters that are allowed to it, so.", "No"))
    assert opened(polls.png(style, 1, 100)).size == (280, 48)


def test_a_label_that_cannot_be_read_at_any_size_is_refused_when_it_is_drawn() -> None:
    with pytest.raises(Undrawable, match="no room"):
        polls.png(PollStyle(size=24, labels=("W" * 60, "", "")), 1, None)


def test_an_option_that_there_is_not_is_an_error() -> None:
    for option in (0, 4, -1):
        with pytest.raises(IndexError):
            polls.png(PollStyle(), option, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "text"},
        {"kind": "text", "labels": ("one",)},
        {"kind": "text", "labels": ("x",) * 11},
        {"kind": "thumbs", "labels": ("a", "b", "c")},
        {"labels": ("a",) * 6},
        {"size": 5000},
        {"scale": 0},
        {"prompt": "x" * 1000},
        {"labels": ("x" * 1000, "", "")},
    ],
)
def test_a_poll_that_cannot_be_drawn_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Undrawable):
        PollStyle(**wrong)  # type: ignore[arg-type]


def test_an_option_is_drawn_once_and_kept_within_bounds() -> None:
    style = replace(TEXT, width=301)
    assert polls.png(style, 2, 33) is polls.png(style, 2, 33)
    assert 0 < kept._pictures.weight <= kept._pictures.limit
