"""Whether whoever gives a command may work with a data directory; told before SQLite fails half-way."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from heliograph.errors import OperatorError


def usable(data: Path) -> None:
    """Raises `OperatorError` where a data directory is there and this user may not read and write what is in it. Commands
    that only look need both: SQLite keeps account of its readers beside the file (its WAL index)."""
    try:
        if not data.is_dir():
            return
    except OSError as error:
        raise OperatorError(f"data: {data} cannot be looked into: {error.strerror}") from error
    _may(data, os.R_OK | os.W_OK | os.X_OK)
    for file in sorted(data.glob("*.db*")):
        _may(file, os.R_OK | os.W_OK)


def _may(path: Path, mode: int) -> None:
    if path.exists() and not os.access(
        path, mode, effective_ids=True
    ):  # a log of SQLite's may go while we look
        raise OperatorError(
            f"data: {path} belongs to {_name(path.stat().st_uid)}, and {_name(os.geteuid())} may not read and write it: "
            "give commands as the user who serves"
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
