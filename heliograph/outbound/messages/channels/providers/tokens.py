"""Tokens that prove who we are for an hour or so: signed by us (JWT, RFC 7519), kept until they are old."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class _Kept(NamedTuple):
    token: str
    until: float


class Tokens:
    """Keeps what is asked for; who comes while one is being made waits for that one."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._making: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, now: float, make: Callable[[], Awaitable[tuple[str, float]]]) -> str:
        """The token of this name; `make` gives a new one and for how many seconds it serves. Raises what that raises."""
        kept = self._kept.get(name)
        if kept is not None and now < kept.until:
            return kept.token
        async with self._making.setdefault(name, asyncio.Lock()):
            kept = self._kept.get(name)
            if kept is None or now >= kept.until:
                token, seconds = await make()
                kept = self._kept[name] = _Kept(token, now + seconds)
        return kept.token

    def drop(self, name: str) -> None:
        """Make a new one the next time: this one was refused."""
        self._kept.pop(name, None)


def name_of(provider: str, secret: str) -> str:
    """What a token is kept under; credentials are no names."""
    return f"{provider} {hashlib.sha256(secret.encode()).hexdigest()}"


def private_key(pem: str) -> PrivateKey | None:
    """The key in a PEM; None where it is none that we can sign with: a P-256 or an RSA key without a password."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPrivateKey):
        return key
    return key if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 256 else None


def jwt(key: PrivateKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A signed token: ES256 or RS256, as the key is (RFC 7518 section 3)."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    said = f"{_part({'alg': algorithm, **header})}.{_part(claims)}"
    return f"{said}.{_base64url(_signature(key, said.encode()))}"


def _signature(key: PrivateKey, said: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(said, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(said, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")  # RFC 7518 section 3.4: not DER


def _part(value: dict[str, Any]) -> str:
    return _base64url(msgspec.json.encode(value))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
