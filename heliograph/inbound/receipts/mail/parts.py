"""The bytes of a mail -> its parts, within bounds: whatever it is, reading it ends soon and raises nothing.

Not the standard library's parser: that one follows nesting as deep as a sender likes (RecursionError after some hundred
levels, and half a second of work before), and knows no bounds. What reading needs is here: headers, boundaries, transfer
encodings, charsets. What is beyond a bound is left out, and `Mail.problems` says so.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header

from selectolax.lexbor import LexborHTMLParser

READ_LIMIT = 512 * 1024
"""Bytes that are looked at: what a notice says stands before the mail that it returns."""
HEADER_BYTES = 64 * 1024
HEADER_FIELDS = 500
DEPTH = 8
"""Multiparts and mails within each other; real notices have four."""
PARTS = 64
TEXT_LIMIT = 64 * 1024
"""Characters of one part's text."""
BOUNDARY_LIMIT = 200
"""RFC 2046 5.1.1 allows 70."""

_END = re.compile(rb"\r?\n[ \t]*\r?\n|\A\r?\n")
_PARAMETER = re.compile(r";\s*([\w*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]*))", re.ASCII)
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.ASCII | re.DOTALL)
_NO_CHARSETS = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"))
_MAILS = frozenset(("message/rfc822", "message/global"))

Headers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its headers by lower-case name, its media type, its bytes as they were sent, and what is in it."""

    headers: Headers
    type: str
    parameters: Mapping[str, str]
    body: bytes
    parts: tuple[Part, ...] = ()

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), decoded; empty when there is none."""
        return (self.headers.get(name) or ("",))[0]

    def walk(self) -> Iterator[Part]:
        """This part and everything in it, in order; what an enclosed mail holds comes after it."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def content(self) -> bytes:
        """The bytes without their transfer encoding."""
        return _decoded(self.body, self.header("content-transfer-encoding"))

    @property
    def text(self) -> str:
        """The text, of HTML what is to be seen; lines end in a newline."""
        text = in_charset(self.content, self.parameters.get("charset", ""))[:TEXT_LIMIT]
        if self.type == "text/html":
            text = _seen(text)
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


@dataclass(slots=True)
class _Budget:
    parts: int = PARTS
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was read, and what of it was not."""

    root: Part
    problems: tuple[str, ...] = ()


def read(raw: bytes) -> Mail:
    """The parts of a mail. Never fails."""
    budget = _Budget()
    if len(raw) > READ_LIMIT:
        budget.note(f"only the first {READ_LIMIT} bytes were read")
        raw = raw[:READ_LIMIT]
    if raw.startswith(b"From "):  # as mbox files begin their mails
        raw = raw.partition(b"\n")[2]
    return Mail(_part(raw, 0, budget), tuple(budget.problems))


def fields(text: str) -> Headers:
    """Header fields by lower-case name, unfolded and decoded (RFC 5322 2.2.3, RFC 2047)."""
    found: dict[str, list[str]] = {}
    value: list[str] | None = None
    count = 0
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t"):
            if value is not None:
                value[-1] += " " + line.strip()
            continue
        match = _FIELD.match(line)
        if match is None:
            value = None
            continue
        count += 1
        if count > HEADER_FIELDS:
            break
        value = found.setdefault(match[1].lower(), [])
        value.append(match[2].strip())
    return {name: tuple(_words(value) for value in values) for name, values in found.items()}


def in_charset(raw: bytes, charset: str) -> str:
    """Bytes as text, whatever was said of them: an unknown charset or none is UTF-8, else Windows' Latin."""
    try:
        known = codecs.lookup(charset).name if charset else ""
    except (LookupError, ValueError):
        known = ""
    if known and known not in _NO_CHARSETS and known not in ("ascii", "utf-8"):
        try:
            return raw.decode(known, "replace")
        except (LookupError, ValueError):  # a codec that is none of text
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace") if known == "utf-8" else raw.decode("cp1252", "replace")


def _part(raw: bytes, depth: int, budget: _Budget) -> Part:
    head, body = _split_head(raw, budget)
    headers = fields(in_charset(head, ""))
    kind, parameters = _content_type((headers.get("content-type") or ("",))[0])
    part = Part(headers, kind, parameters, body)
    inner = _inner(part, depth, budget)
    return Part(headers, kind, parameters, b"" if inner and kind.startswith("multipart/") else body, inner)


def _split_head(raw: bytes, budget: _Budget) -> tuple[bytes, bytes]:
    end = _END.search(raw, 0, HEADER_BYTES)
    if end is not None:
        return raw[: end.start()], raw[end.end() :]
    if len(raw) > HEADER_BYTES:
        budget.note(f"headers are longer than {HEADER_BYTES} bytes")
        return raw[:HEADER_BYTES], raw[HEADER_BYTES:]
    return raw, b""


def _inner(part: Part, depth: int, budget: _Budget) -> tuple[Part, ...]:
    multiple = part.type.startswith("multipart/")
    if not multiple and part.type not in _MAILS:
        return ()
    if depth >= DEPTH:
        budget.note(f"parts are nested deeper than {DEPTH}")
        return ()
    inner = []
    for raw in _pieces(part) if multiple else (part.content,):
        if budget.parts <= 0:
            budget.note(f"there are more than {PARTS} parts")
            break
        budget.parts -= 1
        inner.append(_part(raw, depth + 1, budget))
    return tuple(inner)


def _pieces(part: Part) -> Iterator[bytes]:
    """What stands between the boundaries; a part that was cut off counts."""
    boundary = part.parameters.get("boundary", "").rstrip()
    if not boundary or len(boundary) > BOUNDARY_LIMIT:
        return
    mark = re.compile(
        rb"(?:^|\r?\n)--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]*(?:\r?\n|$)"
    )
    start, here = None, 0
    while found := mark.search(part.body, here):
        if start is not None:
            yield part.body[start : found.start()]
        if found[1]:
            return
        start = found.end()
        here = max(found.end() - 1, here + 1)  # the newline may be the next boundary's
    if start is not None:
        yield part.body[start:]


def _content_type(value: str) -> tuple[str, dict[str, str]]:
    kind = value.partition(";")[0].strip().lower()
    parameters = {
        found[1].lower().rstrip("*"): re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
        for found in _PARAMETER.finditer(value[:2000])
    }
    return kind if "/" in kind else "text/plain", parameters


def _decoded(body: bytes, encoding: str) -> bytes:
    match encoding.strip().lower():
        case "base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
            try:
                return binascii.a2b_base64(letters[: len(letters) // 4 * 4] + _rest(letters))
            except binascii.Error:
                return body
        case "quoted-printable":
            return binascii.a2b_qp(body)
    return body


def _rest(letters: bytes) -> bytes:
    rest = letters[len(letters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _words(value: str) -> str:
    """A header's value with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, binascii.Error):
        return value
    return "".join(
        piece if isinstance(piece, str) else in_charset(piece, charset or "") for piece, charset in pieces
    )


def _seen(html: str) -> str:
    tree = LexborHTMLParser(html)
    tree.strip_tags(["style", "script", "head"], recursive=True)
    return tree.body.text(separator="\n") if tree.body else ""
