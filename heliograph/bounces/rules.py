"""The categories and the ordered rules, read from the data files beside this module.

`CATEGORIES` is the table of the MessageGears document (S1:L84-L176) with Momentum's classes (wire-facts 4.2);
`RULES` decide which category a reply belongs to (`heliograph.bounces.classify`). Both are loaded once and are
checked while loading, so a mistake in a file fails the first import and not the first bounce. An operator's own rules
(`load_rules`) are asked first; a mistake in them is named with its line, and nothing starts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

from heliograph.errors import OperatorError
from heliograph.settings import Settings

BounceClass = Literal["hard", "soft", "block", "admin", "undetermined"]
Severity = Literal["permanent", "transient"]

_KNOWN = {"name", "code", "severity", "status", "reply", "text"}
_HEADER = re.compile(r"\s*\[\[\s*[\"']?rule[\"']?\s*\]\]")
_STATUS = re.compile(r"[245x]\.(\d{1,3}|x)\.(\d{1,3}|x)")


class Category(NamedTuple):
    """What a code means: its name and description on the wire (S1), its class (Momentum)."""

    code: int
    name: str
    bounce_class: BounceClass
    description: str


class Rule(NamedTuple):
    """One rule: conditions, and the category where all of them hold. None: no such condition."""

    name: str
    code: int
    severity: Severity | None
    status: re.Pattern[str] | None
    reply: frozenset[int] | None
    text: re.Pattern[str] | None


def parse_categories(source: str) -> Mapping[int, Category]:
    """The categories of a TOML text, by code."""
    return {
        entry["code"]: Category(entry["code"], entry["name"], entry["class"], entry["description"])
        for entry in tomllib.loads(source)["category"]
    }


def parse_rules(source: str) -> tuple[Rule, ...]:
    """The rules of a TOML text, in order. Raises ValueError (`tomllib.TOMLDecodeError` is one), naming rule and line."""
    tables = tomllib.loads(source)
    if unknown := sorted(set(tables) - {"rule"}):
        raise ValueError(f"there is [[rule]], but no {unknown[0]!r} (at line {_line(source, unknown[0])})")
    entries = tables.get("rule", [])
    starts = [number for number, line in enumerate(source.splitlines()) if _HEADER.match(line)]
    if not isinstance(entries, list) or len(starts) != len(entries):
        raise ValueError("every rule begins with a line [[rule]]")
    rules = []
    for entry, start in zip(entries, starts, strict=True):
        try:
            rules.append(_rule(entry))
        except _Wrong as wrong:
            name = entry.get("name", "?")
            line = _line(source, wrong.field, start)
            raise ValueError(f"bounce rule {name!r} {wrong} (at line {line})") from wrong
    return tuple(rules)


def load_rules(settings: Settings) -> tuple[Rule, ...]:
    """The operator's own rules, then ours. Raises `OperatorError`, naming the file, the rule and the line."""
    if not settings.bounce_rules:
        return RULES
    file = Path(settings.bounce_rules)
    try:
        return parse_rules(file.read_text(encoding="utf-8")) + RULES
    except (OSError, ValueError) as error:
        raise OperatorError(f"bounce_rules: {file}: {error}") from error


class _Wrong(ValueError):
    """What is wrong with a rule, and in which of its fields (empty: in none that it has)."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(what)
        self.field = field


def _rule(entry: Mapping[str, Any]) -> Rule:
    if unknown := sorted(set(entry) - _KNOWN):
        raise _Wrong(unknown[0], f"has an unknown condition: {unknown[0]}")
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        raise _Wrong("name", "needs a name")
    if entry.get("code") not in CATEGORIES or isinstance(entry["code"], bool):
        raise _Wrong("code", "needs a code of categories.toml")
    if entry.get("severity") not in (None, "permanent", "transient"):
        raise _Wrong("severity", "says neither permanent nor transient as its severity")
    return Rule(
        name=entry["name"],
        code=entry["code"],
        severity=entry.get("severity"),
        status=_statuses(entry) if "status" in entry else None,
        reply=_replies(entry) if "reply" in entry else None,
        text=_patterns(entry) if "text" in entry else None,
    )


def _statuses(entry: Mapping[str, Any]) -> re.Pattern[str]:
    for status in _texts(entry, "status"):
        if not _STATUS.fullmatch(status):
            raise _Wrong("status", f"names {status}, which is no enhanced status code")
    return re.compile("|".join(map(_status, entry["status"])))


def _replies(entry: Mapping[str, Any]) -> frozenset[int]:
    replies = entry["reply"]
    if not isinstance(replies, list) or not all(type(one) is int and 200 <= one <= 599 for one in replies):
        raise _Wrong("reply", "needs a list of reply codes from 200 to 599")
    return frozenset(replies)


def _patterns(entry: Mapping[str, Any]) -> re.Pattern[str]:
    for part in _texts(entry, "text"):
        try:
            re.compile(part)
        except re.error as error:
            raise _Wrong("text", f"has a text that is no regular expression, {part!r}: {error}") from error
    return re.compile("|".join(f"(?:{part})" for part in entry["text"]), re.I)


def _texts(entry: Mapping[str, Any], field: str) -> list[str]:
    found = entry[field]
    if not found or not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _Wrong(field, f"needs a list of texts as its {field}")
    return found


def _line(source: str, field: str, start: int = 0) -> int:
    """The line, from 1, of a field of the rule that begins at line `start` (from 0); that of its head, without one."""
    lines = source.splitlines()
    for number in range(start + 1 if start or _HEADER.match(lines[0]) else 0, len(lines)):
        if _HEADER.match(lines[number]) and field != "rule":
            break
        if field and re.match(rf"\s*\[*\s*[\"']?{re.escape(field)}\b", lines[number]):
            return number + 1
    return start + 1


def _status(pattern: str) -> str:
    return pattern.replace(".", r"\.").replace("x", r"\d+")


def _read(name: str) -> str:
    return files("heliograph.bounces").joinpath(name).read_text(encoding="utf-8")


CATEGORIES = parse_categories(_read("categories.toml"))
RULES = parse_rules(_read("rules.toml"))
