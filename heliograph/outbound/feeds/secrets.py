"""The secrets that a feed shares with its receiver, and which of them sign now.

A feed signs with the account's webhook secrets until it is given one of its own (`feed.secret_rotated`). Its own are in
the form of Standard Webhooks (`whsec_` and base64) and stand nowhere: each is derived from a signing key of this
installation and the id of the event that made it. While a rotation overlaps there are two. What bears several
signatures bears both; what bears one only turns to the newer at an instant that the rotation names.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heliograph.accounts.directory import Directory
from heliograph.react.state.definitions import FeedSecret
from heliograph.signing import Keyring, mac

PREFIX = "whsec_"
"""What a Standard Webhooks secret begins with; base64 of its bytes follows."""

PUBLIC_PREFIX = "whpk_"
"""The same of the public half of a key pair."""

MOST = 2
"""Secrets that sign at once: the newest and the one before it."""

PURPOSE = "webhook secrets"


class Live(NamedTuple):
    """What signs now: `single` where there is room for one signature, `all` where there are several, the newest
    first. `pairs`: the key pairs of the feed's own secrets, in the same order."""

    single: str
    all: tuple[str, ...]
    pairs: tuple[Ed25519PrivateKey, ...] = ()


def live(
    directory: Directory, account: str, name: str, secrets: Sequence[FeedSecret], now: int
) -> Live | None:
    """The secrets of a feed that sign at this instant (microseconds); None: there are none at all."""
    of_account = tuple(key.secret for key in directory.keys(account, "webhook"))
    valid = [secret for secret in reversed(secrets) if secret.until is None or now < secret.until]
    own = [secret for secret in valid if secret.event]
    if not own:
        return Live(of_account[0], of_account[:MOST]) if of_account else None
    written = [
        text
        for secret in valid
        for text in ((derived(directory.master, account, name, secret),) if secret.event else of_account[:1])
    ]
    turned = [text for text, secret in zip(written, valid, strict=False) if secret.turns <= now]
    pairs = tuple(key_pair(directory.master, account, name, secret) for secret in own[:MOST])
    return Live(turned[0] if turned else written[-1], tuple(written[:MOST]), pairs)


def derived(master: Keyring, account: str, name: str, secret: FeedSecret) -> str:
    """A feed's own secret, as its receiver is given it. KeyError when its signing key was removed."""
    return _secret(master.keys[secret.kid], f"{account}/{name}/{secret.event}")


def key_pair(master: Keyring, account: str, name: str, secret: FeedSecret) -> Ed25519PrivateKey:
    """The key pair made with that secret, for receivers that need not be trusted with what signs (`v1a`)."""
    return _pair(master.keys[secret.kid], f"{account}/{name}/{secret.event}")


def public_key(pair: Ed25519PrivateKey) -> str:
    """The public half, as a receiver is given it."""
    return PUBLIC_PREFIX + base64.b64encode(pair.public_key().public_bytes_raw()).decode()


def key_bytes(secret: str) -> bytes:
    """The bytes with which Standard Webhooks signs. A secret of the account, which has no such form, counts as it is
    written; its receiver is given `standard_form`."""
    if secret.startswith(PREFIX):
        return base64.b64decode(secret.removeprefix(PREFIX))
    return secret.encode()


def standard_form(secret: str) -> str:
    """A secret as libraries of Standard Webhooks take it."""
    return secret if secret.startswith(PREFIX) else PREFIX + base64.b64encode(secret.encode()).decode()


@lru_cache(maxsize=1024)
def _secret(key: bytes, of: str) -> str:
    return PREFIX + base64.b64encode(mac(_purpose(key), of.encode())).decode()


@lru_cache(maxsize=1024)
def _pair(key: bytes, of: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(mac(_purpose(key), b"ed25519/" + of.encode()))


def _purpose(key: bytes) -> bytes:
    return Keyring(keys={0: key}, current=0).purpose(PURPOSE).key
