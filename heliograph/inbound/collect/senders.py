"""Who says something, and how: what all events of one request have in common.

Made at the door from the key and the headers; read by everything that turns a body into an event.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Sender(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One caller of one account (by number), and what the account's policy says about reading (RM-6).

    `source` names the system that numbers its own events (`x-source`; of a page, its origin); `keep_case` whether the local part of an
    address compares with case; `ip` is the caller's address and `keep_ip` how much of one may be kept (STD-7);
    `keyless` a browser without a key (RM-2);
    `country` where the account's phone numbers are from, in two letters."""

    account: str
    strict: bool = False
    keep_case: bool = False
    platform: str = ""
    domain: str = ""
    source: str = ""
    ip: str = ""
    keep_ip: Literal["full", "truncate", "drop"] = "full"
    keyless: bool = False
    country: str = ""
