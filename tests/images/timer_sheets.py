"""Draws the sheets of timers that are kept in docs/images and looked at: `make golden`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from heliograph.outbound.images.countdown import timer
from heliograph.outbound.images.countdown.style import TEMPLATES, TimerStyle
from heliograph.outbound.images.lettering.families import FAMILIES
from heliograph.outbound.images.lettering.line import line

REMAINING = ((12 * 24 + 8) * 60 + 47) * 60 + 39
GROUND = "#D1D5DB"
GAP = 10


def fonts() -> Image.Image:
    """Every family by every template."""
    rows = [
        [
            picture(TimerStyle(template=template, font=family.name, width=360, height=84))
            for template in TEMPLATES
        ]
        for family in FAMILIES
    ]
    return sheet(rows)


def variants() -> Image.Image:
    """Colours, languages, units, sizes, messages and background pictures."""
    blue = {"background": "#33A8CC", "label_text": "#FFFFFF", "digits": "#000000"}  # S2:L138
    dusk = {"background": "#1E1B4B", "box": "#F59E0B", "digits": "#1E1B4B", "label_text": "#FDE68A"}
    shop = backdrop()
    small = {"width": 480, "height": 112}
    rows = [
        [
            TimerStyle(font="Roboto", **blue, **small),
            TimerStyle(template="cards", font="Poppins", **dusk, **small),
        ],
        [
            TimerStyle(template="ring", font="Lato", background="#0F172A", box="#22D3EE", **small),
            TimerStyle(template="flip", font="Lora", box="#F3F4F6", background="#FFFFFF", **small),
        ],
        [
            TimerStyle(template="cards", labels=("أيام", "ساعات", "دقائق", "ثوانٍ"), **small),
            TimerStyle(template="ring", labels=("日", "時間", "分", "秒"), box="#DC2626", **small),
        ],
        [
            TimerStyle(template="flip", labels=("दिन", "घंटे", "मिनट", "सेकंड"), font="Poppins", **small),
            TimerStyle(labels=("ДНЕЙ", "ЧАСОВ", "МИНУТ", "СЕКУНД"), font="PT Serif", **small),
        ],
        [
            TimerStyle(
                template="cards", background_picture=shop, label_text="#FFFFFF", font="Montserrat", **small
            ),
            TimerStyle(template="flip", background_picture=shop, label_text="#FFF", box="#FFFFFF", **small),
        ],
        [
            TimerStyle(
                template="cards", units=("hours", "minutes", "seconds"), labels=("HRS", "MIN", "SEC"), **small
            ),
            TimerStyle(template="cards", labels=None, box="#BE123C", **small),
        ],
    ]
    drawn = [[picture(style) for style in row] for row in rows]
    long = TimerStyle(
        expired_text="The sale has ended. Thank you for coming, and see you in spring!",
        font="Lora",
        **blue,
        **small,
    )
    arabic = TimerStyle(expired_text="انتهى العرض 🎉", background="#064E3B", **small)
    drawn.append([picture(long, -1), picture(arabic, -1)])
    retina = TimerStyle(template="cards", scale=2, **small)
    hundreds = picture(TimerStyle(template="plain", font="Source Serif 4", **small), 345 * 86_400 + 5)
    drawn.append([picture(retina), hundreds])
    return sheet(drawn)


def picture(style: TimerStyle, remaining: int = REMAINING) -> Image.Image:
    return Image.open(io.BytesIO(timer.still(style, remaining))).convert("RGB")


def backdrop() -> bytes:
    """A background picture as somebody might upload it."""
    drawn = Image.linear_gradient("L").resize((800, 300))
    drawn = Image.merge(
        "RGB", (drawn.point(lambda v: 120 - v // 4), drawn.point(lambda v: 40 + v // 5), drawn)
    )
    pen = ImageDraw.Draw(drawn)
    for x in range(0, 800, 90):
        pen.ellipse((x, 40 + x // 7, x + 130, 170 + x // 7), outline=(240, 180, 90), width=6)
    title = line("SALE", pixels=120).mask
    drawn.paste((250, 200, 120), (240, 30), title.point(lambda v: v // 4))
    target = io.BytesIO()
    drawn.save(target, "JPEG", quality=90)
    return target.getvalue()


def sheet(rows: list[list[Image.Image]]) -> Image.Image:
    width = max(sum(cell.width + GAP for cell in row) for row in rows) + GAP
    height = sum(max(cell.height for cell in row) + GAP for row in rows) + GAP
    whole = Image.new("RGB", (width, height), GROUND)
    y = GAP
    for row in rows:
        x = GAP
        for cell in row:
            whole.paste(cell, (x, y))
            x += cell.width + GAP
        y += max(cell.height for cell in row) + GAP
    return whole


SHEETS = {"timers": fonts, "timer-variants": variants}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    for name, draw in SHEETS.items():
        draw().save(folder / f"{name}.png", optimize=True)
