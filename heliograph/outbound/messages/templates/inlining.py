"""The rules of a template's `style` elements, put into the `style` attributes of the tags that they match.

Some mail programs read no `style` element. The rules are matched by css-inline, on a copy whose Liquid is hidden; the
text itself is not written again: declarations are put in, and every other character stays what it was, conditional
comments included. The `style` elements stay too: media queries, `:hover` and what only newer programs know is there.
Done once for a template's version. Pure.

A `style` element is left out that is marked (`data-ignore-inlining`, as tracking codes are: LH-126;
`data-css-inline="ignore"`), that is for other media than a screen, or in which Liquid decides what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from css_inline import CSSInliner, InlineError
from selectolax.lexbor import LexborHTMLParser

from heliograph.outbound.messages.templates.markup import Masked, Tag, mask, tags, unmask
from heliograph.outbound.messages.templates.origin import Insertion, Origin, insert

MATCHES_LIMIT = 4_000_000
"""Rules times tags that are matched: a second at most. The largest real templates have 300 rules and 3,000 tags."""

_MARK = "data-heliograph-tag"
_IGNORED = ("data-ignore-inlining", "data-css-inline")
_STYLE_END = re.compile(r"</style", re.IGNORECASE)
_PROPERTY = re.compile(r"(?:^|;)\s*(-?[a-z][a-z-]*)\s*:", re.IGNORECASE)
_DECLARATION = re.compile(r"""(?:[^;"'(]++|"[^"]*+"?|'[^']*+'?|\([^)]*+\)?)++""")
_NO_STYLE = frozenset(("html", "head", "title", "meta", "link", "style", "script", "base"))
_SCREENS = frozenset(("", "all", "screen"))


def inline(html: str, css: str = "", *, own: bool = True, origin: Origin | None = None) -> tuple[str, Origin]:
    """The HTML with its rules in its tags, and where its places come from. `css`: rules beside those of the text;
    `own` False: those of the text are left alone; `origin`: where the places of `html` come from."""
    masked = mask(html)
    found = [tag for tag in tags(masked.text) if not tag.closing]
    own = own and any(tag.name == "style" for tag in found)
    if not (css or own) or too_many(html, len(found)):
        return insert(html, (), origin)
    styles = _matched(_marked(masked, found, html, own=own), css)
    insertions = [
        insertion
        for number, tag in enumerate(found)
        if number in styles
        for insertion in _into(tag, html, unmask(styles[number], masked))
    ]
    return insert(html, insertions, origin)


def too_many(html: str, count: int) -> bool:
    """Whether there are more rules and tags (`count`) than are matched with each other."""
    return html.count("{") * count > MATCHES_LIMIT


def _marked(masked: Masked, found: list[Tag], html: str, *, own: bool) -> str:
    """The copy that rules are matched on: its tags numbered, without their own `style` attributes."""
    text = masked.text
    pieces: list[str] = []
    position = 0
    for number, tag in enumerate(found):
        pieces.append(text[position : tag.named])
        position = tag.named
        if tag.name == "style":
            ignored = not own or _left_out(tag, html)
            pieces.append(' data-css-inline="ignore"' if ignored else "")
        elif tag.name not in _NO_STYLE:
            pieces.append(f' {_MARK}="{number}"')
            if "style" in tag.attributes:
                own_style = tag.attributes["style"]
                # The value goes, the attribute stays: without a value it has none to merge with.
                pieces.append(text[position : own_style.start])
                position = own_style.end
    pieces.append(text[position:])
    return "".join(pieces)


def _left_out(tag: Tag, html: str) -> bool:
    end = _STYLE_END.search(html, tag.end)
    content = html[tag.end : end.start() if end else len(html)]
    media = tag.attributes["media"].text.strip().lower() if "media" in tag.attributes else ""
    return media not in _SCREENS or "{%" in content or any(name in tag.attributes for name in _IGNORED)


def _matched(marked: str, css: str) -> dict[int, str]:
    inliner = CSSInliner(keep_style_tags=True, load_remote_stylesheets=False, extra_css=css or None)
    try:
        made = LexborHTMLParser(inliner.inline(marked))
    except InlineError:  # rules that cannot be read match nothing; `authoring.lint` says so
        return {}
    styles: dict[int, str] = {}
    for node in made.css(f"[{_MARK}][style]"):
        styles.setdefault(int(node.attributes[_MARK] or 0), node.attributes["style"] or "")
    return {number: style for number, style in styles.items() if style.strip()}


def _into(tag: Tag, html: str, style: str) -> Iterator[Insertion]:
    """What is put into a tag. Its own declarations come last and win, as they do over rules."""
    own = tag.attributes.get("style")
    said = set(map(str.lower, _PROPERTY.findall(own.text))) if own else set()
    kept = [one for one in _declarations(style) if "!important" in one or one.partition(":")[0] not in said]
    if not kept:
        return
    text = _attribute("; ".join(kept))
    if own is None:
        yield Insertion(tag.named, f' style="{text}"')
    elif html[own.start - 1] in "\"'":
        yield Insertion(own.start, f"{text}; " if own.text.strip() else text)
    elif own.start == own.end:
        yield Insertion(own.start, f'="{text}"')
    else:
        yield Insertion(own.start, f'"{text}; ')
        yield Insertion(own.end, '"')


def _declarations(style: str) -> list[str]:
    return [one.strip() for one in _DECLARATION.findall(style) if one.strip()]


def _attribute(text: str) -> str:
    # Liquid is no text yet: what it makes is escaped when it is rendered.
    pieces = re.split(r"(\{\{.*?\}\})", text, flags=re.DOTALL)
    return "".join(piece if piece.startswith("{{") else escape(piece) for piece in pieces)
