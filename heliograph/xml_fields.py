"""XML from outside as plain values: an element is its text, or its fields; several of one name are a list.

Read as it comes, one wanted element in memory at a time. A document type is refused, and with it every entity but XML's
own five: there is nothing to expand and nothing to fetch. Attributes are fields too, namespaces are left away; depth,
elements and characters are bounded. Recipient lists and what callers of the web service send are read by this.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.parsers import expat


class Limits(NamedTuple):
    """How deep elements may nest; how many there may be in a wanted one, and how many characters."""

    depth: int
    elements: int
    characters: int


class Element(NamedTuple):
    """A wanted element: the line on which it begins, its name, and its value. Not `whole`: it was over a limit, and what was
    over is not in it."""

    line: int
    name: str
    value: Any
    whole: bool


class Broken(Exception):
    """The document cannot be read any further, and why."""


class Reader:
    """Finds elements of these names (in lower case; None: the root), outermost first, in a document that comes in
    pieces."""

    def __init__(self, wanted: frozenset[str] | None, limits: Limits, *, encoding: str | None = None) -> None:
        self._wanted, self._limits = wanted, limits
        self._found: list[Element] = []
        self._open: list[_Node] = []
        self._depth = self._line = self._elements = self._characters = 0
        self._parser = expat.ParserCreate(encoding, namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, piece: bytes, *, last: bool) -> list[Element]:
        """The elements that end in this piece. Raises `Broken`."""
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise Broken(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
        found, self._found = self._found, []
        return found

    @property
    def _full(self) -> bool:
        return self._elements > self._limits.elements or self._characters > self._limits.characters

    def _doctype(self, *_: Any) -> None:
        raise Broken(f"line {self._parser.CurrentLineNumber}: a document type is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            line, most = self._parser.CurrentLineNumber, self._limits.depth
            raise Broken(f"line {line}: elements nest more than {most} deep")
        name = name.rpartition(" ")[2]
        if not self._open:
            if self._wanted is not None and name.lower() not in self._wanted:
                return
            self._line, self._elements, self._characters = self._parser.CurrentLineNumber, 0, 0
        self._elements += 1
        self._characters += len(name) + sum(len(key) + len(value) for key, value in attributes.items())
        self._open.append(_Node(name, {} if self._full else attributes))

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        if not self._open:
            self._found.append(Element(self._line, node.name, node.value(), not self._full))
        elif not self._full:
            self._open[-1].add(node)

    def _text(self, text: str) -> None:
        if self._open:
            self._characters += len(text)
            if not self._full:
                self._open[-1].text.append(text)


class _Node:
    __slots__ = ("fields", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.text: list[str] = []
        self.fields: dict[str, Any] = dict(attributes)

    def value(self) -> Any:
        return self.fields or "".join(self.text).strip()

    def add(self, child: _Node) -> None:
        value = child.value()
        if child.name not in self.fields:
            self.fields[child.name] = value
        elif isinstance(self.fields[child.name], list):
            self.fields[child.name].append(value)
        else:
            self.fields[child.name] = [self.fields[child.name], value]
