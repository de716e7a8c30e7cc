"""The words by which an erased person is recognised in what others say: addresses and phones, as they may be
written, and the pseudonym that takes their place. Pure.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from heliograph.events.subjects import spoken_domain
from heliograph.journal.consumer import Erased

SHORTEST = 6
"""Characters of a word: what is shorter stands in too many other words."""


def words_of(whom: Erased) -> tuple[str, ...]:
    """Every address, phone and device of theirs in every way of writing it: as it is; with its international
    domain in letters; escaped as JSON, as PHP writes it; and as in a URL."""
    plain = [value for value in whom.values("email", "phone", "device") if len(value) >= SHORTEST]
    plain += [spoken_domain(value) for value in plain]
    written: dict[str, None] = {}
    for word in plain:
        written[word] = None
        written[json.dumps(word)[1:-1]] = None
        written[quote(word, safe="@")] = None
        written[quote(word, safe="")] = None
    return tuple(written)


def pseudonym(person: str) -> str:
    """What stands for them from then on: it can be told apart from others, and nothing is delivered to it
    (RFC 2606 section 2)."""
    return f"{person}@erased.invalid"


_BEGINS = r"(?:(?<![\w.+-])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])|(?<=\\[nrt]))"
_ENDS = r"(?![\w-]|\.[\w-])"
"""Whole addresses only: `ann@x.example` is not in `joann@x.example`, nor in `ann@x.example.org`. An escape before
one is no part of it."""


def _anyhow(word: str, *, keep_case: bool) -> str:
    """A pattern of a word in any case; of an address whose local part's case counts, in any case of its domain."""
    local, at, domain = re.escape(word).rpartition("@" if "@" in word else "%40")
    return f"{local}{at}(?i:{domain})" if keep_case else f"(?i:{re.escape(word)})"


class Mask:
    """Puts the pseudonym in the place of every word."""

    def __init__(self, whom: Erased) -> None:
        self._words = words_of(whom)
        longest_first = sorted(self._words, key=len, reverse=True)
        one_of = "|".join(_anyhow(word, keep_case=whom.keep_case) for word in longest_first)
        pattern = f"{_BEGINS}(?:{one_of}){_ENDS}" if one_of else "(?!)"
        self._text = re.compile(pattern, re.ASCII)
        self._bytes = re.compile(pattern.encode())
        self._pseudonym = pseudonym(whom.person)

    @property
    def words(self) -> tuple[str, ...]:
        """What is looked for."""
        return self._words

    def text(self, said: str) -> str:
        """The text without them."""
        return self._text.sub(lambda _: self._pseudonym, said)

    def data(self, said: bytes) -> bytes:
        """The bytes without them."""
        return self._bytes.sub(lambda _: self._pseudonym.encode(), said)
