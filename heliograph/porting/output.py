"""Where an export goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from heliograph.errors import OperatorError
from heliograph.porting.tables import Column
from heliograph.porting.writers import FORMATS, Format, Writer

ZIPPED, LEVEL = ".gz", 6
"""How compressed files end, and how hard they are compressed: gzip's own default, twice as fast as Python's."""


def format_of(name: str | None, file: Path | None) -> Format:
    """The format that is named, or that the file's name shows; NDJSON otherwise. Raises `OperatorError`."""
    names = ", ".join(one.name for one in FORMATS)
    if name is not None:
        found = [one for one in FORMATS if one.name == name]
        if not found:
            raise OperatorError(f"there is no format {name}: {names}")
        return found[0]
    if file is None:
        return FORMATS[0]
    shown = [one for one in FORMATS if _plain(file).endswith(one.suffixes)]
    if not shown:
        raise OperatorError(f"the name {file.name} shows no format: say --format, one of {names}")
    return shown[0]


@contextlib.contextmanager
def written(file: Path | None, format: Format, columns: Sequence[Column], *, raw: bool) -> Iterator[Writer]:
    """What writes rows there. A file appears under its name when everything is in it and on disk. Raises
    `OperatorError`."""
    if file is None:
        if format.name == "parquet" and sys.stdout.isatty():
            raise OperatorError("Parquet is no text for a terminal: name a file, or send the output to one")
        with _to_output(sys.stdout.buffer) as output:
            writer = format.open(output, columns, raw)
            yield writer
            writer.end()
        return
    with replacing(file) as plain:
        zipped = file.name.endswith(ZIPPED) and format.name != "parquet"
        with (
            gzip.GzipFile(filename="", fileobj=plain, mode="wb", compresslevel=LEVEL, mtime=0)
            if zipped
            else contextlib.nullcontext(plain) as onto
        ):
            writer = format.open(cast(BinaryIO, onto), columns, raw)
            yield writer
            writer.end()


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when everything is in it and on disk. Raises `OperatorError`."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {error.strerror}") from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as plain:
            yield plain
            plain.flush()
            os.fsync(plain.fileno())
        part.replace(file)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _to_output(output: BinaryIO) -> Iterator[BinaryIO]:
    """Ends quietly when whoever reads it has read enough."""
    try:
        yield output
        output.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())


def _plain(file: Path) -> str:
    return file.name.removesuffix(ZIPPED).lower()
