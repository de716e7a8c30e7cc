"""`docs/settings.md` holds every setting and every field of an account's policy, as the code has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import FieldInfo, fields

from heliograph.accounts.model import Policy
from heliograph.settings import Settings

PAGE = (Path(__file__).parent.parent / "docs" / "settings.md").read_text()
DESCRIBED: dict[str, dict[str, Any]] = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]


def shown(default: Any) -> str:
    """A default as the tables show it."""
    if default in ("", ()):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"  # as TOML and variables write it
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def row(field: FieldInfo) -> str:
    """The row of a setting."""
    variable, text = f"HELIOGRAPH_{field.name.upper()}", DESCRIBED[field.name]["description"]
    return f"| `{field.name}` | `{variable}` | {shown(field.default)} | {text} |"


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_a_setting_stands_in_the_page_as_its_field_describes_it(field: FieldInfo) -> None:
    assert row(field) in PAGE.splitlines(), f"docs/settings.md needs this row:\n{row(field)}"


@pytest.mark.parametrize("field", fields(Policy), ids=lambda field: field.name)
def test_a_field_of_the_policy_stands_in_the_page_with_its_default(field: FieldInfo) -> None:
    beginning = f"| `{field.name}` | {shown(field.default)} | "
    assert any(line.startswith(beginning) for line in PAGE.splitlines()), f"missing: {beginning}"


def test_the_page_names_nothing_that_does_not_exist() -> None:
    known = {field.name for kind in (Settings, Policy) for field in fields(kind)}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == known
