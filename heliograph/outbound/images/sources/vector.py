"""SVG to PNG, trusting nothing in it.

The document is read by a parser that resolves no entities and is written anew without what a still picture has no use
for (scripts, handlers, foreign markup); what points outside the document is refused, because the renderer would open
files for it. Only then is it drawn. A small document can still ask for hours of work: see `isolated`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import fontpkg
import resvg_py

from heliograph.outbound.images.sources.picture import Picture, Unusable, oversized

SVG = "http://www.w3.org/2000/svg"
ELEMENTS = 50_000  # a map of the world has about 10,000
DEPTH = 200  # elements within one another; renderers recurse
VIEW_WIDTH = 1_200  # pixels at most for a drawing that only says its proportions: twice the width of a mail
FAMILY = "Noto Sans"  # what every text is drawn in: a logo's own lettering is outlines

_LEFT_OUT = frozenset(
    {
        *("script", "foreignObject", "handler", "listener", "set", "discard"),
        *("animate", "animateColor", "animateMotion", "animateTransform"),
        *("audio", "video", "iframe", "canvas"),
    }
)
_DATA = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,", re.IGNORECASE)
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|em|ex|)\s*")
_PIXELS = {
    "": 1,
    "px": 1,
    "pt": 96 / 72,
    "pc": 16,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96,
    "em": 16,
    "ex": 8,
}


class _Refusal(Exception):
    """Out of the parser's callbacks, with the reason."""


def looks_like_xml(body: bytes) -> bool:
    """Whether these bytes begin as XML does, in UTF-8 or UTF-16."""
    start = body[:64].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"<")


def rasterised(body: bytes) -> Picture | Unusable:
    """The drawing as a PNG of the size it declares (CSS pixels), on a transparent ground."""
    cleaner = _Cleaner()
    try:
        cleaner.read(body)
    except _Refusal as refusal:
        return Unusable(str(refusal))
    except expat.ExpatError as error:
        return Unusable(f"is not well-formed: {error}")
    width = _width(cleaner.root)
    if isinstance(width, Unusable):
        return width
    try:
        png = _drawn("".join(cleaner.markup), width, text=cleaner.has_text)
    except ValueError as error:
        return Unusable(f"cannot be drawn: {error}")
    drawn = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])  # IHDR; rounded as the renderer does
    return oversized(*drawn) or Picture("image/png", *drawn, png)


def _drawn(markup: str, width: int, *, text: bool) -> bytes:
    return resvg_py.svg_to_bytes(
        svg_string=markup,
        width=width,
        dpi=96.0,
        skip_system_fonts=True,
        font_files=[str(fontpkg.path(FAMILY))] if text else None,
        font_family=FAMILY,
        serif_family=FAMILY,
        sans_serif_family=FAMILY,
        cursive_family=FAMILY,
        fantasy_family=FAMILY,
        monospace_family=FAMILY,
    )


class _Cleaner:
    """Reads a document and writes down what may be drawn of it. `root`: the attributes of its first element."""

    def __init__(self) -> None:
        self.markup: list[str] = []
        self.root: dict[str, str] = {}
        self.has_text = False
        self._depth = 0
        self._elements = 0
        self._left_out = 0  # the depth at which something began that is left out; 0: nothing

    def read(self, body: bytes) -> None:
        """Raises `_Refusal`, or `ExpatError` on what is not XML."""
        parser = expat.ParserCreate()  # which fetches nothing: a document type elsewhere is only a name
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(body, True)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        if internal:  # the only place where entities can be declared
            raise _Refusal("declares entities or other parts of a document type; save it as plain SVG")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._elements > ELEMENTS or self._depth > DEPTH:
            raise _Refusal(f"has more than {ELEMENTS} elements, or {DEPTH} within one another")
        if self._depth == 1:
            if _local(name) != "svg" or SVG not in attributes.values():
                raise _Refusal("is not an SVG picture")
            self.root = attributes
        if self._left_out:
            return
        if _local(name) in _LEFT_OUT:
            self._left_out = self._depth
            return
        self.has_text = self.has_text or _local(name) == "text"
        kept = "".join(
            f" {key}={quoteattr(value)}"
            for key, value in attributes.items()
            if _is_kept(_local(name), _local(key), value)
        )
        self.markup.append(f"<{name}{kept}>")

    def _end(self, name: str) -> None:
        if not self._left_out:
            self.markup.append(f"</{name}>")
        elif self._left_out == self._depth:
            self._left_out = 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if not self._left_out:
            self.markup.append(escape(text))


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _is_kept(element: str, attribute: str, value: str) -> bool:
    """Whether an attribute is written. Raises when it would have the renderer open something."""
    if attribute.lower().startswith("on") or attribute in ("base", "src"):
        return False
    if attribute != "href" or value.startswith("#"):
        return True
    if element == "a":
        return False  # where a click would lead: nothing to see
    if element == "image" and _DATA.match(value):
        return True
    raise _Refusal("refers to something outside itself; embed it in the file")


def _width(root: Mapping[str, str]) -> int | Unusable:
    """The picture's width in pixels, declared or that of its view box; the height follows from it."""
    view = _view_box(root.get("viewBox", ""))
    width, height = _pixels(root.get("width")), _pixels(root.get("height"))
    if view is not None and (width is None or height is None):
        ratio = view[1] / view[0]
        if width is None:
            width = height / ratio if height is not None else min(view[0], VIEW_WIDTH)
        height = width * ratio
    if width is None or height is None:
        return Unusable("does not say its size: neither width and height nor a viewBox")
    return oversized(width, height) or max(1, round(width))


def _view_box(value: str) -> tuple[float, float] | None:
    try:
        _, _, width, height = map(float, value.replace(",", " ").split())
    except ValueError:
        return None
    return (width, height) if 0 < width < 1e9 and 0 < height < 1e9 else None


def _pixels(value: str | None) -> float | None:
    """A length in CSS pixels; None when there is none, or it is a share of something (100%)."""
    found = _LENGTH.fullmatch(value or "")
    return float(found[1]) * _PIXELS[found[2]] if found else None
