"""The words of the field, from `words.toml`: senders, openings, subjects in many languages. Loaded once, checked then."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple

LOOKED_AT = 16_000
"""Characters of a text in which words are looked for."""


class Wording(NamedTuple):
    """Ways of saying one thing, by the name of a language or a program."""

    name: str
    text: re.Pattern[str]


def said(wordings: Sequence[Wording], text: str) -> str | None:
    """The name of the first wording that stands in the text."""
    text = text[:LOOKED_AT]
    return next((wording.name for wording in wordings if wording.text.search(text)), None)


def first(wordings: Sequence[Wording], text: str) -> int | None:
    """Where in the text the first of any of these begins."""
    places = [found.start() for wording in wordings if (found := wording.text.search(text[:LOOKED_AT]))]
    return min(places, default=None)


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{part})" for part in parts), re.IGNORECASE | re.MULTILINE)


def _wordings(entries: Sequence[dict[str, Any]]) -> tuple[Wording, ...]:
    return tuple(Wording(entry["name"], _pattern(entry["text"])) for entry in entries)


_FILE = tomllib.loads(
    files("heliograph.inbound.receipts.mail").joinpath("words.toml").read_text(encoding="utf-8")
)

SENDERS = _pattern([f"^{part}$" for part in _FILE["senders"]])
NOTICES = _wordings(_FILE["notices"])
DELAYS = _wordings(_FILE["delays"])
FINAL = _wordings(_FILE["final"])
COPIES = _wordings(_FILE["copies"])
AUTOMATIC = _wordings(_FILE["automatic"])
CHALLENGES = _wordings(_FILE["challenges"])
