"""What operators install: every package by version and hash, in the versions that the tests run with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXTRAS = ("aws", "cjk", "nats", "parquet", "sftp")


def pinned(name: str) -> dict[str, str]:
    """The packages of a lock file with their versions and environment markers."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements" / name).read_text())
    found = {}
    for entry in entries:
        head, _, rest = entry.partition("\n")
        package, _, version = head.removesuffix(" \\").partition("==")
        assert version and "--hash=sha256:" in rest, f"{name}: {head}"
        found[package] = version.partition(" ;")[0]
    return found


def wanted(*extras: str) -> set[str]:
    """The packages that the project itself names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = [
        *project["dependencies"],
        *(one for extra in extras for one in project["optional-dependencies"][extra]),
    ]
    return {re.split(r"[\[<>=~ ]", one)[0].lower().replace("_", "-") for one in said}


@pytest.mark.parametrize(("name", "extras"), [("production.txt", ()), ("production-extras.txt", EXTRAS)])
def test_operators_install_what_the_tests_ran_with(name: str, extras: tuple[str, ...]) -> None:
    locked, tested = pinned(name), pinned("dev.txt")
    assert wanted(*extras) <= locked.keys(), "`make lock` writes it anew"
    assert {package: tested.get(package) for package in locked} == locked


def test_every_extra_for_operators_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["optional-dependencies"]) - {"dev", "bench"} == set(EXTRAS)
    locking = (ROOT / "Makefile").read_text()
    assert all(f"--extra {extra}" in locking for extra in EXTRAS)


def test_no_tool_of_development_reaches_production() -> None:
    assert not {"pytest", "mypy", "ruff", "hypothesis", "moto"} & pinned("production-extras.txt").keys()
