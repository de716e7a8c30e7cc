"""What remains of an erased person's address: a keyed hash, which recognises it and tells nothing (RM-12, STD-7).

The key is derived from the account database's oldest signing key, which a rotation keeps: a hash made today must be
recognised in ten years.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from heliograph.accounts.model import SIGNING_KEYS
from heliograph.database import Query
from heliograph.signing import key_of_purpose

_OLDEST = Query(select(SIGNING_KEYS.c.secret).order_by(SIGNING_KEYS.c.kid).limit(1))


def erased_form(connection: Connection, account: str, channel: str, address: str) -> str | None:
    """`hash:` and the keyed hash of an address in its normal form; None before the first start."""
    form = eraser(connection)
    return None if form is None else form(account, channel, address)


def eraser(connection: Connection) -> Callable[[str, str, str], str] | None:
    """What makes erased forms of an account, a channel and an address, for many of them; None before the first
    start."""
    secret = _OLDEST.value(connection)
    if secret is None:
        return None
    return lambda account, channel, address: (
        "hash:" + key_of_purpose(secret, f"erased/{account}/{channel}/{address}").hex()
    )
