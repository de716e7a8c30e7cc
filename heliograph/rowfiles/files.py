"""A file to import: what it is (gzip, encoding, digest), and its lines, however long and broken it is.

Nothing here holds more than one line. `rows` makes rows of the lines.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple

from heliograph.errors import OperatorError, reason_of

LINE_LIMIT = 2 << 20
"""Characters of one line; a longer one is no row, and is refused without being held."""

SAMPLE = 1 << 20
"""Bytes from which the encoding is guessed."""

CHUNK = 4 << 20

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""Byte order marks; Excel writes all three."""

_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One line; `text` with its end. `fault` says why it cannot be used."""

    number: int
    text: str
    fault: str = ""


class File(NamedTuple):
    """What is known of a file before its rows are read. `digest` names its content."""

    path: Path
    size: int
    zipped: bool
    encoding: str
    digest: str
    sample: str


def look(path: Path, *, encoding: str | None, told: Callable[[int], object]) -> File:
    """Look at a file; `told` hears how many bytes were read. Raises `OperatorError`."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            digest, size = blake2b(digest_size=16), 0
            while chunk := raw.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                told(size)
            raw.seek(0)
            beginning = (gzip.GzipFile(fileobj=raw) if zipped else raw).read(SAMPLE)
    except (OSError, EOFError, zlib.error) as error:
        raise OperatorError(f"{path} cannot be read: {reason_of(error)}") from error
    found = encoding or _encoding(beginning)
    try:
        sample = beginning.decode(found, "replace")
    except LookupError as error:
        raise OperatorError(f"there is no encoding {found}") from error
    return File(path, size, zipped, found, digest.hexdigest(), sample)


class Lines:
    """The lines of a file, once. `position` is how many of its bytes have been read."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._closing = ExitStack()
        self._raw: BinaryIO = self._closing.enter_context(file.path.open("rb"))
        stream = gzip.GzipFile(fileobj=self._raw) if file.zipped else self._raw
        wide = file.encoding.startswith("utf-16")
        self._text = self._closing.enter_context(
            io.TextIOWrapper(
                stream, encoding=file.encoding, errors="replace" if wide else "surrogateescape", newline=""
            )
        )

    @property
    def position(self) -> int:
        """Bytes of the file that have been read."""
        return self._raw.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._closing.close()

    def __iter__(self) -> Iterator[Line]:
        """Raises `OperatorError` where the file can be read no further."""
        number = 0
        try:
            while text := self._text.readline(LINE_LIMIT):
                number += 1
                yield self._line(number, text)
        except (OSError, EOFError, zlib.error) as error:
            raise OperatorError(
                f"{self._file.path} cannot be read beyond line {number}: {error}. What stands before it is imported"
            ) from error

    def _line(self, number: int, text: str) -> Line:
        if len(text) == LINE_LIMIT and text[-1] not in "\r\n":
            while (rest := self._text.readline(LINE_LIMIT)) and rest[-1] not in "\r\n":
                pass
            return Line(number, text[:200], f"is longer than {LINE_LIMIT} characters")
        if not text.isascii() and not _encodable(text):
            return Line(number, text, f"is not {self._file.encoding}")
        return Line(number, text)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes that the encoding does not know
        return False
    return True


def _encoding(beginning: bytes) -> str:
    """UTF-8 unless more of the lines that are not ASCII are wrong in it than right: then what Windows writes."""
    for mark, name in _MARKS:
        if beginning.startswith(mark):
            return name
    right = wrong = 0
    for line in beginning.split(b"\n")[:-1] or [beginning]:
        if not line.isascii():
            try:
                line.decode()
                right += 1
            except UnicodeDecodeError:
                wrong += 1
    return "windows-1252" if wrong > right else "utf-8"
