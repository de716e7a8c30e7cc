"""Find the links and the body of an HTML text, without parsing and writing it again.

Mail HTML is written for a dozen renderers at once: conditional comments for Word, VML, attributes that no parser
keeps as they were. So `heliograph.outbound.messages.mail.instrument` changes single attribute values in place, and this
module finds out where they are: a scanner that follows the tokenizer of the HTML standard (13.2.5) as far as
needed to know what is a tag, what is inside a comment, inside quotes, or inside `style` and its kin. Of comments only
conditional ones (`<!--[if mso]>`) are looked into: to Word what is in there is the mail, links and VML shapes with an
`href` included. It is linear in the text's length, whatever the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple

# The rest of a tag: runs of anything but `>` and `=`, and after `=` a value in quotes (where `>` means nothing)
# or without. Possessive throughout: no backtracking, whatever is unbalanced.
_REST = r"""[^>=]*+(?:=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+[^>=]*+)*+>"""
_RAW = "style|script|textarea|title|xmp|iframe|noembed|noframes"
_OURS = rf"(?:a|area|v:[a-z]+|{_RAW}|/?body)(?=[\s/>])|!--"
_SKIP = re.compile(
    rf"(?:[^<]++|<(?!{_OURS})(?:/?+[a-z]{_REST}|[!?/][^>]*+>|(?![a-z/!?])))*+",
    re.IGNORECASE | re.ASCII,
)
_STOP = re.compile(rf"<(?:(a(?:rea)?(?=[\s/>])|v:[a-z]+)|({_RAW})|(/?body)|!--)", re.IGNORECASE | re.ASCII)
_REST_OF_TAG = re.compile(_REST)
_TIDY_REST = re.compile(r"""(?:\s++[a-z][a-z-]*+(?:="[^"]*+")?+)*+\s*+>""", re.IGNORECASE | re.ASCII)
_CONDITION = re.compile(r"<!--\[if[^\]>]*+\]>", re.IGNORECASE)
COMMENT_END = re.compile(r"--!?>")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE | re.ASCII) for name in _RAW.split("|")}
ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:(>)|([^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'][^\s>]*+))?+)?+)"""
)
_REFERENCE = re.compile(r"&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([a-zA-Z][a-zA-Z0-9]*)(;?)(=?))")
_LAST_POINT = 0x10FFFF


class Anchor(NamedTuple):
    """An `a`, an `area` or a shape of VML with an `href`: where the attribute's value stands in the text (without its quotes), the
    values of its other attributes that matter, decoded; None: the attribute is not there."""

    start: int
    end: int
    href: str
    name: str | None
    data_name: str | None
    no_track: bool


class BodyTag(NamedTuple):
    """Where a `<body ...>` or a `</body>` begins and ends."""

    start: int
    end: int
    closing: bool


def scan(html: str) -> Iterator[Anchor | BodyTag]:
    """The links and the body's tags, in the order of the text. Never fails."""
    return _scan(html, 0, len(html))


def _scan(html: str, position: int, limit: int) -> Iterator[Anchor | BodyTag]:
    while True:
        position = _skip(html, position, limit)
        stop = _STOP.match(html, position, limit)
        if stop is None:
            return  # the end, or a tag that never ends: what follows is part of it
        link, raw, body = stop.groups()
        if link:
            anchor, position = _placed_anchor(html, stop.end(), limit)
            if anchor is not None:
                yield anchor
        elif body:
            start, position = position, _after(_REST_OF_TAG.match(html, stop.end(), limit), limit)
            yield BodyTag(start, position, body[0] == "/")
        elif raw:
            inside = _after(_REST_OF_TAG.match(html, stop.end(), limit), limit)
            position = _after(_RAW_END[raw.lower()].search(html, inside, limit), limit)
        else:  # `<!-->` is a whole comment, so its end may use the dashes of its beginning
            end = COMMENT_END.search(html, stop.start() + 2, limit)
            condition = _CONDITION.match(html, stop.start(), limit) if end else None
            position = _after(end, limit)
            if end and condition:
                shown = _scan(html, condition.end(), max(end.start(), condition.end()))
                yield from (found for found in shown if isinstance(found, Anchor))


def decode(value: str) -> str:
    """What an attribute's value means: character references resolved as the standard has it for attributes,
    where `&copy=1` is no copyright sign (HTML 13.2.5.73)."""
    return _REFERENCE.sub(_resolve, value) if "&" in value else value


def _skip(html: str, position: int, limit: int) -> int:
    found = _SKIP.match(html, position, limit)
    return found.end() if found else position


def _after(found: re.Match[str] | None, limit: int) -> int:
    return found.end() if found else limit


def _placed_anchor(html: str, position: int, limit: int) -> tuple[Anchor | None, int]:
    """The anchor whose attributes begin here, and where its tag ends. Most are the same in every mail of a template: what
    a tidy tag says is remembered by its text."""
    tag = _TIDY_REST.match(html, position, limit)
    if tag is None:
        return _anchor(html, position, limit)
    found, end = _known_anchor(tag[0])
    if found is None:
        return None, position + end
    start, stop, href, name, data_name, no_track = found
    return Anchor(position + start, position + stop, href, name, data_name, no_track), position + end


@lru_cache(maxsize=4096)
def _known_anchor(tag: str) -> tuple[Anchor | None, int]:
    return _anchor(tag, 0, len(tag))


def _anchor(html: str, position: int, limit: int) -> tuple[Anchor | None, int]:
    found: dict[str, tuple[int, int, str]] = {}
    while True:
        match = ATTRIBUTE.match(html, position, limit)
        if match is None:
            return None, limit
        position = match.end()
        end, name, *values = match.groups()
        if end:
            break
        place = next((i for i, value in enumerate(values, 3) if value is not None), None)
        span = (match.start(place), match.end(place), match[place]) if place else (position, position, "")
        found.setdefault(name.lower(), span)  # of two attributes of one name the first counts
    if "href" not in found:
        return None, position
    start, stop, raw = found["href"]
    name, data_name = (decode(found[key][2]) if key in found else None for key in ("name", "data-name"))
    return Anchor(start, stop, decode(raw), name, data_name, "data-notrack" in found), position


def _resolve(reference: re.Match[str]) -> str:
    hexadecimal, decimal, name, semicolon, equals = reference.groups()
    if name is None:
        return _character(int(hexadecimal, 16) if hexadecimal else int(decimal[:8]))
    if semicolon:
        return html5[name + ";"] + equals if name + ";" in html5 else reference[0]
    return reference[0] if equals else html5.get(name, reference[0])


def _character(point: int) -> str:
    return chr(point) if 0 < point <= _LAST_POINT and not 0xD800 <= point <= 0xDFFF else "\ufffd"
