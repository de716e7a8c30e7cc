"""Browsers, engines and devices by the User-Agent: what is said where no rule knows the mail client.

Versions and families come from ua-parser, whose patterns take 25 MB and a tenth of a second when the first is asked
for, so that a process which never asks pays neither; one that judges for others gets them `ready` before. The engine and the platform need only a word or two.
"""

from __future__ import annotations

import re

from ua_parser import parse_user_agent

from heliograph.readers.vocabulary import Engine, Platform, VisitKind

_EXPLORER = re.compile(r"Trident/|MSIE \d")
_EDGE_HTML = re.compile(r"Edge/1\d\.")
_WEBKIT = re.compile(r"AppleWebKit/|Safari/")
_GECKO = re.compile(r"Gecko/\d|rv:[\d.]+\) Gecko")
_MOBILE = re.compile(r"Mobile|iPhone|iPad|iPod|Android|BlackBerry|Windows Phone|Kindle|Silk/|Tablet")
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux x86_64")

_NAMES = {"IE": "Explorer", "Edge": "Edge", "Samsung Internet": "Samsung Internet"}


def engine(agent: str) -> Engine:
    """The rendering engine (wire-facts 2.3). Chrome, Edge, Opera and Safari are `Webkit`; EdgeHTML is `Other`."""
    if _EXPLORER.search(agent):
        return "Explorer"
    if _EDGE_HTML.search(agent):
        return "Other"
    if _WEBKIT.search(agent):
        return "Webkit"
    return "Firefox" if _GECKO.search(agent) else "Other"


def platform(agent: str, kind: VisitKind) -> Platform:
    """Phones and tablets are mobile, whatever runs on them; a picture that a browser on a desk fetches is webmail's
    (LH-178); empty where nothing is known of the device."""
    if _MOBILE.search(agent):
        return "mobile"
    if _DESKTOP.search(agent):
        return "webmail" if kind in ("open", "image") else "desktop"
    return ""


def ready() -> None:
    """Have the patterns at hand: the first who asks does not wait for them."""
    parse_user_agent("")


def browser(agent: str) -> str:
    """The browser's name without its version, `Chrome`, `Explorer`, `Safari`; empty where it has none."""
    found = parse_user_agent(agent)
    if found is None:
        return ""
    family = found.family.removeprefix("Mobile ").removesuffix(" Mobile").removesuffix(" WebView")
    return _NAMES.get(family, family)
