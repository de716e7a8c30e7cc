"""Which picture, and which link: the rules of a conditional image (PER-12).

The picture's door and the click's door both ask `choose` with the same rules and the same words, and nothing else
decides; so what was seen is what is opened. Rules are tried from the top and the first that matches wins; when none
does the fallback is meant. Comparison knows no case, no blanks at the ends and no difference between composed and
decomposed letters. Whoever publishes rules checks them with `OPERATORS`; here everything has an answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from heliograph import merge_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule as it was published (S2:L592-L604). `value`: what is compared with; for the list operators a list,
    or one text with commas. `click_url` None: the picture leads nowhere."""

    operator: str
    value: str | tuple[str, ...] = ""
    image_url: str
    click_url: str | None = None


Matches = Callable[[str, str | tuple[str, ...]], bool]
"""What was said, plain (see `plain`), and the rule's value as published -> whether the rule matches."""


def choose(rules: Sequence[Rule], said: str | None) -> Rule | None:
    """The first rule that matches what the URL said; None: the fallback. `said` None: the parameter was missing."""
    word = "" if said is None or merge_tags.unfilled(said) else plain(said)
    for rule in rules:
        if OPERATORS[rule.operator](word, rule.value):
            return rule
    return None


def plain(text: str) -> str:
    """A text as it is compared: trimmed, caseless, composed (Unicode's canonical caseless matching, D145)."""
    text = text.strip()
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def _equals(word: str, value: str | tuple[str, ...]) -> bool:
    return word == _whole(value)


def _contains(word: str, value: str | tuple[str, ...]) -> bool:
    part = _whole(value)
    return bool(part) and part in word


def _empty(word: str, value: str | tuple[str, ...]) -> bool:
    return not word


def _is_in(word: str, value: str | tuple[str, ...]) -> bool:
    return word in _members(value)


def _not(matches: Matches) -> Matches:
    return lambda word, value: not matches(word, value)


OPERATORS: Mapping[str, Matches] = {
    "equals": _equals,
    "does not equal": _not(_equals),
    "contains": _contains,
    "does not contain": _not(_contains),
    "empty": _empty,
    "is not empty": _not(_empty),
    "is in": _is_in,
    "is not in": _not(_is_in),
}
"""The eight (S2:L594). Each second one is the first one's opposite, for every word and every value."""


@lru_cache(maxsize=4096)
def _whole(value: str | tuple[str, ...]) -> str:
    return plain(value if isinstance(value, str) else ",".join(value))


@lru_cache(maxsize=4096)
def _members(value: str | tuple[str, ...]) -> frozenset[str]:
    parts = value.split(",") if isinstance(value, str) else value
    return frozenset(filter(None, map(plain, parts)))
