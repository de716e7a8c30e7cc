"""The programs of a documentation page: its fenced blocks, by language and by what stands behind the language."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs"
_BLOCK = re.compile(r"^```(\w+)(?: ([\w-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

RUN = {
    "sh": ("bash", "-eu"),
    "python": ("python3",),
    "js": ("node",),
    "php": ("php",),
}
WHERE_INSTALLED = {"go": ("go", "run")}
"""Shown too, and run where it is there: it is large, so `make languages` leaves it out."""

SUFFIX = {"sh": ".sh", "python": ".py", "js": ".mjs", "php": ".php", "go": ".go"}
NEEDED = {
    "sh": ("bash", "curl", "openssl"),
    "python": ("python3",),
    "js": ("node",),
    "php": ("php",),
    "go": ("go",),
}


class Block(NamedTuple):
    """One program: its language, its name if it has one, and its text."""

    language: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    """The programs of a page in order."""
    return [Block(*found.groups("")) for found in _BLOCK.finditer((DOCS / page).read_text())]


def written(folder: Path, language: str, *texts: str) -> Path:
    """A file that holds these, one after the other, and can be run."""
    joined = "\n".join(
        text if place == 0 else text.removeprefix("<?php\n") for place, text in enumerate(texts)
    )
    file = folder / f"program{SUFFIX[language]}"
    file.write_text(joined)
    return file


def run(language: str, file: Path, *, stdin: bytes = b"", **environ: str) -> str:
    """Run it; what it printed."""
    installed(language)
    done = subprocess.run(
        [*(RUN | WHERE_INSTALLED)[language], str(file)],
        input=stdin,
        env=os.environ | environ,
        capture_output=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert not done.stderr or language == "sh", done.stderr.decode()
    return done.stdout.decode()


def installed(language: str) -> None:
    """Fail, saying what to install, where a language is not there: `make languages` installs it."""
    for program in NEEDED[language]:
        if shutil.which(program) is None:
            pytest.fail(f"the documentation speaks {language}: install {program} (make languages)")
