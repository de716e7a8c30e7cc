"""Timers: every frame equals a full drawing of its second, in Pillow and in Chromium; what is shown when."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageSequence
from playwright.async_api import Browser

from heliograph.errors import BadRequest, Undrawable
from heliograph.outbound.images.countdown import lzw, timer
from heliograph.outbound.images.countdown.blocks import descriptor, header
from heliograph.outbound.images.countdown.kit import StyleKit
from heliograph.outbound.images.countdown.languages import LABELS
from heliograph.outbound.images.countdown.layout import laid_out
from heliograph.outbound.images.countdown.style import TEMPLATES, UNITS, TimerStyle, Unit
from heliograph.outbound.images.lettering.families import BY_NAME

MINUTE, HOUR, DAY = 60, 3600, 86_400

EDGES = [
    0, 1, 2, 28, 29, 30, 58, 59, 60, 61, 62, 89, 119, 120, 599, 600, 601,
    HOUR - 1, HOUR, HOUR + 1, HOUR + 28, 10 * HOUR, 10 * HOUR + 5, 20 * HOUR, DAY - 1, DAY, DAY + 1, DAY + 29,
    10 * DAY, 20 * DAY + 3, 99 * DAY, 100 * DAY - 1, 100 * DAY, 100 * DAY + 20, 101 * DAY, 110 * DAY + 1, 200 * DAY + 9,
    999 * DAY, 1000 * DAY - 1,
]  # fmt: skip
"""Seconds at which something turns: minutes, hours, days, tens of days, the third digit, the end."""


def frames(data: bytes) -> Iterator[tuple[Image.Image, int]]:
    """The composited frames as Pillow decodes them, and how long each is shown (milliseconds)."""
    with Image.open(io.BytesIO(data)) as opened:
        for frame in ImageSequence.Iterator(opened):
            yield frame.convert("RGB"), frame.info["duration"]


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one, other).getbbox() is None


def check(kit: StyleKit, remaining: int) -> None:
    """Every frame of the GIF equals a full drawing; the last is the message where the deadline lies inside."""
    decoded = list(frames(kit.gif(remaining)))
    ends = kit.expired is not None and remaining < kit.style.frames - 1
    clock = decoded[:-1] if ends else decoded
    assert len(clock) == min(kit.style.frames, remaining + 1)
    for second, (frame, duration) in enumerate(clock):
        assert same(frame, kit.picture(remaining - second).convert("RGB")), (remaining, second)
        assert duration == 1000
    if ends:
        assert kit.expired
        assert same(decoded[-1][0], kit.expired.picture().convert("RGB"))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("font", BY_NAME)
def test_every_frame_is_a_full_drawing_of_its_second(font: str, template: str) -> None:
    """PER-6: for every font and template, at some of the turning seconds and some others of a fixed choice."""
    dice = random.Random(f"{font} {template}")  # noqa: S311 - a sample
    kit = StyleKit(TimerStyle(template=template, font=font, width=300, height=70, expired_text="Over!"))
    for remaining in [*dice.sample(EDGES, 4), dice.randrange(99 * DAY)]:
        check(kit, remaining)


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("remaining", EDGES)
def test_every_turning_second_is_drawn_right(template: str, remaining: int) -> None:
    """PER-6: all edges, with 62 frames so that each GIF has whole minutes and their turns in it."""
    check(
        timer.kit_of(TimerStyle(template=template, width=200, height=48, labels=None, frames=62)), remaining
    )


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_clock_shows_the_digits_of_the_time_that_remains(template: str) -> None:
    """The full drawing itself, against digits written by hand and drawn as text."""
    style = TimerStyle(
        template=template, background="#FFF", box="#000", digits="#FFF" if template in BOXED else "#000"
    )
    kit, layout = StyleKit(style), laid_out(style)
    for remaining, written in [
        (12 * DAY + 3 * HOUR + 45 * MINUTE + 6, ["12", "03", "45", "06"]),
        (345 * DAY + 23 * HOUR + 59 * MINUTE + 59, ["345", "23", "59", "59"]),
        (0, ["00", "00", "00", "00"]),
        (5000 * DAY, ["999", "23", "59", "59"]),
    ]:
        shown = kit.picture(remaining).convert("L")
        shown = shown if template in BOXED else ImageChops.invert(shown)
        for unit, digits in enumerate(written):
            for place, digit in enumerate(digits):
                cell = layout.numerals.cells[int(digit)]
                x = layout.cell_x(unit, place, len(digits))
                seen = shown.crop((x, layout.digits_top, x + cell.width, layout.digits_top + cell.height))
                wrong = ImageChops.difference(seen.point(INK), cell.point(INK)).histogram()[255]
                assert wrong <= 0.06 * cell.width * cell.height, (remaining, unit, digit)


BOXED = ("cards", "flip")
INK = [255 * (value > 127) for value in range(256)]


@pytest.mark.parametrize("font", BY_NAME)
async def test_chromium_shows_the_same_pixels(chromium: Browser, font: str) -> None:
    """PER-6 in a second decoder that shares no code with the first: frames, durations, and that it plays once."""
    page = await chromium.new_page()
    await page.route("**", lambda route: route.fulfill(body="<p>", content_type="text/html"))
    await page.goto("https://timers.test/")  # decoders are for secure pages only
    for template, remaining in [
        ("cards", DAY + 61),
        ("plain", 12),
        ("flip", 100 * DAY + 3),
        ("ring", HOUR + 2),
    ]:
        style = TimerStyle(
            template=template, font=font, width=300, height=70, frames=20, expired_text="Over!"
        )
        data = StyleKit(style).gif(remaining)
        told = await page.evaluate(DECODE, base64.b64encode(data).decode())
        decoded = list(frames(data))
        assert told["plays"] in (0, 1)  # times it is repeated: browsers count so or so
        assert len(told["frames"]) == len(decoded)
        for (expected, duration), (pixels, microseconds) in zip(decoded, told["frames"], strict=True):
            shown = Image.frombytes("RGBA", expected.size, base64.b64decode(pixels)).convert("RGB")
            assert same(shown, expected)
            assert microseconds == 1000 * duration


DECODE = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  const decoder = new ImageDecoder({data: bytes, type: 'image/gif'});
  await decoder.tracks.ready;
  await decoder.completed;
  const track = decoder.tracks.selectedTrack, frames = [];
  for (let index = 0; index < track.frameCount; index++) {
    const {image} = await decoder.decode({frameIndex: index});
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let text = '';
    for (let at = 0; at < pixels.length; at += 8192)
      text += String.fromCharCode(...pixels.subarray(at, at + 8192));
    frames.push([btoa(text), image.duration]);
    image.close();
  }
  return {frames, plays: track.repetitionCount};
}"""


@pytest.mark.parametrize("seed", range(24))
def test_any_style_that_is_accepted_is_drawn_right(seed: int) -> None:
    """Sizes, colours, units and scales by a fixed choice; the seams fall on other rows and widths each time."""
    dice = random.Random(seed)  # noqa: S311 - a sample
    units: tuple[Unit, ...] = dice.choice([UNITS, UNITS[1:], UNITS[2:]])
    style = TimerStyle(
        template=TEMPLATES[seed % 4],
        width=dice.randrange(120, 601),
        height=dice.randrange(40, 201),
        scale=dice.choice([1, 1, 2]),
        font=dice.choice(list(BY_NAME)),
        background=f"#{dice.getrandbits(24):06x}",
        box=f"#{dice.getrandbits(24):06x}",
        units=units,
        labels=dice.choice([None, ("",) * len(units)]),
        expired_text=dice.choice(["", "Over"]),
        frames=dice.choice([1, 2, 7, 33]),
    )
    for remaining in (dice.choice(EDGES), dice.randrange(DAY)):
        check(StyleKit(style), min(remaining, style.longest))


def test_it_has_thirty_frames_and_plays_once() -> None:
    """PER-6."""
    data = timer.gif(TimerStyle(), 10 * DAY)
    assert [duration for _, duration in frames(data)] == [1000] * 30
    assert b"NETSCAPE" not in data  # without that block a GIF plays once
    assert len(data) < 200_000
    assert data.startswith(b"GIF89a") and data.endswith(b";")


def test_frame_0_is_the_whole_picture_in_one_block_and_opaque() -> None:
    """PER-6: right by itself where no other frame is shown."""
    with Image.open(io.BytesIO(timer.gif(TimerStyle(), 10 * DAY))) as opened:
        assert opened.tile[0][1] == (0, 0, *opened.size)
        assert "transparency" not in opened.info
        assert same(opened.convert("RGB"), timer.kit_of(TimerStyle()).picture(10 * DAY).convert("RGB"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_after_zero_the_message_is_shown_and_stays(template: str) -> None:
    """PER-6."""
    style = TimerStyle(template=template, expired_text="The sale has ended.", label_text="#B91C1C")
    kit = timer.kit_of(style)
    shown = [frame for frame, _ in frames(timer.gif(style, 3))]
    message = Image.open(io.BytesIO(timer.still(style, timer.EXPIRED))).convert("RGB")
    assert len(shown) == 5
    assert same(shown[3], kit.picture(0).convert("RGB"))
    assert same(shown[4], message)
    ((alone, _),) = frames(timer.gif(style, -1))
    assert same(alone, message)
    assert timer.gif(style, -1) == timer.gif(style, -(10**9))


def test_without_a_message_the_clock_stays_at_zero() -> None:
    style = TimerStyle()
    zero = timer.kit_of(style).picture(0).convert("RGB")
    *_, (last, _) = frames(timer.gif(style, 3))
    assert same(last, zero)
    ((alone, _),) = frames(timer.gif(style, -1))
    assert same(alone, zero)


def test_the_deadline_on_the_last_frame_needs_no_message() -> None:
    assert len(list(frames(timer.gif(TimerStyle(expired_text="Over"), 29)))) == 30
    assert len(list(frames(timer.gif(TimerStyle(expired_text="Over"), 28)))) == 30


def test_beyond_999_days_the_clock_stands_at_its_longest() -> None:
    assert timer.still(TimerStyle(), 10**9) == timer.still(TimerStyle(), 1000 * DAY - 1)
    assert len(list(frames(timer.gif(TimerStyle(), 10**12)))) == 30


@pytest.mark.parametrize(
    ("units", "longest"),
    [
        (("hours", "minutes", "seconds"), 1000 * HOUR - 1),
        (("minutes", "seconds"), 1000 * MINUTE - 1),
    ],
)
@pytest.mark.parametrize("template", ["cards", "ring"])
def test_units_above_the_first_are_counted_in_it(
    template: str, units: tuple[Unit, ...], longest: int
) -> None:
    kit = StyleKit(TimerStyle(template=template, units=units, labels=None, width=200, height=60, frames=62))
    for remaining in [0, 61, 100 * longest // 1000 + 5, longest - longest % 60 + 1, longest]:
        check(kit, remaining)


def test_without_seconds_a_frame_stands_until_the_minute_changes() -> None:
    style = TimerStyle(
        units=("days", "hours", "minutes"), labels=None, width=240, height=60, expired_text="Over"
    )
    kit = StyleKit(style)
    (first, one), (second, two) = frames(kit.gif(HOUR + 12))
    assert (one, two) == (13_000, 16_000)
    assert same(first, kit.picture(HOUR).convert("RGB"))
    assert same(second, kit.picture(HOUR - 1).convert("RGB"))
    (standing, shown) = next(frames(kit.gif(HOUR + 40)))
    assert shown == 29_000 and same(standing, kit.picture(HOUR).convert("RGB"))
    (_, until_zero), (message, _) = frames(kit.gif(5))
    assert until_zero == 6_000
    assert kit.expired and same(message, kit.expired.picture().convert("RGB"))


def test_digits_in_the_colour_of_their_ground_still_make_a_gif() -> None:
    style = TimerStyle(template="cards", digits="#123456", box="#123456")
    check(StyleKit(style), 2 * DAY + 61)
    assert style.warnings == ("The digits are hard to read: their contrast is 1.0:1, and 3:1 is the least.",)


def test_retina_has_more_pixels_of_the_same_picture() -> None:
    one, two = (StyleKit(TimerStyle(template="cards", width=300, height=70, scale=scale)) for scale in (1, 2))
    check(two, 61)
    assert two.picture(61).size == (600, 140)
    small = two.picture(61).convert("L").resize((300, 70), Image.Resampling.BOX)
    off = ImageChops.difference(small, one.picture(61).convert("L")).histogram()
    assert sum(off[100:]) < 0.03 * 300 * 70


@pytest.mark.parametrize("template", ["cards", "flip"])
def test_a_background_picture_lies_under_the_boxes(template: str) -> None:
    style = TimerStyle(
        template=template, background_picture=upload("PNG"), width=300, height=70, expired_text="Over"
    )
    kit = StyleKit(style)
    check(kit, 61)
    check(kit, 100 * DAY)
    corner = kit.picture(61).convert("RGB").getpixel((1, 1))
    assert (
        isinstance(corner, tuple) and max(abs(a - b) for a, b in zip(corner, (200, 30, 30), strict=True)) < 12
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_pictures_may_stand_in_place_of_the_messages(form: str) -> None:
    style = TimerStyle(expired_picture=upload(form), fallback_picture=upload(form), width=300, height=80)
    for data in (timer.gif(style, -1), timer.still(style, -1), timer.fallback_gif(style, "")):
        shown = Image.open(io.BytesIO(data)).convert("RGB")
        assert shown.size == (300, 80)
        middle = shown.getpixel((150, 40))
        assert isinstance(middle, tuple) and middle[0] > 180 and middle[1] < 60


def upload(form: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (640, 200), (200, 30, 30)).save(target, form)
    return target.getvalue()


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n broken", upload("PNG")[:60], b"GIF89a"])
def test_a_picture_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(Undrawable, match="cannot be read"):
        timer.gif(TimerStyle(expired_picture=data), 5)


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    target = io.BytesIO()
    Image.new("1", (8000, 8000)).save(target, "PNG")
    with pytest.raises(Undrawable, match="more than 16000000 pixels"):
        timer.gif(TimerStyle(expired_picture=target.getvalue()), 5)


def test_the_fallback_is_the_message_or_what_was_said_otherwise() -> None:
    """PER-8."""
    told = TimerStyle(fallback_text="Sale ends on November 20th!")
    assert timer.fallback_gif(told, "2024-02-09 00:00 UTC") == timer.fallback_gif(told, "")
    untold = timer.fallback_gif(TimerStyle(), "2024-02-09 00:00 UTC")
    assert untold not in (
        timer.fallback_gif(told, ""),
        timer.fallback_gif(TimerStyle(), "2024-02-10 00:00 UTC"),
    )
    assert timer.fallback_still(told, "").startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"template": "neon"}, "template"),
        ({"width": 119}, "width"),
        ({"width": 1201}, "width"),
        ({"height": 601}, "height"),
        ({"scale": 4}, "scale"),
        ({"width": 1200, "height": 600, "scale": 2}, "scale"),
        ({"frames": 0}, "frames"),
        ({"frames": 121}, "frames"),
        ({"font": "Comic Sans"}, "font"),
        ({"label_font": "Comic Sans"}, "label_font"),
        ({"background": "red"}, "background"),
        ({"digits": "#12345"}, "digits"),
        ({"box": "#1234567"}, "box"),
        ({"label_text": "#GGG"}, "label_text"),
        ({"units": ("days", "seconds")}, "units"),
        ({"units": ()}, "units"),
        ({"units": ("seconds",)}, "units"),
        ({"labels": ("DAYS",)}, "labels"),
        ({"labels": ("D" * 41, "", "", "")}, "labels"),
        ({"expired_text": "x" * 201}, "expired_text"),
        ({"fallback_picture": bytes(2_000_001)}, "fallback_picture"),
        ({"background_picture": b"x", "template": "plain"}, "background_picture"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_its_field(wish: dict[str, object], field: str) -> None:
    """PER-4, and the limits of pixels, frames, texts and bytes."""
    with pytest.raises(BadRequest) as refused:
        TimerStyle(**wish)  # type: ignore[arg-type]
    assert field in [fault.field for fault in refused.value.faults]


def test_three_digits_of_a_colour_are_six() -> None:
    """PER-4."""
    assert TimerStyle(background="#3AC").colours == TimerStyle(background="#33AACC").colours


def test_colours_that_are_left_open_can_be_read() -> None:
    for template in TEMPLATES:
        for background in ("#000", "#FFF", "#33A8CC", "#7F7F7F", "#FFD400"):
            assert TimerStyle(template=template, background=background).warnings == ()


@pytest.mark.parametrize("language", LABELS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_labels_in_any_language_have_room(language: str, template: str) -> None:
    style = TimerStyle(template=template, labels=LABELS[language], font="Poppins")
    layout = laid_out(style)
    for unit, label in enumerate(layout.labels):
        x, y = layout.label_at(unit)
        box = label.mask.getbbox()
        assert box and x >= 0 and x + label.width <= style.width and y + box[3] <= style.height
        assert label.pixels >= 8
    assert same(
        next(frames(timer.gif(style, 5)))[0],
        timer.kit_of(style).picture(5).convert("RGB"),
    )


def test_a_label_without_room_or_font_is_refused() -> None:
    with pytest.raises(Undrawable, match="no room"):
        timer.gif(TimerStyle(width=120, height=40, labels=("W" * 40, "", "", "")), 5)
    with pytest.raises(Undrawable, match="No font"):
        timer.gif(TimerStyle(labels=("\u13a0", "", "", "")), 5)


def test_kits_and_gifs_are_kept_within_their_bounds() -> None:
    for number in range(30):
        timer.gif(TimerStyle(width=200 + number, height=48, expired_text=str(number)), number)
    assert timer.gif(TimerStyle(), 77) is timer.gif(TimerStyle(), 77)
    assert timer.kit_of(TimerStyle()) is timer.kit_of(TimerStyle())
    assert timer._kits.weight <= timer.KIT_BYTES
    assert timer._gifs.weight <= timer.GIF_BYTES


@pytest.mark.parametrize("size", range(2, 9))
def test_bands_joined_bit_by_bit_are_one_stream(size: int) -> None:
    """Noise fills the code table several times over, runs hardly grow it; every seam must hold."""
    dice = random.Random(size)  # noqa: S311 - a sample
    for width, heights in [(7, (1, 1, 1)), (60, (5, 40, 9)), (200, (40, 150, 3)), (64, (64, 64, 64))]:
        for noisy in (True, False):
            bands = [
                Image.frombytes("L", (width, height), pixels(dice, width * height, size, noisy))
                for height in heights
            ]
            joined = lzw.joined(
                size, lzw.band(bands[0], size), lzw.band(bands[1], size), lzw.last_band(bands[2], size)
            )
            table = bytes(value for index in range(1 << size) for value in (index, index, index))
            gif = (
                header((width, sum(heights)), size, table)
                + descriptor((0, 0), (width, sum(heights)))
                + joined
                + b";"
            )
            with Image.open(io.BytesIO(gif)) as opened:
                assert opened.tobytes() == b"".join(band.tobytes() for band in bands)


def pixels(dice: random.Random, count: int, size: int, noisy: bool) -> bytes:
    if noisy:
        return bytes(dice.getrandbits(size) for _ in range(count))
    return b"".join(bytes([dice.getrandbits(size)]) * dice.randrange(1, 60) for _ in range(count))[:count]
