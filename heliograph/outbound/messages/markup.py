"""The tags of a template's HTML, with their places; and Liquid hidden from what reads HTML.

For what looks at templates once, when they are saved or first used (`inlining`, `mjml`, `lint`). What every mail goes
through is `heliograph.outbound.messages.anchors`, whose rules this follows. Pure; linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from heliograph.outbound.messages.anchors import ATTRIBUTE, COMMENT_END, decode

LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
RAW = frozenset(("style", "script", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
"""Elements whose content is text, whatever it looks like."""

_TAG = re.compile(r"<(?:(!--)|(/?)([a-z][^\s/>]*)|[!?/][^>]*>)", re.IGNORECASE | re.ASCII)
_SHORTEST = len("{{x}}")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Value(NamedTuple):
    """An attribute's value, decoded, and where it stands (without its quotes)."""

    text: str
    start: int
    end: int


class Tag(NamedTuple):
    """A tag: from `<` to behind `>`; `named` is the place behind its name. `attributes` only of start tags."""

    name: str
    closing: bool
    start: int
    named: int
    end: int
    attributes: Mapping[str, Value]


class Masked(NamedTuple):
    """A text of the same length, where each piece of Liquid is one word (`{{ }}`) or blanks (`{% %}`); and what the
    words stand for."""

    text: str
    words: Mapping[str, str]


def tags(html: str) -> Iterator[Tag]:
    """The tags, in order, without what is in comments. Never fails; a tag that never ends is none."""
    position = 0
    while (found := _TAG.search(html, position)) is not None:
        comment, slash, name = found.groups()
        if comment:
            end = COMMENT_END.search(html, found.start() + 2)
            position = end.end() if end else len(html)
            continue
        position = found.end()
        if name is None:
            continue
        attributes, end_of_tag = _attributes(html, position)
        if end_of_tag is None:
            return
        tag = Tag(name.lower(), bool(slash), found.start(), found.end(), end_of_tag, attributes)
        yield tag
        position = end_of_tag
        if tag.name in RAW and not tag.closing:
            close = re.compile(rf"</{tag.name}(?=[\s/>])", re.IGNORECASE | re.ASCII).search(html, position)
            position = close.start() if close else len(html)


def mask(source: str) -> Masked:
    """The text with its Liquid hidden."""
    words: dict[str, str] = {}
    start = next(first for first in ("qz", "zq", "qx", "xq", "jz") if first not in source or first == "jz")

    def hide(found: re.Match[str]) -> str:
        text = found[0]
        if text[1] == "%" or len(text) < _SHORTEST:
            return re.sub(r"[^\n]", " ", text)
        number, digits = len(words), ""
        for _ in range(3):
            number, digit = divmod(number, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        word = (start + digits).ljust(len(text), "q")
        words[word] = text
        return word

    return Masked(LIQUID.sub(hide, source), words)


def unmask(text: str, words: Mapping[str, str]) -> str:
    """The text with what its words stand for."""
    for word, liquid in words.items():
        if word in text:
            text = text.replace(word, liquid)
    return text


def _attributes(html: str, position: int) -> tuple[dict[str, Value], int | None]:
    found: dict[str, Value] = {}
    while True:
        match = ATTRIBUTE.match(html, position)
        if match is None:
            return found, None
        position = match.end()
        end, name, *values = match.groups()
        if end:
            return found, position
        place = next((i for i, value in enumerate(values, 3) if value is not None), None)
        value = Value(decode(match[place]), *match.span(place)) if place else Value("", position, position)
        found.setdefault(name.lower(), value)
