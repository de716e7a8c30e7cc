"""How far an import has come: a small file in the data directory, written beside the work and read to go on.

It only saves time: what it does not know yet is read again, and recorded once, because ids are derived from the
line. The report of refused rows is cut to what it knows, so that no row stands in it twice.
"""

from __future__ import annotations

import fcntl
from contextlib import ExitStack
from pathlib import Path

import msgspec

from heliograph.errors import OperatorError

FOLDER = "imports"


class Progress(msgspec.Struct, kw_only=True):
    """Where an import is. `line`: the last one that needs no second look; `events` were recorded, `known` were
    recorded before; `report` is the length of the report in bytes."""

    file: str = ""
    line: int = 0
    rows: int = 0
    events: int = 0
    known: int = 0
    refused: int = 0
    odd: int = 0
    report: int = 0
    done: bool = False


class ProgressFile:
    """The file of one import, held by one process at a time."""

    def __init__(self, data: Path, name: str) -> None:
        """Raises `OperatorError` while another process has it."""
        folder = data / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / f"{name}.json"
        self._closing = ExitStack()
        lock = self._closing.enter_context((folder / f"{name}.lock").open("a"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._closing.close()
            raise OperatorError("this file is being imported by another process") from error

    def load(self) -> Progress:
        """Where it is; at the beginning if it was never begun."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except (OSError, msgspec.MsgspecError):
            return Progress()

    def save(self, progress: Progress) -> None:
        """Replace the file by this, whole or not at all."""
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(progress))
        fresh.replace(self._path)

    def close(self) -> None:
        """Let another process have it."""
        self._closing.close()
