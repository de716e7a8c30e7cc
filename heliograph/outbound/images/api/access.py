"""Who may call the API: OAuth2 access tokens, or plain API keys; and how often (PER-1).

`Authorization: Bearer` carries either; `x-api-key` an API key. A token is good for two hours and only as long as its
client's key lives. Every answer tells what is left of the account's allowance.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts import tokens
from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key
from heliograph.clock import SECOND, Clock
from heliograph.errors import TooManyRequests, Unauthorized
from heliograph.outbound.images.api.answers import JsonAnswer, decoded
from heliograph.web.limits import Limit, site
from heliograph.web.windows import Allowance, Windows

BODY_LIMIT = 16 * 1024
"""Bytes of a request for a token."""

SCOPE = "full"
"""The only scope of the API that this one stands in for (wire-facts 5.1)."""


class Caller(NamedTuple):
    """Whose call it is. `seconds`: how long the token is good for; None for a key, which does not end."""

    account: Account
    key: Key
    shown: str
    seconds: int | None
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Gate:
    """The keys and the limits."""

    directory: Directory
    windows: Windows
    by_address: Limit
    clock: Clock

    def admit(self, request: Request) -> Caller:
        """The caller. Raises `Unauthorized`, `TooManyRequests`."""
        found = self._bearer(request)
        if isinstance(found, str):
            self.by_address.spend(site(request.client.host if request.client else ""))
            raise Unauthorized(found, field="Authorization")
        key, shown, seconds = found
        account = self.directory.accounts[key.account]
        allowance = self.windows.take(f"personalize/{account.number}")
        request.state.allowance = allowance
        if not allowance.granted:
            wait = max(1, allowance.reset - self.clock.now() // SECOND)
            raise TooManyRequests(
                f"Your account's {allowance.limit} requests are used up; more in {wait} seconds.",
                retry_after=wait,
            )
        return Caller(account, key, shown, seconds, allowance)

    def _bearer(self, request: Request) -> tuple[Key, str, int | None] | str:
        """The key, what may be shown of what was sent, and the seconds left; or why there is none."""
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        sent = sent.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        if not sent:
            return "Send an access token or an API key: Authorization: Bearer TOKEN."
        if not sent.startswith(tokens.PREFIX):
            key = self.directory.token(sent) if sent.isascii() else None
            usable = key is not None and "images" in key.scopes and key.account in self.directory.accounts
            return (key, key.public, None) if key is not None and usable else "This is no API key of ours."
        try:
            token = tokens.read(self.directory.master, sent)
        except tokens.ForgedToken:
            return "This is no access token of ours."
        key = self.directory.key("oauth", token.client)
        seconds = token.left(self.clock.now())
        if seconds <= 0:
            return "The access token has ended; get another from /oauth/token."
        if key is None or key.account not in self.directory.accounts:
            return "The access token's client was revoked."
        return key, sent, seconds


def limits(allowance: Allowance | None) -> Mapping[str, str]:
    """The headers that tell what is left; none where there is no limit."""
    if allowance is None or not allowance.limit:
        return {}
    return {
        "x-ratelimit-limit": str(allowance.limit),
        "x-ratelimit-remaining": str(allowance.remaining),
        "x-ratelimit-reset": str(allowance.reset),
    }


def pong(caller: Caller) -> dict[str, Any]:
    """The answer to a ping (wire-facts 5.1)."""
    token = {"token": caller.shown, "expiresInSeconds": caller.seconds, "scopes": [SCOPE]}
    application = {"name": caller.key.label or caller.account.name, "uid": caller.key.public}
    return {"meta": {"ping": "pong", "accessToken": token, "application": application}}


async def issue(request: Request, gate: Gate) -> Response:
    """`POST /oauth/token`: client credentials for an access token (RFC 6749 section 4.4), in JSON, as a form, or with
    the client in HTTP Basic (section 2.3.1). Errors as section 5.2 has them."""
    said = _said(request.headers.get("content-type", ""), await request.body())
    if said is None:
        return _denied(400, "invalid_request", "The body is neither JSON nor a form, or is too large.")
    basic = _basic(request.headers.get("authorization", ""))
    client, secret = basic or (said.get("client_id", ""), said.get("client_secret", ""))
    if not said.get("grant_type"):
        return _denied(400, "invalid_request", "grant_type is missing.")
    if said["grant_type"] != "client_credentials":
        return _denied(400, "unsupported_grant_type", "grant_type must be client_credentials.")
    if said.get("scope") not in (None, "", SCOPE):
        return _denied(400, "invalid_scope", f"The only scope is {SCOPE}.")
    key = gate.directory.key("oauth", client)
    if key is None or not gate.directory.secret_matches(key, secret):
        try:
            gate.by_address.spend(site(request.client.host if request.client else ""))
        except TooManyRequests as error:
            return _denied(429, "slow_down", error.message, {"retry-after": str(error.retry_after)})
        return _denied(
            401,
            "invalid_client",
            "There is no such client, or its secret is another.",
            {"www-authenticate": 'Basic realm="heliograph"'} if basic else {},
        )
    now = gate.clock.now()
    token = {
        "access_token": tokens.issue(gate.directory.master, client, now),
        "token_type": "Bearer",
        "expires_in": tokens.LIFETIME,
        "scope": SCOPE,
        "created_at": now // SECOND,
    }
    return JsonAnswer(token, 200, _NOT_KEPT, "application/json; charset=utf-8")


_NOT_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}


def _denied(status: int, error: str, why: str, headers: Mapping[str, str] | None = None) -> Response:
    told = {"error": error, "error_description": why}
    return JsonAnswer(told, status, {**_NOT_KEPT, **(headers or {})}, "application/json; charset=utf-8")


def _said(content_type: str, body: bytes) -> dict[str, str] | None:
    """The text fields of the body; None when it cannot be read."""
    if len(body) > BODY_LIMIT:
        return None
    try:
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            said: Any = dict(parse_qsl(body.decode(), max_num_fields=20))
        else:
            said = decoded(body)
    except Exception:  # whatever is wrong with it, it is no request for a token
        return None
    return (
        {name: value for name, value in said.items() if isinstance(value, str)}
        if isinstance(said, dict)
        else None
    )


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(client), unquote_plus(secret)) if colon else None
