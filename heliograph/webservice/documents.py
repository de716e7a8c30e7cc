"""XML that callers send (RecipientXml, ContextDataXml) as plain values for templates. Pure.

A document type is refused, and with it every entity but XML's own five: there is nothing to expand and nothing to
fetch. Depth and number of elements are bounded; the size is, by what a request may hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.parsers import expat

from heliograph.webservice.answers import Refused
from heliograph.webservice.call import INVALID

DEPTH, ELEMENTS = 20, 10_000


class Document(NamedTuple):
    """A document's root: its name, and what it holds: a text, or fields; several of one name are a list."""

    root: str
    fields: Any


def read(name: str, text: str) -> Document:
    """What the parameter of this name says. Raises `Refused`."""
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        why = f"{name} is no XML: line {error.lineno}: {expat.ErrorString(error.code)}."
        raise Refused(INVALID, why) from error
    except UnicodeEncodeError as error:
        raise Refused(INVALID, f"{name} has characters that are none.") from error
    except _Unwanted as error:
        raise Refused(INVALID, f"{name} {error}.") from error
    (root,) = reader.whole.items()
    return Document(*root)


class _Unwanted(Exception):
    """The document has what no such document needs."""


class _Reader:
    def __init__(self) -> None:
        self.whole: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = [("", self.whole, [])]
        self._elements = 0
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_: Any) -> None:
        raise _Unwanted("has a document type, which is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) > DEPTH or self._elements > ELEMENTS:
            raise _Unwanted(f"has more than {ELEMENTS} elements, or nests them more than {DEPTH} deep")
        self._open.append((name.rpartition(" ")[2], dict(attributes), []))

    def _end(self, _: str) -> None:
        name, fields, texts = self._open.pop()
        value: Any = fields or "".join(texts).strip()
        around = self._open[-1][1]
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]

    def _text(self, text: str) -> None:
        self._open[-1][2].append(text)
