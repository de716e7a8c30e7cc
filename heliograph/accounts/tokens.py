"""Access tokens: what an OAuth2 client gets for its credentials, and shows with each call (RFC 6749 section 4.4).

A token carries the client's id and its end, signed: nothing is stored, so every worker knows every token, also after
a restart, and a stolen database holds none. A token opens nothing once its client's key is revoked: whoever reads
one looks the client up (`Directory.key`).

Where a wire wants a JSON Web Token (RFC 7519; MessageGears' v5, wire-facts 4.1) the same is said in its form, signed
with HS256 (RFC 7515, RFC 7518 section 3.2) under a key of its own purpose; its client is a key by our id of it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Literal, NamedTuple

import msgspec

from heliograph.clock import SECOND
from heliograph.signing import Keyring, mac, same

LIFETIME = 7200
"""Seconds that a token is good for (wire-facts 5.1)."""

PREFIX = "hat_"
_PURPOSE = "access-token"
_JWT_PURPOSE = "json-web-token"
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
    return PREFIX + _part(body + mac(keys.key, body))


def read(master: Keyring, text: str) -> Token:
    """What a token says, even when it has ended. Raises `ForgedToken`."""
    try:
        raw = _unpart(text.removeprefix(PREFIX))
        body, tag = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        kid, ends = _ENDS.unpack_from(body)
    except (binascii.Error, struct.error, ValueError) as error:
        raise ForgedToken("the token has another shape") from error
    key = master.purpose(_PURPOSE).keys.get(kid)
    if key is None or not same(mac(key, body), tag):
        raise ForgedToken("the token's signature is wrong")
    return Token(body[_ENDS.size :].decode("ascii", "replace"), ends)


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The only header that we write, and so the only one that we read: who says another algorithm forges."""

    alg: Literal["HS256"] = "HS256"
    typ: Literal["JWT"] = "JWT"
    kid: str


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Registered claims (RFC 7519 section 4.1): the account, its key, from when and until when in seconds."""

    sub: str
    azp: str
    iat: int
    exp: int


def issue_jwt(master: Keyring, account: str, key_id: str, now: int) -> str:
    """A JSON Web Token for this key of an account, good for `LIFETIME` seconds from `now` (microseconds)."""
    keys, second = master.purpose(_JWT_PURPOSE), now // SECOND
    claims = _Claims(sub=account, azp=key_id, iat=second, exp=second + LIFETIME)
    signed = (
        f"{_part(msgspec.json.encode(_Header(kid=str(keys.current))))}.{_part(msgspec.json.encode(claims))}"
    )
    return f"{signed}.{_part(mac(keys.key, signed.encode()))}"


def read_jwt(master: Keyring, text: str) -> Token:
    """What a JSON Web Token of ours says, even when it has ended; its client is the key's id. Raises `ForgedToken`."""
    signed, _, tag = text.rpartition(".")
    header, _, claims = signed.partition(".")
    try:
        kid = int(msgspec.json.decode(_unpart(header), type=_Header).kid)
        said = msgspec.json.decode(_unpart(claims), type=_Claims)
        signature = _unpart(tag)
    except (binascii.Error, ValueError) as error:
        raise ForgedToken("the token has another shape") from error
    key = master.purpose(_JWT_PURPOSE).keys.get(kid)
    if key is None or not same(mac(key, signed.encode()), signature):
        raise ForgedToken("the token's signature is wrong")
    return Token(said.azp, said.exp)


def _part(raw: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unpart(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
