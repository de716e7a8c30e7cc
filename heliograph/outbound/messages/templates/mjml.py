"""MJML -> HTML, by mrml, once for a template's version; Liquid goes through it unseen.

What is a value may stand in any text and attribute. A `{% %}` may also stand between components, where MJML itself
wants `mj-raw` around it: it is put around it here, so a loop over sections or columns is written as it reads.
`mj-include` finds nothing: a template is complete in itself. Pure.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mrml import to_html

from heliograph.outbound.messages.templates.inlining import inline
from heliograph.outbound.messages.templates.markup import liquid
from heliograph.outbound.messages.templates.origin import Origin, line_and_column

_CONTAINERS = "body|wrapper|section|group|column|hero|navbar|social|carousel|accordion|accordion-element"
_STEP = re.compile(rf"<(/?)(?:mj-({_CONTAINERS})|mj-[a-z-]+)(?=[\s/>])[^<>]*+>")
_STYLE = re.compile(r"<mj-style(?=[\s/>])([^<>]*+)>([^<]*+)</mj-style\s*+>")
_INLINED = re.compile(r"""\sinline\s*=\s*["']inline["']""")
_AT = re.compile(r"at position (\d+):(\d+)")
_WORD = re.compile(r"zliquid(\d{6})z")


class Unreadable(NamedTuple):
    """It is no MJML: what is wrong, and where, if that is known."""

    message: str
    line: int | None
    column: int | None


def convert(source: str) -> tuple[str, Origin] | Unreadable:
    """The HTML of an MJML text, and where its Liquid comes from."""
    css = "\n".join(rules for attributes, rules in _STYLE.findall(source) if _INLINED.search(attributes))
    spans = list(liquid(source))
    between = _between_components(source, spans)
    words = [_word(number, number in between) for number in range(len(spans))]
    bare = _STYLE.sub(_without_inlined, _replaced(source, spans, words))
    try:
        made = to_html(bare).content
    except OSError as error:
        return _explained(str(error), bare, source)
    except BaseException as error:  # a panic of mrml's, which is no Exception: hostile text can make one
        if type(error).__name__ != "PanicException":
            raise
        return Unreadable("MJML: it cannot be read", None, None)
    html, origin = _restored(made, source, spans)
    return inline(html, css, own=False, origin=origin)


def _without_inlined(found: re.Match[str]) -> str:
    return "" if _INLINED.search(found[1]) else found[0]


def _word(number: int, between: bool) -> str:
    word = f"zliquid{number:06d}z"
    return f"<mj-raw>{word}</mj-raw>" if between else word


def _replaced(source: str, spans: list[tuple[int, int]], words: list[str]) -> str:
    pieces: list[str] = []
    position = 0
    for (start, end), word in zip(spans, words, strict=True):
        pieces += (source[position:start], word)
        position = end
    return "".join((*pieces, source[position:]))


def _between_components(source: str, spans: list[tuple[int, int]]) -> set[int]:
    """The numbers of the Liquid tags that stand where MJML allows components only."""
    shown = _without_comments(source)
    steps = list(_STEP.finditer(shown))
    found: set[int] = set()
    inside: list[bool] = []
    step = 0
    for number, (start, _) in enumerate(spans):
        while step < len(steps) and steps[step].end() <= start:
            _enter(inside, steps[step])
            step += 1
        in_tag = step < len(steps) and steps[step].start() < start
        if inside and inside[-1] and not in_tag and shown[start : start + 2] == "{%":
            found.add(number)
    return found


def _without_comments(source: str) -> str:
    """The text with blanks for its comments."""
    pieces: list[str] = []
    position = 0
    while (start := source.find("<!--", position)) >= 0:
        end = source.find("-->", start + 4) + 3
        end = end if end > 2 else len(source)
        pieces += (source[position:start], " " * (end - start))
        position = end
    return "".join((*pieces, source[position:]))


def _enter(inside: list[bool], step: re.Match[str]) -> None:
    closing, container = step.groups()
    if closing:
        if inside:
            inside.pop()
    elif step[0][-2] != "/":
        inside.append(container is not None)


def _restored(made: str, source: str, spans: list[tuple[int, int]]) -> tuple[str, Origin]:
    pieces: list[str] = []
    places, written = [0], [0]
    position = length = 0
    for found in _WORD.finditer(made):
        start, end = spans[int(found[1])]
        pieces += (made[position : found.start()], source[start:end])
        length += found.start() - position
        places.append(length)
        written.append(start)
        position, length = found.end(), length + end - start
    return "".join((*pieces, made[position:])), Origin(source, places, written)


def _explained(message: str, bare: str, source: str) -> Unreadable:
    place = _AT.search(message)
    if place is None or bare != source:  # with Liquid replaced, places are not those of the source
        return Unreadable(f"MJML: {message}", None, None)
    before = source.encode()[: int(place[1])].decode("utf-8", "ignore")
    return Unreadable(f"MJML: {message}", *line_and_column(source, len(before)))
