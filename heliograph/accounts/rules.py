"""What an account's policy may say, beyond the types of its fields. Pure.

`keys.set_policy` asks when an operator changes something, so that a zone that no clock knows, or an origin that no browser
ever sends, is told at once and not found out weeks later. What is stored already is read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

_MAILBOX = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ORIGIN = re.compile(r"https?://[^/?#@\s]+/?")


def fault_of(changed: Mapping[str, Any]) -> str | None:
    """What is wrong with the first of these settings that is not as it must be, by its name; None: nothing."""
    for name, value in changed.items():
        if name not in _RULES:
            continue
        right, words = _RULES[name]
        for text in (value,) if isinstance(value, str) else value:
            if text and not right(text):
                return f"{name}: {text!r} is no {words}"
    return None


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; a path that leads out; a folder
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


_ADDRESS = (_whole(_MAILBOX), "e-mail address")
_RULES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "time_zone": (_is_zone, "time zone, such as Europe/Berlin"),
    "country": (_whole(_COUNTRY), "country of two letters, such as DE"),
    "sms_countries": (
        lambda text: text.strip() == "?" or _whole(_COUNTRY)(text.strip()),
        "country of two letters, such as DE",
    ),
    "from_address": _ADDRESS,
    "reply_to": _ADDRESS,
    "admin_email": _ADDRESS,
    "browser_origins": (_whole(_ORIGIN), "origin as browsers name it, such as https://shop.example.com"),
    "receipt_networks": (_is_network, "network, such as 192.0.2.0/24"),
}
