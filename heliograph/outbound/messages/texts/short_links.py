"""Links of a text, made short: `https://our.host/s/` and ten letters and digits in place of each.

Pure. What a code stands for is recorded before the text leaves (`links.shortened`), so it is known when somebody taps
it; the code follows from the message and the link's place (`refs.short`), so a second attempt finds the same. Links
that are ours already stay, as does everything that is no http(s) link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AFTER = ".,;:!?'*_~\u2026\u2019\u201d\u00bb"
"""What stands after a link in a sentence more often than at its end."""
_PAIRS = {")": "(", "]": "[", "}": "{"}


class Shortened(NamedTuple):
    """A text with short links, and what each leads to, in their order."""

    text: str
    urls: tuple[str, ...]


def shorten(text: str, short: Callable[[int], str], ours: tuple[str, ...]) -> Shortened:
    """Put `short(place)` in place of each link but those that begin with one of `ours`."""
    urls: list[str] = []

    def replaced(found: re.Match[str]) -> str:
        url = _without_sentence(found[0])
        if url.startswith(ours):
            return found[0]
        urls.append(url)
        return short(len(urls) - 1) + found[0][len(url) :]

    return Shortened(_LINK.sub(replaced, text), tuple(urls))


def _without_sentence(link: str) -> str:
    """The link without what belongs to the sentence around it: a full stop, a bracket that was opened before."""
    while link:
        last = link[-1]
        unopened = last in _PAIRS and link.count(last) > link.count(_PAIRS[last])
        if last not in _AFTER and not unopened:
            break
        link = link[:-1]
    return link
