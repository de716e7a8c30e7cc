"""One process owns a journal: who may write is decided by a lock on a file beside it.

The kernel gives the lock back when its holder ends, however it ends. The file names the holder, for the message
that a second one gets. A process that forks after it took the lock shares it with its children: fork first.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from heliograph.errors import InUse

FILE = "journal.lock"


class Ownership:
    """The right to write to the journal in a directory, held from `take` to `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, data: Path) -> Ownership:
        """Become the owner. Raises `InUse`, naming the process that is it already."""
        path = data / FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise InUse(
                f"the journal in {data} is being written by process {holder}: stop that one, or go through it "
                "(its socket lies beside the journal)"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let another process become the owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
