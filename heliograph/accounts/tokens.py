"""Access tokens: what an OAuth2 client gets for its credentials, and shows with each call (RFC 6749 section 4.4).

A token carries the client's id and its end, signed: nothing is stored, so every worker knows every token, also after
a restart, and a stolen database holds none. A token opens nothing once its client's key is revoked: whoever reads
one looks the client up (`Directory.key`).
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import NamedTuple

from heliograph.clock import SECOND
from heliograph.signing import Keyring, mac, same

LIFETIME = 7200
"""Seconds that a token is good for (wire-facts 5.1)."""

PREFIX = "hat_"
_PURPOSE = "access-token"
_ENDS = struct.Struct(">BQ")  # key id, end in seconds since 1970
_MAC_BYTES = 32


class ForgedToken(ValueError):
    """The token was not made by us, was altered, or its key was retired."""


class Token(NamedTuple):
    """Whose token it is (the public id of an oauth key), and the second at which it ends."""

    client: str
    ends: int

    def left(self, now: int) -> int:
        """Seconds that it is still good for at `now` (microseconds); 0 or less when it has ended."""
        return self.ends - now // SECOND


def issue(master: Keyring, client: str, now: int) -> str:
    """A token for this client, good for `LIFETIME` seconds from `now` (microseconds)."""
    keys = master.purpose(_PURPOSE)
    body = _ENDS.pack(keys.current, now // SECOND + LIFETIME) + client.encode()
    return PREFIX + base64.urlsafe_b64encode(body + mac(keys.key, body)).rstrip(b"=").decode()


def read(master: Keyring, text: str) -> Token:
    """What a token says, even when it has ended. Raises `ForgedToken`."""
    encoded = text.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        body, tag = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        kid, ends = _ENDS.unpack_from(body)
    except (binascii.Error, struct.error, ValueError) as error:
        raise ForgedToken("the token has another shape") from error
    key = master.purpose(_PURPOSE).keys.get(kid)
    if key is None or not same(mac(key, body), tag):
        raise ForgedToken("the token's signature is wrong")
    return Token(body[_ENDS.size :].decode("ascii", "replace"), ends)
