"""Tags that are never closed, or closed where they are not open. For `lint`; pure.

Liquid decides which tags there are: in each branch of an `if` or `case` the tags are those that were open before it, so
a cell that begins in two ways is no mistake.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from heliograph.outbound.messages.templates.markup import mask, tags

MOST_TAGS = 6_000
"""Tags and branches that are looked at: what it costs grows with their square. Real templates have 3,000."""

_VOID = frozenset(
    (
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    )
)
_OPTIONAL = frozenset(
    (
        "html",
        "head",
        "body",
        "p",
        "li",
        "dt",
        "dd",
        "td",
        "th",
        "tr",
        "thead",
        "tbody",
        "tfoot",
        "option",
        "colgroup",
    )
)
"""Tags whose end HTML itself supplies (13.1.2.4)."""
_BRANCH = re.compile(r"\{%-?\s*(if|unless|case|else|elsif|when|endif|endunless|endcase)\b")


class _Open(NamedTuple):
    name: str
    start: int


def misnested(html: str) -> list[tuple[int, str]]:
    """The places, in order, and what is wrong there."""
    found: list[tuple[int, str]] = []
    opened: list[_Open] = []
    before: list[list[_Open]] = []
    steps = _steps(html)
    if len(steps) > MOST_TAGS:
        return []
    for place, name, closing in steps:
        if name.startswith("%"):
            opened = _branched(name[1:], opened, before)
        elif not closing:
            opened.append(_Open(name, place))
        elif any(one.name == name for one in opened):
            while (last := opened.pop()).name != name:
                if last.name not in _OPTIONAL:
                    found.append((last.start, f"<{last.name}> is never closed"))
        else:
            found.append((place, f"</{name}> closes nothing"))
    found += ((one.start, f"<{one.name}> is never closed") for one in opened if one.name not in _OPTIONAL)
    return sorted(found)


def _branched(step: str, opened: list[_Open], before: list[list[_Open]]) -> list[_Open]:
    if step in ("if", "unless", "case"):
        before.append(list(opened))
    elif step.startswith("end"):
        if before:
            before.pop()
    elif before:
        return list(before[-1])
    return opened


def _steps(html: str) -> list[tuple[int, str, bool]]:
    """Tags and branches in the order of the text."""
    marks = [(found.start(), "%" + found[1], False) for found in _BRANCH.finditer(html)]
    own = [
        (tag.start, tag.name, tag.closing)
        for tag in tags(mask(html).text)
        if tag.name not in _VOID and ":" not in tag.name and html[tag.end - 2] != "/"
    ]
    return sorted((*marks, *own))
