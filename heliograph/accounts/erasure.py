"""What remains of an erased person's address: a keyed hash, which recognises it and tells nothing (RM-12, STD-7).

The key is derived from the account database's oldest signing key, which a rotation keeps: a hash made today must be
recognised in ten years.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from heliograph.accounts.model import SIGNING_KEYS
from heliograph.signing import Keyring

_OLDEST = select(SIGNING_KEYS.c.secret).order_by(SIGNING_KEYS.c.kid).limit(1)


def erased_form(connection: Connection, account: str, channel: str, address: str) -> str | None:
    """`hash:` and the keyed hash of an address in its normal form; None before the first start."""
    secret = connection.scalar(_OLDEST)
    if secret is None:
        return None
    return "hash:" + Keyring({1: secret}, 1).purpose(f"erased/{account}/{channel}/{address}").key.hex()
