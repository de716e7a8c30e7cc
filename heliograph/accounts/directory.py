"""Accounts, keys and signing keys in memory: what every request is checked against, without a query.

Each process holds one `Directory` and loads it again when the stored revision has changed (every two
seconds at the latest): that is how soon a revoked key stops working. A key or account that is not known is looked
for again at once, so that a new one works everywhere the moment it is made.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Engine, select

from heliograph.accounts.model import ACCOUNTS, KEYS, REVISION, SIGNING_KEYS, Account, Key, KeyKind, Policy
from heliograph.signing import Keyring, fingerprint, same

RELOAD_SECONDS = 2.0

LOOKS = 20
"""How often between two reloads what is not known is looked for in the database: guessers cost a query no oftener."""


class Directory:
    """All accounts and all keys that are not revoked, by everything that requests name them by."""

    def __init__(self, accounts: Sequence[Account], keys: Sequence[Key], master: Keyring) -> None:
        self.master = master
        """The keyring from which references' purposes are derived (`refs.Refs(directory.master)`)."""
        self.revision = 0
        self._engine: Engine | None = None
        self._looks = 0
        self._loading = threading.Lock()
        self._set(accounts, keys)

    def _set(self, accounts: Sequence[Account], keys: Sequence[Key]) -> None:
        self.accounts = {account.number: account for account in accounts}
        self._stores = {account.store_id: account for account in accounts}
        live = [key for key in keys if key.revoked is None]
        self._tokens = {key.fingerprint: key for key in live if key.kind in ("store", "api")}
        self._keys = {(key.kind, key.public): key for key in live}
        self._by_id = {key.id: key for key in live}
        self._of_account: dict[tuple[str, KeyKind], list[Key]] = {}
        for key in sorted(live, key=lambda key: key.created, reverse=True):
            self._of_account.setdefault((key.account, key.kind), []).append(key)

    def account(self, number: str) -> Account | None:
        """The account of a 12-digit number."""
        found = self.accounts.get(number)
        return self.accounts.get(number) if found is None and self._looked_again() else found

    def store(self, store_id: str) -> Account | None:
        """The account of a store id."""
        found = self._stores.get(store_id)
        return self._stores.get(store_id) if found is None and self._looked_again() else found

    def token(self, token: str) -> Key | None:
        """The store or api key that this token is, if it is one (found by fingerprint: no timing to learn from)."""
        print_ = fingerprint(token)
        found = self._tokens.get(print_)
        return self._tokens.get(print_) if found is None and self._looked_again() else found

    def key(self, kind: KeyKind, public: str) -> Key | None:
        """The key of a kind by its public part: an AWS access key id, an OAuth client id, a login."""
        found = self._keys.get((kind, public))
        return self._keys.get((kind, public)) if found is None and self._looked_again() else found

    def key_of_id(self, id: str) -> Key | None:
        """The key of our own id of it."""
        found = self._by_id.get(id)
        return self._by_id.get(id) if found is None and self._looked_again() else found

    def keys(self, account: str, kind: KeyKind) -> Sequence[Key]:
        """An account's keys of a kind, newest first."""
        return self._of_account.get((account, kind), ())

    def secret_matches(self, key: Key, secret: str) -> bool:
        """Whether the secret belongs to the key, in constant time."""
        return same(fingerprint(secret).encode(), key.fingerprint.encode())

    def reload(self, engine: Engine) -> bool:
        """Load again if anything changed; True if so. From now on what is not known is looked for in this database."""
        self._engine, self._looks = engine, LOOKS
        return self._reloaded(engine)

    def _looked_again(self) -> bool:
        if self._engine is None or not self._looks:
            return False
        self._looks -= 1
        return self._reloaded(self._engine)

    def _reloaded(self, engine: Engine) -> bool:
        with self._loading, engine.connect() as connection:
            revision = connection.scalar(select(REVISION.c.revision)) or 0
            if revision == self.revision:
                return False
            accounts, keys, self.master = _load(connection)
            self.revision = revision
            self._set(accounts, keys)
        return True


def load_directory(engine: Engine) -> Directory:
    """The directory as the database has it now."""
    with engine.connect() as connection:
        accounts, keys, master = _load(connection)
        directory = Directory(accounts, keys, master)
        directory.revision = connection.scalar(select(REVISION.c.revision)) or 0
    return directory


def _load(connection: Connection) -> tuple[list[Account], list[Key], Keyring]:
    accounts = [
        Account(
            number=row.number,
            store_id=row.store_id,
            name=row.name,
            parent=row.parent,
            policy=msgspec.convert(row.policy, Policy),
        )
        for row in connection.execute(select(ACCOUNTS))
    ]
    keys = [Key(**row._mapping) for row in connection.execute(select(KEYS))]
    signing = {
        row.kid: row.secret for row in connection.execute(select(SIGNING_KEYS).order_by(SIGNING_KEYS.c.kid))
    }
    return accounts, keys, Keyring(keys=signing, current=max(signing))
