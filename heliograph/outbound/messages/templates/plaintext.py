"""HTML -> the plain-text part of a mail whose template has none.

Readable rather than faithful: paragraphs and table rows become lines, links show where they lead, pictures their
alternative text, and what is hidden on a screen is hidden here. Malformed HTML is what mail is made of, so a real
HTML parser (selectolax, Lexbor) reads it.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = frozenset(("head", "style", "script", "title", "noscript", "template", "svg", "object", "iframe"))
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
        "li",
    ]
)
_PARAGRAPHS = frozenset(
    ["blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"]
)
_SINGLE = {"br": "\n", "hr": "\n\n----\n\n"}
_CELLS = frozenset(("td", "th"))
_HIDDEN = "[hidden], [style*=display i][style*=none i], [style*=mso-hide i]"
_HIDING = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_LINES = str.maketrans("\n\r", "  ")
# What only lays out a text, as in preheaders, is a blank.
_BLANKS = str.maketrans(dict.fromkeys("\t\f\v\xa0\xad\u034f\u200b\u200c\u2007\ufeff", " "))
INPUT_LIMIT = 128 * 1024
"""Characters of HTML that are read. Clients clip longer mails (Gmail at 102 kB), and the parser's time grows with
the square of how deep elements are nested."""


def from_html(html: str) -> str:
    """The text of an HTML mail. Never fails; what cannot be understood is left out."""
    root = LexborHTMLParser(html[:INPUT_LIMIT]).body
    if root is None:
        return ""
    text = _shortened("".join(_pieces(root, _hidden(root))).translate(_BLANKS), "  ", " ")
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    return _shortened(text, "\n\n\n", "\n\n").strip() + "\n"


def _shortened(text: str, many: str, few: str) -> str:
    # Replacing is several times faster than a pattern here.
    while many in text:
        text = text.replace(many, few)
    return text


def _pieces(root: LexborNode, hidden: frozenset[int]) -> list[str]:
    pieces: list[str] = []
    inside: list[tuple[LexborNode, str, int]] = []  # the open elements, and where their text begins
    node = root.child
    while node is not None or inside:
        if node is None:
            node, tag, mark = inside.pop()
            _leave(node, tag, pieces, mark)
        elif (tag := node.tag or "-") == "-text":
            pieces.append((node.text_content or "").translate(_LINES))
        elif tag in _SINGLE:
            pieces.append(_SINGLE[tag])
        elif tag == "img":
            pieces.append((node.attributes.get("alt") or "").translate(_LINES))
        elif tag not in _DROPPED and tag[0] not in "-!_" and node.mem_id not in hidden:
            inside.append((node, tag, len(pieces) + 1))
            pieces.append(_around(tag) + "* " if tag == "li" else _around(tag))
            node = node.child
            continue
        node = node.next
    return pieces


def _hidden(root: LexborNode) -> frozenset[int]:
    return frozenset(
        node.mem_id
        for node in root.css(_HIDDEN)
        if "hidden" in node.attributes or _HIDING.search(node.attributes.get("style") or "")
    )


def _around(tag: str) -> str:
    return "\n\n" if tag in _PARAGRAPHS else "\n" if tag in _BLOCKS else ""


def _leave(node: LexborNode, tag: str, pieces: list[str], mark: int) -> None:
    if tag == "a":
        words = "".join(pieces[mark:])
        href = "".join((node.attributes.get("href") or "").split())
        if href and not href.startswith("#") and href.removeprefix("mailto:") not in words:
            pieces.append(f" ({href})" if words.strip() else href)
    else:
        pieces.append(" " if tag in _CELLS else _around(tag))
