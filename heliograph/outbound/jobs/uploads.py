"""Files that were handed in for jobs: lists of recipients, kept in the data directory until they are a week old.

Each account has a folder of its own. A file is there whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

from heliograph.clock import SECOND, Clock
from heliograph.errors import NotFound, TooLarge

FOLDER = "uploads"
KEPT_SECONDS = 7 * 24 * 3600
"""How long a file is kept: a job links to it when it begins, so this is for those that no job was made of."""

UNFINISHED = ".part"


async def keep(data: Path, account: str, chunks: AsyncIterator[bytes], limit: int) -> str:
    """Keep what comes; the id by which a job names it (`upload:ID`). Raises `TooLarge` above so many bytes."""
    upload = uuid4().hex
    target = _path(data, account, upload)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_suffix(UNFINISHED)
    size = 0
    try:
        with part.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"The file has more than {limit} bytes (jobs_list_limit).")
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return upload


def find(data: Path, account: str, upload: str) -> Path:
    """The file of this id. Raises `NotFound`."""
    path = _path(data, account, upload)
    if not (upload.isalnum() and path.is_file()):
        raise NotFound(f"There is no upload {upload}.", field="source")
    return path


def expire(data: Path, clock: Clock) -> int:
    """Remove files whose time is up; how many."""
    old = clock.now() / SECOND - KEPT_SECONDS
    gone = [path for path in files(data) if path.stat().st_mtime < old]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def files(data: Path, account: str = "*") -> Iterator[Path]:
    """Every file that is kept, finished or not."""
    return (data / FOLDER).glob(f"{account}/*")


def _path(data: Path, account: str, upload: str) -> Path:
    return data / FOLDER / account / upload
