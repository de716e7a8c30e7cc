"""Packed lists: gzip and zip, undone onto the disk as they are read, up to a bound. A bomb fills no memory and no disk."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

CHUNK = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


class CannotUnpack(Exception):
    """What is packed is broken, too large, or not one file."""


def unpack(packed: Path, target: Path, limit: int) -> None:
    """Write the list that is in `packed` to `target`, at most `limit` bytes; what is not packed is copied. Raises
    `CannotUnpack`."""
    fresh = target.with_suffix(".new")
    try:
        with ExitStack() as closing:
            source = closing.enter_context(packed.open("rb"))
            begins = source.read(4)
            source.seek(0)
            plain: IO[bytes] = source
            if begins.startswith(_GZIP):
                plain = cast(IO[bytes], closing.enter_context(gzip.GzipFile(fileobj=source)))
            elif begins == _ZIP:
                plain = closing.enter_context(_only_member(closing, source))
            _copy(plain, closing.enter_context(fresh.open("wb")), limit)
        fresh.replace(target)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise CannotUnpack(f"it cannot be unpacked: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)


def _only_member(closing: ExitStack, source: IO[bytes]) -> IO[bytes]:
    archive = closing.enter_context(zipfile.ZipFile(source))
    members = [
        one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise CannotUnpack(f"it holds {len(members)} files where one list is expected")
    return archive.open(members[0])


def _copy(plain: IO[bytes], target: IO[bytes], limit: int) -> None:
    size = 0
    while chunk := plain.read(CHUNK):
        size += len(chunk)
        if size > limit:
            raise CannotUnpack(f"it has more than {limit} bytes when it is unpacked (jobs_list_limit)")
        target.write(chunk)
