"""Somebody is forgotten in what jobs keep: ledgers, and files that were handed in or fetched (STD-7).

A ledger's rows that name them say nothing any more, and nobody on them is written to. Files are read a line at a time,
unpacked where they are packed, and written anew where a word of theirs stands in them; in a zip they cannot be, so a
zip that names them goes.
"""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from heliograph.outbound.jobs import uploads
from heliograph.outbound.jobs.ledger import FOLDER, Ledger, Recipient, looking_into, path_of

LINE = 4 << 20
"""Bytes of one line; what is longer is cut there."""

Mask = Callable[[bytes], bytes]
"""Puts a pseudonym in the place of the words that name somebody."""


def forget(data: Path, account: str, jobs: Sequence[str], words: Sequence[str], mask: Mask) -> int:
    """Forget them in the ledgers of these jobs of theirs and in the account's files; how many rows and files changed."""
    changed = sum(_in_ledger(path_of(data, job), words, mask) for job in jobs)
    packed = (path for job in jobs for path in (data / FOLDER).glob(f"{job}.*") if ".db" not in path.suffixes)
    for path in (*uploads.files(data, account), *packed):
        changed += _in_file(path, mask)
    return changed


def rows_of(data: Path, jobs: Sequence[str], words: Sequence[str]) -> Iterator[tuple[str, Recipient]]:
    """The rows that name somebody, with the id of the job."""
    for job in jobs:
        with looking_into(data, job) as ledger:
            for row in ledger.naming(words) if ledger is not None else ():
                yield job, row


def _in_ledger(path: Path, words: Sequence[str], mask: Mask) -> int:
    if not path.exists():
        return 0
    with closing(Ledger(path)) as ledger:
        own: list[tuple[int, str]] = []
        others: list[tuple[int, str]] = []
        for row in ledger.naming(words):
            address, data = (mask(text.encode()).decode() for text in (row.address, row.data))
            if address != row.address:
                own.append((row.row, address))
            elif data != row.data:
                others.append((row.row, data))
        with ledger.writing():
            ledger.blank(own)
            ledger.mask(others)
        ledger.empty_log()
    return len(own) + len(others)


def _in_file(path: Path, mask: Mask) -> bool:
    with path.open("rb") as file:
        begins = file.read(4)
    if begins == b"PK\x03\x04":
        return _in_zip(path, mask)
    opened: Callable[[Path, str], IO[bytes]] = gzip.open if begins.startswith(b"\x1f\x8b") else open  # type: ignore[assignment]  # opened for bytes
    fresh = path.with_name(path.name + ".new")
    changed = False
    try:
        with opened(path, "rb") as source, opened(fresh, "wb") as target:
            while line := source.readline(LINE):
                masked = mask(line)
                changed |= masked != line
                target.write(masked)
    except (OSError, EOFError):  # what cannot be unpacked will be no list either
        fresh.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return True
    if changed:
        os.utime(fresh, (path.stat().st_atime, path.stat().st_mtime))  # its week goes on
        fresh.replace(path)
    else:
        fresh.unlink()
    return changed


def _in_zip(path: Path, mask: Mask) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as lines:
                    while line := lines.readline(LINE):
                        if mask(line) != line:
                            break
                    else:
                        continue
                    break
            else:
                return False
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        pass
    path.unlink(missing_ok=True)
    return True
