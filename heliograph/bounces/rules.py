"""The categories and the ordered rules, read from the data files beside this module.

`CATEGORIES` is the table of the MessageGears document (S1:L84-L176) with Momentum's classes (wire-facts 4.2);
`RULES` decide which category a reply belongs to (`heliograph.bounces.classify`). Both are loaded once and are
checked while loading, so a mistake in a file fails the first import and not the first bounce.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Literal, NamedTuple

BounceClass = Literal["hard", "soft", "block", "admin", "undetermined"]
Severity = Literal["permanent", "transient"]

_KNOWN = {"name", "code", "severity", "status", "reply", "text"}
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
    """The rules of a TOML text, in order. Raises ValueError, naming the rule, when one is wrong."""
    return tuple(_rule(entry) for entry in tomllib.loads(source)["rule"])


def _rule(entry: Mapping[str, Any]) -> Rule:
    name = entry.get("name", "?")
    unknown = set(entry) - _KNOWN
    if unknown:
        raise ValueError(f"bounce rule {name!r} has an unknown condition: {sorted(unknown)[0]}")
    if entry.get("code") not in CATEGORIES:
        raise ValueError(f"bounce rule {name!r} needs a code of categories.toml")
    if entry.get("severity") not in (None, "permanent", "transient"):
        raise ValueError(f"bounce rule {name!r}: severity is permanent or transient")
    wrong = [status for status in entry.get("status", ()) if not _STATUS.fullmatch(status)]
    if wrong:
        raise ValueError(f"bounce rule {name!r}: {wrong[0]} is no enhanced status code")
    try:
        text = (
            re.compile("|".join(f"(?:{part})" for part in entry["text"]), re.I) if "text" in entry else None
        )
    except re.error as error:
        raise ValueError(f"bounce rule {name!r}: {error}") from error
    return Rule(
        name=name,
        code=entry["code"],
        severity=entry.get("severity"),
        status=re.compile("|".join(map(_status, entry["status"]))) if "status" in entry else None,
        reply=frozenset(entry["reply"]) if "reply" in entry else None,
        text=text,
    )


def _status(pattern: str) -> str:
    return pattern.replace(".", r"\.").replace("x", r"\d+")


def _read(name: str) -> str:
    return files("heliograph.bounces").joinpath(name).read_text(encoding="utf-8")


CATEGORIES = parse_categories(_read("categories.toml"))
RULES = parse_rules(_read("rules.toml"))
