"""What an account, a template or an automation wants at the end of every link: `utm_source=shop&utm_campaign={template}`.

A link that has a parameter of that name keeps its own; what stands behind `#` stays behind it; the rest of the URL is
left as it was written, whatever it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

PLACEHOLDERS = ("account", "template", "automation", "job", "campaign", "message")
"""What may stand in braces: the names of what a message belongs to, and its id."""

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_UNFIT = re.compile(r"[\s#<>\"]")


class Parameter(NamedTuple):
    """A name, and the whole of `name=value` as it is put in."""

    name: str
    text: str


def parameters(wanted: str, names: Mapping[str, str]) -> tuple[Parameter, ...]:
    """The parameters of such a text (without `?`), its placeholders replaced."""
    made = []
    for pair in wanted.lstrip("?&").split("&"):
        name, equals, value = pair.partition("=")
        if name and not _UNFIT.search(pair):
            value = _PLACEHOLDER.sub(lambda found: quote(names.get(found[1], ""), safe=""), value)
            made.append(Parameter(name, f"{name}{equals}{value}"))
    return tuple(made)


def wrong(wanted: str) -> str | None:
    """What is wrong with such a text; None: nothing."""
    if _UNFIT.search(wanted):
        return "has characters that no query string has"
    if unknown := set(_PLACEHOLDER.findall(wanted)) - set(PLACEHOLDERS):
        return f"has {{{min(unknown)}}}: known are {', '.join(PLACEHOLDERS)}"
    return None


def extended(url: str, wanted: tuple[Parameter, ...]) -> str:
    """The URL with those parameters that it does not have."""
    if not wanted:
        return url
    head, mark, fragment = url.partition("#")
    _, asks, query = head.partition("?")
    own = {pair.partition("=")[0] for pair in query.split("&")}
    more = "&".join(one.text for one in wanted if one.name not in own)
    if not more:
        return url
    joint = "" if asks and (not query or query.endswith("&")) else "&" if asks else "?"
    return f"{head}{joint}{more}{mark}{fragment}"
