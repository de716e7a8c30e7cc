"""Recipient lists in XML, as MessageGears has them: `<Recipient><EmailAddress>..</EmailAddress>any..</Recipient>`.

Read as they come, one recipient in memory at a time. A document type is refused, and with it every entity but XML's
own five: there is nothing to expand and nothing to fetch. A list of addresses alone, for those who are left out, may
hold `<EmailAddress>` without a `<Recipient>` around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

RECIPIENT, ADDRESS = "recipient", "emailaddress"
CHUNK = 1 << 16
DEPTH = 20
"""Elements within each other."""
TEXT_LIMIT = 256 * 1024
"""Characters of one recipient."""


class Element(NamedTuple):
    """A recipient as it stands there: the line on which it begins, and its fields; or why it cannot be used."""

    line: int
    fields: dict[str, Any]
    fault: str = ""


class NotXml(Exception):
    """The document cannot be read any further."""


def elements(path: Path) -> Iterator[Element]:
    """Every recipient, in order. Raises `NotXml` where the document is broken: what stands behind that is unknown."""
    reader = _Reader()
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                reader.parser.Parse(chunk, not chunk)
            except expat.ExpatError as error:
                raise NotXml(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
            yield from reader.found
            reader.found.clear()
            if not chunk:
                return


class _Node:
    __slots__ = ("children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.text: list[str] = []
        self.children: dict[str, Any] = dict(attributes)

    def value(self) -> Any:
        """Text, or the fields of what stands in it."""
        text = "".join(self.text).strip()
        return self.children if self.children else text

    def add(self, child: _Node) -> None:
        """A child's value under its name; several of one name are a list."""
        value = child.value()
        if child.name not in self.children:
            self.children[child.name] = value
        elif isinstance(self.children[child.name], list):
            self.children[child.name].append(value)
        else:
            self.children[child.name] = [self.children[child.name], value]


class _Reader:
    def __init__(self) -> None:
        self.found: list[Element] = []
        self._open: list[_Node] = []
        self._depth = 0
        self._line = 0
        self._size = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_: Any) -> None:
        raise NotXml(f"line {self.parser.CurrentLineNumber}: a document type is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise NotXml(f"line {self.parser.CurrentLineNumber}: elements nest more than {DEPTH} deep")
        name = name.rpartition(" ")[2]
        if not self._open:
            if name.lower() not in (RECIPIENT, ADDRESS):
                return
            self._line, self._size = self.parser.CurrentLineNumber, 0
        self._size += len(name) + sum(len(value) for value in attributes.values())
        self._open.append(_Node(name, attributes))

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        if self._open:
            self._open[-1].add(node)
            return
        fault = f"is longer than {TEXT_LIMIT} characters" if self._size > TEXT_LIMIT else ""
        fields = node.value() if node.name.lower() == RECIPIENT else {node.name: node.value()}
        if not isinstance(fields, dict):
            fields, fault = {}, fault or "is a recipient without fields"
        self.found.append(Element(self._line, fields, fault))

    def _text(self, text: str) -> None:
        if self._open:
            self._size += len(text)
            if self._size <= TEXT_LIMIT:
                self._open[-1].text.append(text)
