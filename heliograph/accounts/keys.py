"""Making, listing and revoking what accounts authenticate with; and the first start.

The first start makes an account, its keys and its signing keys, and hands the secrets out once: printed, and
in `credentials.json` (mode 0600) beside the data. There are no default secrets anywhere.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select, update

from heliograph.accounts.model import ACCOUNTS, KEYS, REVISION, SIGNING_KEYS, Account, Key, KeyKind, Policy
from heliograph.accounts.rules import fault_of
from heliograph.errors import OperatorError, perhaps
from heliograph.signing import fingerprint, new_key

CREDENTIALS = "credentials.json"
REGION = "us-east-1"
GIVEN: tuple[KeyKind, ...] = ("receipts", "channel")
"""Keys whose secrets others made."""
_LETTERS = string.ascii_uppercase + string.digits
_PREFIX: dict[KeyKind, str] = {"store": "hst_", "api": "hak_", "oauth": "hoa_", "webhook": "hwh_"}


def first_start(engine: Engine, data: Path, base_url: str, now: int) -> dict[str, Any] | None:
    """Make the first account unless there is one. Returns what `credentials.json` now holds, else None."""
    with engine.begin() as connection:
        if connection.scalar(select(func.count()).select_from(ACCOUNTS)):
            return None
        connection.execute(insert(SIGNING_KEYS).values(kid=1, secret=new_key(), created=now))
        connection.execute(insert(REVISION).values(id=1, revision=1))
        account = add_account(connection, "First account", now)
        credentials = _credentials(connection, account, base_url, now)
        _write_private(data / CREDENTIALS, credentials)
    return credentials


def add_account(connection: Connection, name: str, now: int, *, parent: str | None = None) -> Account:
    """A new account with a number and a store id nobody else has; without keys."""
    taken = set(connection.scalars(select(ACCOUNTS.c.number)))
    number = next(n for n in iter(_number, "") if n not in taken)
    store_id = "".join(secrets.choice(_LETTERS) for _ in range(8))
    account = Account(number=number, store_id=store_id, name=name, parent=parent)
    connection.execute(
        insert(ACCOUNTS).values(
            number=number,
            store_id=store_id,
            name=name,
            parent=parent,
            policy=msgspec.to_builtins(account.policy),
            created=now,
        )
    )
    _changed(connection)
    return account


def add_key(
    connection: Connection,
    account: str,
    kind: KeyKind,
    now: int,
    *,
    label: str = "",
    public: str = "",
    given: str = "",
) -> tuple[Key, str]:
    """A new key and its secret, which is shown now and never again (except what we must compute with). `given`: the secret
    that somebody else made (`GIVEN`); empty: one is made."""
    if kind in GIVEN and not (given and public):
        raise OperatorError(f"a key `{kind}` needs the provider as its login, and the secret that they gave")
    if connection.scalar(select(ACCOUNTS.c.number).where(ACCOUNTS.c.number == account)) is None:
        raise OperatorError(f"there is no account {account}")
    secret = given or _secret(kind)
    key = Key(
        id="key_" + secrets.token_hex(6),
        account=account,
        kind=kind,
        public=public or _public(kind, secret),
        fingerprint=fingerprint(secret),
        secret=secret if kind in ("aws", "webhook", *GIVEN) else "",
        label=label,
        created=now,
    )
    connection.execute(insert(KEYS).values(**msgspec.structs.asdict(key)))
    _changed(connection)
    return key, secret


def list_keys(connection: Connection, account: str | None = None) -> Sequence[Key]:
    """Every key, revoked ones too, oldest first."""
    query = select(KEYS).order_by(KEYS.c.created, KEYS.c.id)
    if account:
        query = query.where(KEYS.c.account == account)
    return [Key(**row._mapping) for row in connection.execute(query)]


def revoke_key(connection: Connection, key_id: str, now: int) -> None:
    """From now on (two seconds at most) the key opens nothing."""
    done = connection.execute(
        update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked.is_(None)).values(revoked=now)
    )
    if done.rowcount == 0:
        raise OperatorError(f"there is no live key {key_id}; `heliograph keys list` shows them")
    _changed(connection)


def set_policy(connection: Connection, account: str, changes: dict[str, Any]) -> Policy:
    """Change an account's policy; unknown names and wrong values are refused by name."""
    stored = connection.scalar(select(ACCOUNTS.c.policy).where(ACCOUNTS.c.number == account))
    if stored is None:
        raise OperatorError(f"there is no account {account}")
    known = {field.name for field in msgspec.structs.fields(Policy)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise OperatorError(f"an account has no setting {unknown[0]}{perhaps(unknown[0], known)}")
    try:
        policy = msgspec.convert({**stored, **changes}, Policy, strict=False)
    except msgspec.ValidationError as error:
        raise OperatorError(f"the account's settings are wrong: {error}{_choices(str(error))}") from error
    fault = fault_of({name: getattr(policy, name) for name in changes})
    if fault:
        raise OperatorError(f"the account's settings are wrong: {fault}")
    connection.execute(
        update(ACCOUNTS).where(ACCOUNTS.c.number == account).values(policy=msgspec.to_builtins(policy))
    )
    _changed(connection)
    return policy


def _choices(fault: str) -> str:
    """The words that a setting may be, as the end of a sentence that says which setting is wrong."""
    for field in msgspec.structs.fields(Policy):
        if fault.endswith(f"`$.{field.name}`") and get_origin(field.type) is Literal:
            return f": choose {', '.join(get_args(field.type))}"
    return ""


def _credentials(connection: Connection, account: Account, base_url: str, now: int) -> dict[str, Any]:
    def made(kind: KeyKind) -> tuple[str, str]:
        key, secret = add_key(connection, account.number, kind, now, label="first start")
        return key.public, secret

    client_id, client_secret = made("oauth")
    access_key_id, secret_access_key = made("aws")
    return {
        "base_url": base_url,
        "account": account.number,
        "store_id": account.store_id,
        "store_key": made("store")[1],
        "api_key": made("api")[1],
        "oauth": {"client_id": client_id, "client_secret": client_secret},
        "aws": {
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "region": REGION,
        },
        "webhook_secret": made("webhook")[1],
    }


def _number() -> str:
    return str(secrets.randbelow(9 * 10**11) + 10**11)


def _secret(kind: KeyKind) -> str:
    if kind == "aws":
        return secrets.token_urlsafe(30)
    return _PREFIX[kind] + secrets.token_urlsafe(24)


def _public(kind: KeyKind, secret: str) -> str:
    if kind == "aws":
        return "HGIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
    if kind == "oauth":
        return secrets.token_hex(16)
    return secret[:8] + "..."


def _changed(connection: Connection) -> None:
    connection.execute(update(REVISION).values(revision=REVISION.c.revision + 1))


def _write_private(path: Path, content: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
