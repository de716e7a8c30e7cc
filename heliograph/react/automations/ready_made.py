"""Automations that are ready to use: a readable file each in `ready/`, with what it does and its templates.

Adding one adds a file, and a test that plays it. Nothing is saved by itself: an operator asks for it by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from heliograph.errors import OperatorError

FOLDER = Path(__file__).parent / "ready"


class ReadyMade(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of them: what it does in a sentence, its definition, and its templates' parts by their names."""

    about: str
    automation: dict[str, Any]
    templates: dict[str, dict[str, str]]

    @property
    def name(self) -> str:
        """The automation's name, which is the file's."""
        return str(self.automation["name"])


def all_ready() -> list[ReadyMade]:
    """Every one, by name."""
    return [_read(file) for file in sorted(FOLDER.glob("*.yaml"))]


def file_of(name: str) -> Path:
    """The file of one. Raises `OperatorError` naming those that there are."""
    files = {file.stem: file for file in FOLDER.glob("*.yaml")}
    if name not in files:
        raise OperatorError(f"nothing is ready under the name {name}: there are {', '.join(sorted(files))}")
    return files[name]


def _read(file: Path) -> ReadyMade:
    return msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), ReadyMade)
