"""Files that go with many mails, each on disk once, under a name of its content.

In the journal a bulk job's attachment would stand a million times: so its messages name it (`Attachment.kept`), and
whoever writes the mail reads it here. An account has a folder of its own. A file is there whole or not at all.
"""

from __future__ import annotations

import os
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from heliograph.clock import SECOND, Clock

FOLDER = "attachments"
KEPT_SECONDS = 90 * 24 * 3600
"""How long a file is kept after it was named last: as long as the ledger of the job that named it."""

CACHED = 4
"""Files that a process has at hand: a job sends the same ones again and again."""


class KeptFiles(NamedTuple):
    """The kept files of every account, in this data directory."""

    data: Path

    def keep(self, account: str, content: bytes) -> str:
        """Keep a file, or keep it longer; the name by which messages of the account call it. Blocks."""
        name = blake2b(content, digest_size=16).hexdigest()
        target = self._path(account, name)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = target.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        return name

    def read(self, account: str, name: str) -> bytes:
        """The file of this name. Raises `ValueError` where none is kept. Blocks for the disk the first time."""
        if not (name.isascii() and name.isalnum()):
            raise ValueError("an attachment is called by a name that nothing is kept under")
        try:
            return _content(self._path(account, name))
        except OSError as error:
            raise ValueError(f"an attachment is not kept any more: {name}") from error

    def expire(self, clock: Clock) -> int:
        """Remove files whose time is up; how many."""
        old = clock.now() / SECOND - KEPT_SECONDS
        gone = [path for path in (self.data / FOLDER).glob("*/*") if path.stat().st_mtime < old]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _path(self, account: str, name: str) -> Path:
        return self.data / FOLDER / account / name


@lru_cache(maxsize=CACHED)  # the name says what is in it, so it never changes
def _content(path: Path) -> bytes:
    return path.read_bytes()
