"""Keys that sign mail (DKIM, RFC 6376): one or two per account, domain and selector, kept with the other keys.

A key is made, published in the DNS by the operator, and only then signs (`activate`): mail whose key nobody finds is
worse off than mail without a signature. Rotation is a second selector: publish it, activate it (the first one signs no
more), and remove the first from here and the DNS when no mail that it signed is under way any longer.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from heliograph.database import METADATA
from heliograph.errors import OperatorError
from heliograph.signing import RSA_BITS

Algorithm = Literal["rsa", "ed25519"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
"""RFC 8301: rsa-sha256 of 2048 bits, which everybody verifies; RFC 8463: ed25519-sha256, short, which some verify."""

TXT_STRING = 255
"""Bytes of one string of a TXT record (RFC 1035 3.3.14); a longer value is several, put together by the reader."""

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")

DKIM_KEYS = Table(
    "dkim_keys",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("domain", String, primary_key=True),
    Column("selector", String, primary_key=True),
    Column("algorithm", String, nullable=False),
    Column("private_key", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("active", BigInteger),
)
"""`private_key` in DER (PKCS 8); `active`: since when it signs, empty: it does not."""


class DkimKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of an account for a domain. `private_key` in DER; `active`: since when it signs (microseconds)."""

    account: str
    domain: str
    selector: str
    algorithm: Algorithm
    private_key: bytes
    created: int
    active: int | None = None

    @property
    def name(self) -> str:
        """Where the DNS has its public half (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What the TXT record of that name must say (RFC 6376 3.6.1, RFC 8463 section 4)."""
        private = serialization.load_der_private_key(self.private_key, None)
        public = private.public_key()
        if isinstance(public, ed25519.Ed25519PublicKey):
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        else:
            raw = public.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        return f"v=DKIM1; k={self.algorithm}; p={base64.b64encode(raw).decode()}"


def add_dkim_keys(
    connection: Connection,
    account: str,
    domain: str,
    selector: str,
    now: int,
    algorithms: Sequence[Algorithm] = ALGORITHMS,
) -> list[DkimKey]:
    """New keys, one of each algorithm; they do not sign yet. That of ed25519 has `-ed25519` behind its selector where
    both are made: a name in the DNS has one key. Raises `OperatorError` where the name is none, or taken."""
    domain, selector = domain.strip().rstrip(".").lower(), selector.strip().lower()
    for what, name in (("domain", domain), ("selector", selector)):
        if not _NAME.fullmatch(name):
            raise OperatorError(f"{name!r} is no {what}; one of other letters is written as xn--...")
    made = []
    for algorithm in algorithms:
        name = f"{selector}-ed25519" if algorithm == "ed25519" and len(algorithms) > 1 else selector
        if dkim_keys(connection, account, domain, name):
            raise OperatorError(f"there is a key {name} of {domain} already: take another selector")
        key = DkimKey(
            account=account,
            domain=domain,
            selector=name,
            algorithm=algorithm,
            private_key=_new_private_key(algorithm),
            created=now,
        )
        connection.execute(insert(DKIM_KEYS).values(**msgspec.structs.asdict(key)))
        made.append(key)
    return made


def dkim_keys(
    connection: Connection, account: str | None = None, domain: str | None = None, selector: str | None = None
) -> list[DkimKey]:
    """The keys, by account, domain and age; as far as these are named, of these alone."""
    query = select(DKIM_KEYS).order_by(
        DKIM_KEYS.c.account, DKIM_KEYS.c.domain, DKIM_KEYS.c.created, DKIM_KEYS.c.selector
    )
    for column, value in (
        (DKIM_KEYS.c.account, account),
        (DKIM_KEYS.c.domain, domain),
        (DKIM_KEYS.c.selector, selector),
    ):
        if value is not None:
            query = query.where(column == value)
    return [DkimKey(**row._mapping) for row in connection.execute(query)]


def activate(connection: Connection, key: DkimKey, now: int) -> None:
    """From now on this key signs its domain's mail, in place of the one of its algorithm that did."""
    same = (DKIM_KEYS.c.account == key.account) & (DKIM_KEYS.c.domain == key.domain)
    connection.execute(
        update(DKIM_KEYS).where(same & (DKIM_KEYS.c.algorithm == key.algorithm)).values(active=None)
    )
    connection.execute(
        update(DKIM_KEYS).where(same & (DKIM_KEYS.c.selector == key.selector)).values(active=now)
    )


def remove(connection: Connection, key: DkimKey) -> None:
    """The key is gone for good."""
    connection.execute(
        delete(DKIM_KEYS).where(
            DKIM_KEYS.c.account == key.account,
            DKIM_KEYS.c.domain == key.domain,
            DKIM_KEYS.c.selector == key.selector,
        )
    )


def _new_private_key(algorithm: Algorithm) -> bytes:
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
