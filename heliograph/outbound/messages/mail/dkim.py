"""Signatures over mail (DKIM): header lines and a body -> one `DKIM-Signature` line for each key. RFC 6376, RFC 8463.

Ours, and not a library's, because every mail is signed twice and this is made for that: the body is brought into its
form and hashed once for all keys, and keys are parsed once. An independent verifier (dkimpy) reads it in the tests.

Both forms are `relaxed`: relays fold headers and trim spaces. The headers that a reader sees are named once oftener than
they are there, so that nobody can add a second From or Subject in front of ours (RFC 6376 5.4.2 and 8.15); those of
RFC 8058 and the Feedback-ID must be signed to be believed (RFC 8058 section 4, STD-1, STD-2).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from sqlalchemy import Engine

from heliograph.accounts.dkim import DkimKey, dkim_keys
from heliograph.clock import SECOND

SIGNED = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "sender",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
)
"""Headers that are signed where they are there."""

SEALED = ("from", "subject", "to", "date", "reply-to")
"""Headers that are named once more, there or not: one that is added breaks the signature."""


class DkimSigner:
    """A key, ready to sign. `sign` takes a SHA-256 digest."""

    def __init__(self, key: DkimKey) -> None:
        self.domain, self.selector = key.domain, key.selector
        self.algorithm = f"{key.algorithm}-sha256"
        self.sign = _signing(key.private_key)


class Signers:
    """The keys that sign now, by account and domain."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[DkimKey, DkimSigner] = {}
        self._of: dict[tuple[str, str], tuple[DkimSigner, ...]] = {}
        self.reload()

    def reload(self) -> None:
        """See what was activated or removed."""
        with self._engine.connect() as connection:
            keys = [key for key in dkim_keys(connection) if key.active is not None]
        self._kept = {key: self._kept.get(key) or DkimSigner(key) for key in keys}
        found: dict[tuple[str, str], tuple[DkimSigner, ...]] = {}
        for key, signer in self._kept.items():
            place = (key.account, key.domain)
            found[place] = (*found.get(place, ()), signer)
        self._of = found

    def of(self, account: str, domain: str) -> Sequence[DkimSigner]:
        """Those for mail from this domain: its own, else those of the nearest domain that it is below, whose
        signature is aligned with it as well (RFC 7489 3.1.1)."""
        name = domain.lower()
        while name:
            if signers := self._of.get((account, name)):
                return signers
            name = name.partition(".")[2]
        return ()


def signatures(
    head: Sequence[str],
    body: bytes,
    signers: Sequence[DkimSigner],
    now: int,
    unsigned: Collection[str] = (),
) -> list[str]:
    """A `DKIM-Signature` line by each signer. `head`: the header lines, folded or not, each name once; `now` in
    microseconds; `unsigned`: headers, in small letters, that a relay writes anew, which a signature must not cover."""
    if not signers:
        return []
    forms = dict(map(header_form, head))
    left_out = {*unsigned} - {"from"}  # which must be signed (RFC 6376 5.4)
    names = [name for name in SIGNED if name in forms and name not in left_out]
    data = b"".join(forms[name] for name in names)
    names.extend(name for name in SEALED if name not in left_out)
    digest = base64.b64encode(hashlib.sha256(body_form(body)).digest()).decode()
    listed = _listed(tuple(names))
    return [_signature(signer, listed, digest, data, now // SECOND) for signer in signers]


def header_form(line: str) -> tuple[str, bytes]:
    """A header's name in small letters, and the header in its relaxed form (RFC 6376 3.4.2)."""
    name, _, value = line.partition(":")
    name = name.strip().lower()
    return name, b"%b:%b\r\n" % (name.encode(), b" ".join(value.encode().split()))


def body_form(body: bytes) -> bytes:
    """A body in its relaxed form (RFC 6376 3.4.4). Replacing is many times faster than a pattern here."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n")
    body = body.removesuffix(b" ")
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n" if body else b""


def _signature(signer: DkimSigner, listed: str, digest: str, data: bytes, second: int) -> str:
    line = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain};\r\n"
        f"\ts={signer.selector}; t={second};\r\n\th={listed};\r\n\tbh={digest};\r\n\tb="
    )
    covered = data + header_form(line)[1].removesuffix(b"\r\n")
    seal = base64.b64encode(signer.sign(hashlib.sha256(covered).digest())).decode()
    return line + "\r\n\t ".join(seal[at : at + 72] for at in range(0, len(seal), 72))


def _signing(private_key: bytes) -> Callable[[bytes], bytes]:
    """What signs SHA-256 digests with this key (PKCS #8, DER): by RFC 6376 3.3.1 or RFC 8463 section 3, which both sign a
    digest. Raises TypeError for a key of another kind."""
    private = serialization.load_der_private_key(private_key, None)
    if isinstance(private, rsa.RSAPrivateKey):
        scheme, digested = padding.PKCS1v15(), Prehashed(hashes.SHA256())
        return lambda digest: private.sign(digest, scheme, digested)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign
    raise TypeError("the key is neither RSA nor Ed25519")


@lru_cache(maxsize=256)
def _listed(names: tuple[str, ...]) -> str:
    # Colons may have white space around them (RFC 6376 3.5): folded, so that no line is too long.
    lines, room = [names[0]], 70
    for name in names[1:]:
        if len(lines[-1]) + len(name) + 1 > room:
            lines[-1] += ":"
            lines.append(name)
        else:
            lines[-1] += f":{name}"
    return "\r\n\t ".join(lines)
