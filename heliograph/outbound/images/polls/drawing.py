"""One option, and the whole poll, as pictures in full colour; `pictures` makes files of them.

A picture's size depends on its style alone: what a reader sees again with other results does not move the mail
around it.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from heliograph.outbound.images import layers
from heliograph.outbound.images.lettering.line import fitted, paragraph
from heliograph.outbound.images.palette import Rgb, mixed, readable, rgb
from heliograph.outbound.images.polls.style import PollStyle
from heliograph.outbound.images.polls.symbols import symbol

LABEL, PERCENT, PROMPT = 13, 15, 20  # CSS pixels of text below a symbol, and of the question
GAP = 8  # CSS pixels around a symbol and between the rows
TINT = 0.16  # how far the part of a text option that its votes fill goes towards the text's colour


def option(style: PollStyle, number: int, percent: int | None) -> Image.Image:
    """The option of this number (from 1) with its percentage, or with room for it."""
    return _text_option(style, number, percent) if style.kind == "text" else _symbol(style, number, percent)


def whole(style: PollStyle, percents: Sequence[int] | None) -> Image.Image:
    """The question above all options: symbols in a row, texts one below the other."""
    shares: Sequence[int | None] = percents if percents is not None else [None] * style.count
    options = [option(style, number, share) for number, share in enumerate(shares, 1)]
    gap = GAP * style.scale
    if style.kind == "text":
        size = (options[0].width, sum(image.height + gap for image in options) - gap)
        step = (0, options[0].height + gap)
    else:
        size = (sum(image.width for image in options), options[0].height)
        step = (options[0].width, 0)
    question = _question(style, max(size[0], 240 * style.scale))
    above = question.height + gap if question else 0
    width = max(size[0], question.width if question else 0) + 2 * gap
    sheet = Image.new("RGB", (width, above + size[1] + 2 * gap), rgb(style.background))
    if question:
        _ink(sheet, question, ((width - question.width) // 2, gap), rgb(style.prompt_color))
    for place, image in enumerate(options):
        sheet.paste(image, ((width - size[0]) // 2 + place * step[0], gap + above + place * step[1]))
    return sheet


def _symbol(style: PollStyle, number: int, percent: int | None) -> Image.Image:
    scale, ground = style.scale, rgb(style.background)
    size, gap = style.size * scale, GAP * scale
    label = style.labels[number - 1] if style.labels else ""
    rows = [(label, LABEL, rgb(style.poll_option_text))] if any(style.labels) else []
    if style.results:
        rows.append(("" if percent is None else f"{percent}%", PERCENT, rgb(style.results_value)))
    width = size + 4 * gap
    height = size + 2 * gap + sum(round(pixels * 1.5) * scale for _, pixels, _ in rows)
    picture = Image.new("RGB", (width, height), ground)
    drawn = symbol(style.symbols[number - 1], size)
    picture.paste(drawn, (2 * gap, gap), drawn)
    top = size + gap + gap // 2
    for text, pixels, colour in rows:
        if text:
            line = fitted(text, style.font, pixels * scale, width - gap // 2)
            at = ((width - line.width) // 2, top + (round(pixels * 1.5) * scale - line.mask.height) // 2)
            _ink(picture, line.mask, at, colour)
        top += round(pixels * 1.5) * scale
    return picture


def _text_option(style: PollStyle, number: int, percent: int | None) -> Image.Image:
    scale, ground = style.scale, rgb(style.option_background)
    size = (style.width * scale, style.height * scale)
    inset, pixels = size[1] * 2 // 5, size[1] // 3
    text, results = rgb(style.poll_option_text), rgb(style.results_value)
    picture = Image.new("RGB", size, rgb(style.background))
    card = Image.new("RGB", size, ground)
    if percent:
        card.paste(mixed(ground, text, TINT), (0, 0, round(size[0] * percent / 100), size[1]))
    room = size[0] - 2 * inset
    if style.results:
        figure = fitted("100%", style.font, pixels, room // 2).width
        room -= figure + inset // 2
        if percent is not None:
            share = fitted(f"{percent}%", style.font, pixels, room + figure)
            at = (size[0] - inset - share.width, (size[1] - share.mask.height) // 2)
            _ink(card, share.mask, at, readable(ground, results))
    label = paragraph(style.labels[number - 1], style.font, pixels, (room, size[1]))
    left = inset if style.results else (size[0] - label.width) // 2
    _ink(card, label, (left, (size[1] - label.height) // 2), text)
    picture.paste(card, (0, 0), layers.pill(size, min(size[1] // 4, 12 * scale)))
    return picture


def _question(style: PollStyle, width: int) -> Image.Image | None:
    if not style.prompt.strip():
        return None
    pixels = PROMPT * style.scale
    return paragraph(style.prompt, style.font, pixels, (width, pixels * 8))


def _ink(picture: Image.Image, mask: Image.Image, at: tuple[int, int], colour: Rgb) -> None:
    picture.paste(colour, (*at, at[0] + mask.width, at[1] + mask.height), mask)
