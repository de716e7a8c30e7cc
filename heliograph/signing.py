"""Signatures over bytes: HMAC-SHA256, constant-time comparison, and keys that can be rotated.

A `Keyring` holds the keys of one purpose. New signatures use its current key; old ones still verify
under the key whose id they carry, until that key is removed. Keys of different purposes are never the
same bytes: they are derived from one master secret per purpose (RFC 5869 in its one-block form).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one purpose by key id (0 to 255), and which of them signs."""

    keys: Mapping[int, bytes]
    current: int

    def __post_init__(self) -> None:
        if self.current not in self.keys:
            raise ValueError(f"the current key id {self.current} is not among the keys")
        if any(not 0 <= kid <= 255 for kid in self.keys):
            raise ValueError("a key id is one byte")

    @property
    def key(self) -> bytes:
        """The key that signs now."""
        return self.keys[self.current]

    def purpose(self, name: str) -> Keyring:
        """The keyring of one purpose, derived from this one: other purposes cannot use its signatures."""
        label = b"heliograph/" + name.encode()
        return Keyring(
            keys={kid: mac(key, label + b"\x01") for kid, key in self.keys.items()}, current=self.current
        )


def new_key() -> bytes:
    """A fresh 256-bit key."""
    return secrets.token_bytes(KEY_BYTES)


def mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104): 32 bytes."""
    return hmac.digest(key, message, "sha256")


def mac_base64(key: bytes, message: bytes) -> str:
    """HMAC-SHA256 in base64, the form of Remarkety's PHP sample (RM-14)."""
    return base64.b64encode(mac(key, message)).decode()


def mac_hex(key: bytes, message: bytes) -> str:
    """HMAC-SHA256 in lower-case hex, the form of Remarkety's sample header (RM-14)."""
    return mac(key, message).hex()


def same(a: bytes, b: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(a, b)


def fingerprint(secret: str) -> str:
    """What is stored of a key that we only need to recognise: SHA-256, hex.

    Keys are made by us with 160 bits of entropy or more, so a slow hash would add nothing.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def password_hash(password: str, *, salt: bytes | None = None) -> str:
    """What is stored of a password: scrypt (RFC 7914) with its parameters."""
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=16384, r=8, p=1, dklen=32)
    return f"scrypt$16384$8$1${salt.hex()}${digest.hex()}"


def password_matches(password: str, stored: str) -> bool:
    """Whether the password is the one whose hash was stored."""
    scheme, n, r, p, salt, digest = stored.split("$")
    if scheme != "scrypt":
        return False
    made = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p), dklen=32)
    return same(made, bytes.fromhex(digest))
