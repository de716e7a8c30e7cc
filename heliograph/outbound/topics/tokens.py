"""Tokens that confirm a subscription (SNS-2): signed, so that only who got the message can have one. Pure.

A token says for which subscription, for which of its nonces, and until when. The nonce changes when a subscription is
ended, so that an old SubscribeURL does not bring back what its receiver left.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from heliograph.signing import Keyring, mac, same

PURPOSE = "topic-confirmation"

_BODY = 1 + 16 + 8 + 8  # key id, subscription, nonce, expiry
_MAC = 32


class Claim(NamedTuple):
    """What a genuine token says. `expires` in microseconds."""

    subscription: str
    nonce: str
    expires: int


def new_nonce() -> str:
    """Sixteen hex digits that nobody else has."""
    return uuid.uuid4().hex[:16]


def write(master: Keyring, claim: Claim) -> str:
    """The token: hex, as Amazon's are."""
    keys = master.purpose(PURPOSE)
    body = (
        bytes((keys.current,))
        + uuid.UUID(claim.subscription).bytes
        + bytes.fromhex(claim.nonce)
        + claim.expires.to_bytes(8)
    )
    return (body + mac(keys.key, body)).hex()


def read(master: Keyring, token: str) -> Claim | None:
    """What the token says; None unless we made it. Whether its time is up is for the caller to see."""
    try:
        raw = bytes.fromhex(token)
    except ValueError:
        return None
    if len(raw) != _BODY + _MAC:
        return None
    body, seal = raw[:_BODY], raw[_BODY:]
    key = master.purpose(PURPOSE).keys.get(body[0])
    if key is None or not same(mac(key, body), seal):
        return None
    return Claim(str(uuid.UUID(bytes=body[1:17])), body[17:25].hex(), int.from_bytes(body[25:]))
