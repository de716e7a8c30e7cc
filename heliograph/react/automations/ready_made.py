"""Automations that are ready to use: a readable file each in `ready/`, with what it does and its templates.

Adding one adds a file, and a test that plays it. Nothing is saved by itself: an operator asks for it by name, or shows it,
changes it and applies the file, so what a file brings is read here, with templates or without.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from heliograph.errors import BadRequest, OperatorError
from heliograph.events.definitions import AutomationSaved
from heliograph.react.automations import text
from heliograph.react.automations.definition import in_file, read_file, saving
from heliograph.react.automations.written import convert

FOLDER = Path(__file__).parent / "ready"


class ReadyMade(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of them: what it does in a sentence, its definition, and its templates' parts by their names."""

    about: str = ""
    automation: dict[str, Any]
    templates: dict[str, dict[str, str]] = {}

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


def load(
    file: Path, *, by: str = "command line", migrate: bool = False
) -> tuple[AutomationSaved, dict[str, dict[str, str]]]:
    """What a YAML or JSON file saves: an automation, and where it is written as those in `ready/` are, its templates'
    parts by their names. Raises `OperatorError` naming file, path and line of what is wrong."""
    written = read_file(file)
    try:
        said = text.read(written)
        if "automation" not in said:
            return saving(written, by=by, migrate=migrate), {}
        with text.placed(written):
            return _saving(said, by, migrate)
    except BadRequest as error:
        raise in_file(file, error) from error


def _saving(
    said: dict[str, Any], by: str, migrate: bool
) -> tuple[AutomationSaved, dict[str, dict[str, str]]]:
    one = convert(said, ReadyMade)
    with text.below("automation"):
        return saving(one.automation, by=by, migrate=migrate), one.templates


def _read(file: Path) -> ReadyMade:
    return msgspec.convert(yaml.safe_load(file.read_text(encoding="utf-8")), ReadyMade)
