"""Where settings come from: the TOML file and the `HELIOGRAPH_*` variables, read but not yet judged."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from heliograph.errors import OperatorError, reason_of

NOT_SETTINGS = frozenset({"config", "parent", "effective"})
"""Variables of ours that are no settings: where the file is, and what a process tells its children."""

TABLES = frozenset({"relays"})
"""Settings that are lists of tables; variables hold them as JSON."""


def from_file(file: Path | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the settings file says: the one that is named, by flag or variable, else the usual one where it exists."""
    named = file or (Path(environ["HELIOGRAPH_CONFIG"]) if environ.get("HELIOGRAPH_CONFIG") else None)
    path = named or Path("heliograph.toml")
    if not path.exists():
        if named:
            raise OperatorError(f"there is no settings file {named}")
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} cannot be read: {reason_of(error)}") from error


def from_variables(environ: Mapping[str, str], lists: Collection[str]) -> dict[str, Any]:
    """What variables say. `lists`: settings that are lists, written with commas."""
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix("HELIOGRAPH_").lower()
        if not variable.startswith("HELIOGRAPH_") or name in NOT_SETTINGS:
            continue
        if name in TABLES:
            found[name] = _tables(variable, text)
        elif name in lists:
            found[name] = tuple(part.strip() for part in text.split(",") if part.strip())
        else:
            found[name] = text
    return found


def _tables(variable: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text or "[]")
    except msgspec.DecodeError as error:
        raise OperatorError(f"{variable} must be a list of objects in JSON: {error}") from error
