"""Who may ask: the holders of `api` keys, each within their account, their scopes and their rate.

Everything here is decided from the headers, before the body is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key, Scope
from heliograph.errors import Forbidden, Unauthorized
from heliograph.web.limits import Limit, site

BEARER = "bearer "

Header = Callable[[str], str]
"""A header's value by its lower-case name; empty when absent."""


@dataclass(frozen=True, slots=True)
class Access:
    """The keys and the limits of one worker."""

    directory: Directory
    by_key: Limit
    by_address: Limit

    def admit(self, header: Header, client: str, scope: Scope) -> tuple[Account, Key]:
        """The account of the key that this client sends. Raises `Unauthorized`, `Forbidden`, `TooManyRequests`."""
        token = _token(header)
        key = self.directory.token(token) if token and token.isascii() else None
        account = self.directory.account(key.account) if key is not None else None
        if key is None or account is None or key.kind != "api":
            self.by_address.spend(site(client))
            raise Unauthorized(
                "Send the account's API key: x-api-key, or Authorization: Bearer.", field="x-api-key"
            )
        self.by_key.spend(key.id)
        if scope not in key.scopes:
            raise Forbidden(f"This key may not do this: it needs the scope {scope}.")
        return account, key


def _token(header: Header) -> str:
    sent = header("authorization")
    if sent[: len(BEARER)].lower() == BEARER:
        return sent[len(BEARER) :].strip()
    return header("x-api-key")
