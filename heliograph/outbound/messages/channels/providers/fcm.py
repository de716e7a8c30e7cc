"""Firebase Cloud Messaging, HTTP v1: one request for each device, with an access token of a service account.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages and .../ErrorCode;
https://developers.google.com/identity/protocols/oauth2/service-account (the token). The options are the service
account's JSON file as Google gives it out.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from heliograph.bounces.undelivered import PUSHES
from heliograph.clock import SECOND
from heliograph.egress import Answer, Failed
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Deferred,
    NotDelivered,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.providers import tokens
from heliograph.outbound.messages.channels.providers.provider import (
    Provider,
    Push,
    Wire,
    document,
    failed,
    put_off,
    shown,
)

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - no secret
ASSERTION_SECONDS = 3600
LEEWAY = 300.0
"""Seconds before its end from which a token is not used any more."""
TTL_LIMIT = 2_419_200
"""Seconds: four weeks (ErrorCode, Invalid TTL)."""
_RESERVED = ("from", "message_type", "google.", "gcm.")
"""Keys of data that Google keeps for itself, and beginnings of such."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A service account's file; what else is in it is not read. `url`: another host, for an emulator or a proxy."""

    project_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9:.-]+$")]
    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: Annotated[str, msgspec.Meta(pattern=r"^https?://")] = TOKEN_URI
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#\s]+$")] = "https://fcm.googleapis.com"


class NoToken(Exception):
    """Google gave out no access token; why, as a result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result


def fault(options: Options) -> str:
    """What is wrong with the key; empty: nothing."""
    if isinstance(tokens.private_key(options.private_key), rsa.RSAPrivateKey):
        return ""
    return "private_key: it is not the PEM of an RSA key, as in the file of a service account"


async def send(options: Options, push: Push, wire: Wire) -> Result:
    """Hand one message over."""
    name = tokens.name_of("fcm", options.private_key)
    try:
        token = await wire.tokens.get(name, wire.clock.monotonic(), partial(_token, options, wire))
    except NoToken as refused:
        return refused.result
    url = f"{options.url}/v1/projects/{options.project_id}/messages:send"
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
    answer = await wire.egress.post(url, msgspec.json.encode({"message": message(push)}), said, wire.timeout)
    if isinstance(answer, Failed):
        return failed(answer)
    if answer.status == 401:
        wire.tokens.drop(name)
    return judge(answer)


def message(push: Push) -> dict[str, Any]:
    """The message resource. Values of data are texts, and some keys are Google's own."""
    words = {"title": push.title, "body": push.body} if push.title else {"body": push.body}
    made: dict[str, Any] = {"token": push.device, "notification": words}
    data = {name: value for name, value in push.data.items() if not name.lower().startswith(_RESERVED)}
    if data:
        made["data"] = data
    android: dict[str, Any] = {"priority": "HIGH"}
    if push.collapse:
        android["collapse_key"] = push.collapse
    if push.ttl is not None:
        android["ttl"] = f"{min(push.ttl, TTL_LIMIT)}s"
    return {**made, "android": android}


def judge(answer: Answer) -> Result:
    """What an answer means. Pure. `UNREGISTERED` alone says that a device is gone: `INVALID_ARGUMENT` may be our fault."""
    said = document(answer.body)
    if answer.status == 200:
        return Accepted(str(said.get("name", "200")))
    code, words = error_code(said), shown(answer)
    match code:
        case "UNREGISTERED":
            return NotDelivered(PUSHES["EXPIRED"], code, gone=True)
        case "QUOTA_EXCEEDED" | "UNAVAILABLE" | "INTERNAL":
            return Deferred(f"{answer.status} {code}", answer.status)
        case "THIRD_PARTY_AUTH_ERROR":
            return Unreachable(f"Google refuses us: {words}")
        case "SENDER_ID_MISMATCH" | "INVALID_ARGUMENT":
            return NotDelivered(PUSHES["FAILURE_PERMANENT"], code)
    if (result := put_off(answer)) is not None:
        return result
    if answer.status in (401, 403, 404):
        return Unreachable(f"Google refuses us: {words}")
    return NotDelivered(PUSHES["FAILURE_PERMANENT"], words)


def error_code(said: dict[str, Any]) -> str:
    """FCM's own code in an error's details, else Google's general one where it says as much."""
    error = said.get("error")
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type", "")).endswith(
            "google.firebase.fcm.v1.FcmError"
        ):
            return str(detail.get("errorCode", ""))
    status = str(error.get("status", ""))
    return status if status in ("INVALID_ARGUMENT", "UNAVAILABLE", "INTERNAL") else ""


async def _token(options: Options, wire: Wire) -> tuple[str, float]:
    key = tokens.private_key(options.private_key)
    assert key is not None  # noqa: S101 - `fault` was asked before
    now = wire.clock.now() // SECOND
    claims = {
        "iss": options.client_email,
        "scope": SCOPE,
        "aud": options.token_uri,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    header = {"typ": "JWT", **({"kid": options.private_key_id} if options.private_key_id else {})}
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": tokens.jwt(key, header, claims),
    }
    said = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await wire.egress.post(options.token_uri, urlencode(form).encode(), said, wire.timeout)
    if isinstance(answer, Failed):  # nothing of the message was said yet
        raise NoToken(Unreachable(f"Google gave out no token: {answer.kind}: {answer.reason}"))
    found = document(answer.body)
    token, seconds = found.get("access_token"), found.get("expires_in", ASSERTION_SECONDS)
    if answer.status != 200 or not isinstance(token, str) or not isinstance(seconds, int | float):
        raise NoToken(
            Unreachable(f"Google gave out no token: {answer.status} {found.get('error', '')}".strip())
        )
    return token, max(0.0, seconds - LEEWAY)


PROVIDER = Provider(
    name="fcm", carries="push", options=Options, send=send, fault=fault, service="FCM", delivery="FCM"
)
