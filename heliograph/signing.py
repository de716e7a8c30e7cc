"""Signatures over bytes: HMAC-SHA256, RSA, constant-time comparison, and keys that can be rotated.

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
from datetime import datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

KEY_BYTES = 32
RSA_BITS = 2048
CERTIFICATE_DAYS = 30 * 365
"""Receivers keep a certificate by its URL for as long as they run: a new one is an operator's decision."""


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
        keys = {kid: key_of_purpose(key, name) for kid, key in self.keys.items()}
        return Keyring(keys=keys, current=self.current)


def key_of_purpose(secret: bytes, name: str) -> bytes:
    """The key of one purpose, derived from a master secret."""
    return mac(secret, b"heliograph/%b\x01" % name.encode())


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


class RsaKey:
    """A private key that signs what everybody may check with its certificate: PKCS #1 v1.5 (RFC 8017 section 8.2)."""

    def __init__(self, pem: bytes) -> None:
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the signing key is no RSA key")
        self._key = key
        self._padding = padding.PKCS1v15()
        self._hashes = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303 - SNS's version 1

    def sign_base64(self, message: bytes, digest: Literal["sha1", "sha256"]) -> str:
        """The signature in base64. It takes about a millisecond, whatever the message."""
        return base64.b64encode(self._key.sign(message, self._padding, self._hashes[digest])).decode()


def new_certificate(name: str, now: datetime) -> tuple[bytes, bytes]:
    """A new RSA key and a certificate for it that it signs itself, both in PEM. `name` is its common name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)
