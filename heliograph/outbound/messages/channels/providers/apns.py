"""Apple's push service: one HTTP/2 request for each device, proved by a token that we sign (ES256).

https://developer.apple.com/documentation/usernotifications (Sending notification requests to APNs; Handling
notification responses; Establishing a token-based connection). Apple's two hosts, or what `url` names: Apple's other
port 2197, or a relay of the operator's.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

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
    shown,
)

PRODUCTION = "https://api.push.apple.com"
SANDBOX = "https://api.sandbox.push.apple.com"
TOKEN_SECONDS = 45 * 60.0
"""Apple refuses tokens older than an hour, and new ones more often than every 20 minutes."""
PAYLOAD_LIMIT = 4096
"""Bytes of a payload."""
COLLAPSE_LIMIT = 64
"""Bytes of `apns-collapse-id`."""

_OURS = frozenset(
    (
        "BadCertificate",
        "BadCertificateEnvironment",
        "BadTopic",
        "Forbidden",
        "InvalidProviderToken",
        "MissingProviderToken",
        "MissingTopic",
        "TopicDisallowed",
        "TooManyProviderTokenUpdates",
        "UnrelatedKeyIdInToken",
        "BadEnvironmentKeyIdInToken",
    )
)
"""Reasons that the operator has to mend; nothing was taken."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key_id` and `team_id` as Apple shows them, `private_key` the PEM of the .p8 file, `topic` the app's bundle id (that of
    devices that name no application). `sandbox`: for apps that are run from Xcode. `url`: another host or port."""

    key_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{10}$")]
    team_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{10}$")]
    private_key: str
    topic: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]+$")]
    sandbox: bool = False
    url: Annotated[str, msgspec.Meta(pattern=r"^https://[^/?#\s]+$")] = ""


def fault(options: Options) -> str:
    """What is wrong with the key; empty: nothing."""
    if isinstance(tokens.private_key(options.private_key), ec.EllipticCurvePrivateKey):
        return ""
    return "private_key: it is not the PEM of a P-256 key, as Apple's .p8 files are"


async def send(options: Options, push: Push, wire: Wire) -> Result:
    """Hand one message over."""
    if not (push.device.isascii() and push.device.isalnum()):
        return NotDelivered(PUSHES["FAILURE_PERMANENT"], "the device token is no token of Apple's")
    body = payload(push)
    if len(body) > PAYLOAD_LIMIT:
        return NotDelivered(
            PUSHES["FAILURE_PERMANENT"], f"PayloadTooLarge: {len(body)} bytes, {PAYLOAD_LIMIT} are taken"
        )
    now = wire.clock.now() // SECOND
    name = tokens.name_of("apns", options.private_key + options.key_id)
    token = await wire.tokens.get(name, wire.clock.monotonic(), partial(_token, options, now))
    url = f"{options.url or (SANDBOX if options.sandbox else PRODUCTION)}/3/device/{push.device}"
    answer = await wire.http2.post(url, body, headers(options, push, token, now), wire.timeout)
    if isinstance(answer, Failed):
        return failed(answer)
    result = judge(answer, push)
    if isinstance(result, Unreachable):
        wire.tokens.drop(name)
    return result


def payload(push: Push) -> bytes:
    """The notification, and what the app is given beside `aps`."""
    alert = {"title": push.title, "body": push.body} if push.title else {"body": push.body}
    data = {name: value for name, value in push.data.items() if name != "aps"}
    return msgspec.json.encode({"aps": {"alert": alert, "sound": "default"}, **data})


def headers(options: Options, push: Push, token: str, now: int) -> dict[str, str]:
    """The request's headers; `now` in seconds."""
    said = {
        "authorization": f"bearer {token}",
        "apns-topic": push.application or options.topic,
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-id": push.message,
        "content-type": "application/json",
    }
    if push.collapse:
        said["apns-collapse-id"] = push.collapse.encode()[:COLLAPSE_LIMIT].decode("utf-8", "ignore")
    if push.ttl is not None:
        said["apns-expiration"] = str(now + push.ttl) if push.ttl else "0"
    return said


def judge(answer: Answer, push: Push) -> Result:
    """What an answer means. Pure. A device that Apple knows to be gone since before it registered is not gone."""
    if answer.status == 200:
        return Accepted(answer.headers.get("apns-id", "200"))
    said = document(answer.body)
    reason = str(said.get("reason", ""))
    words = f"{answer.status} {reason}".strip()
    if answer.status == 410:
        return NotDelivered(PUSHES["EXPIRED"], words, gone=_since(said) >= push.registered)
    if reason == "ExpiredProviderToken" or reason in _OURS:
        return Unreachable(f"Apple refuses us: {words}")
    if answer.status == 429 or answer.status >= 500:  # Apple took nothing: its document has both sent again
        return Deferred(words, answer.status)
    return NotDelivered(PUSHES["FAILURE_PERMANENT"], words if reason else shown(answer))


def _since(said: dict[str, Any]) -> int:
    """When the device was last known to be gone, in microseconds; Apple says milliseconds."""
    found = said.get("timestamp")
    return int(found) * 1000 if isinstance(found, int | float) and not isinstance(found, bool) else 1 << 62


async def _token(options: Options, now: int) -> tuple[str, float]:
    key = tokens.private_key(options.private_key)
    assert key is not None  # noqa: S101 - `fault` was asked before
    return tokens.jwt(key, {"kid": options.key_id}, {"iss": options.team_id, "iat": now}), TOKEN_SECONDS


PROVIDER = Provider(
    name="apns", carries="push", options=Options, send=send, fault=fault, service="APNS", delivery="APNs"
)
