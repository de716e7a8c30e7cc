"""Signatures over mail (DKIM): header lines and a body -> one `DKIM-Signature` line for each key. RFC 6376, RFC 8463.

Ours, and not a library's, because every mail is signed twice and this is made for that: the body is brought into its
form and hashed once for all keys, keys are parsed once, and signing itself may be done elsewhere (`sealing`). An independent verifier (dkimpy) reads it in the tests.

Both forms are `relaxed`: relays fold headers and trim spaces. The headers that a reader sees are named once oftener than
they are there, so that nobody can add a second From or Subject in front of ours (RFC 6376 5.4.2 and 8.15); those of
RFC 8058 and the Feedback-ID must be signed to be believed (RFC 8058 section 4, STD-1, STD-2).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Engine

from heliograph.accounts.dkim import DkimKey, dkim_keys
from heliograph.clock import SECOND
from heliograph.outbound.messages.signing_process import signing

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
    """A key, ready to sign. `sign` takes a SHA-256 digest; `private_key`: PKCS #8, DER."""

    def __init__(self, key: DkimKey) -> None:
        self.domain, self.selector = key.domain, key.selector
        self.algorithm = f"{key.algorithm}-sha256"
        self.private_key = key.private_key
        self.sign = signing(key.private_key)


class Unsealed(NamedTuple):
    """A `DKIM-Signature` line without its signature, and the SHA-256 digest that is to be signed."""

    signer: DkimSigner
    line: str
    digest: bytes

    def sealed(self, signature: bytes) -> str:
        """The whole line."""
        seal = base64.b64encode(signature).decode()
        return self.line + "\r\n\t ".join(seal[at : at + 72] for at in range(0, len(seal), 72))


Sign = Callable[[Sequence[Unsealed]], Awaitable[Sequence[bytes]]]
"""Makes the signatures of one mail, in order: `signed_here`, or `sealing.Sealing.sign`."""


async def signed_here(wanted: Sequence[Unsealed]) -> Sequence[bytes]:
    """The signatures, made at once (`Sign`)."""
    return [one.signer.sign(one.digest) for one in wanted]


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


def unsealed(
    head: Sequence[str],
    body: bytes,
    signers: Sequence[DkimSigner],
    now: int,
    unsigned: Collection[str] = (),
) -> list[Unsealed]:
    """What each signer is to sign. `head`: the header lines, folded or not, each name once; `now` in
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
    return [_unsealed(signer, listed, digest, data, now // SECOND) for signer in signers]


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


def _unsealed(signer: DkimSigner, listed: str, digest: str, data: bytes, second: int) -> Unsealed:
    line = (
        f"DKIM-Signature: v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain};\r\n"
        f"\ts={signer.selector}; t={second};\r\n\th={listed};\r\n\tbh={digest};\r\n\tb="
    )
    covered = data + header_form(line)[1].removesuffix(b"\r\n")
    return Unsealed(signer, line, hashlib.sha256(covered).digest())


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
