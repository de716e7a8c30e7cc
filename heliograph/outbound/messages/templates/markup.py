"""The tags of a template's HTML, with their places; and Liquid hidden from what reads HTML.

For what looks at templates once, when they are saved or first used (`inlining`, `mjml`, `authoring.lint`). What every
mail goes through is `heliograph.outbound.messages.templates.anchors`, whose rules this follows. Pure; linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from heliograph.outbound.messages.templates.anchors import ATTRIBUTE, COMMENT_END, decode

RAW = frozenset(("style", "script", "textarea", "title", "xmp", "iframe", "noembed", "noframes"))
"""Elements whose content is text, whatever it looks like."""

_OPENING = re.compile(r"\{[{%]")
_TAG = re.compile(r"<(?:(!--)|(/?)([a-z][^\s/>]*)|[!?/][^>]*>)", re.IGNORECASE | re.ASCII)
_FILL = "q"
_NO_LINE_END = re.compile(r"[^\n]")
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
    """A text of the same length, where each piece of Liquid is one word (`{{ }}`) or blanks (`{% %}`); what the words
    stand for, and what finds one."""

    text: str
    words: Mapping[str, str]
    word: re.Pattern[str]


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


def liquid(source: str) -> Iterator[tuple[int, int]]:
    """Where each `{{ }}` and `{% %}` begins and ends."""
    position = 0
    missing: set[str] = set()
    while (found := _OPENING.search(source, position)) is not None and len(missing) < 2:
        closing = "}}" if found[0] == "{{" else "%}"
        end = -1 if closing in missing else source.find(closing, found.end())
        if end < 0:
            missing.add(closing)  # nor will a later one be closed
            position = found.end()
        else:
            position = end + len(closing)
            yield found.start(), position


def mask(source: str) -> Masked:
    """The text with its Liquid hidden."""
    start = next((first for first in ("qz", "zq", "qx", "xq", "qj") if first not in source), "jz")
    words: dict[str, str] = {}
    pieces: list[str] = []
    position = 0
    for begin, end in liquid(source):
        text = source[begin:end]
        pieces.append(source[position:begin])
        if text[1] == "%" or len(text) < _SHORTEST:
            pieces.append(_NO_LINE_END.sub(" ", text))
        else:
            word = (start + _digits(len(words))).ljust(len(text), _FILL)
            words[word] = text
            pieces.append(word)
        position = end
    pieces.append(source[position:])
    return Masked("".join(pieces), words, re.compile(f"{start}[0-9a-z]{{3}}{_FILL}*"))


def unmask(text: str, masked: Masked) -> str:
    """The text with what its words stand for."""

    def shown(found: re.Match[str]) -> str:
        word = found[0]
        while word and word not in masked.words:  # what follows a word may look like its end
            word = word[:-1]
        return masked.words[word] + found[0][len(word) :] if word else found[0]

    return masked.word.sub(shown, text) if masked.words else text


def _digits(number: int) -> str:
    digits = ""
    for _ in range(3):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


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
