"""Amazon SNS mobile push: a device is an endpoint of a platform application, `arn:aws:sns:REGION:ACCOUNT:endpoint/...`.

https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html. boto3 does the
work with credentials of its own chain, which are the operator's: only endpoints that the setting `aws_targets` lists
are sent to. An extra: `pip install 'heliograph[aws]'`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import msgspec

from heliograph.bounces.undelivered import PUSHES
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Deferred,
    InDoubt,
    NotDelivered,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.providers import apns, fcm
from heliograph.outbound.messages.channels.providers.provider import RESPONSE_LIMIT, Provider, Push, Wire

_ENDPOINT = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:endpoint/(?P<platform>[A-Z_]+)/\S+")
_OURS = frozenset(
    (
        "AuthorizationError",
        "AuthorizationErrorException",
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "PlatformApplicationDisabled",
        "PlatformApplicationDisabledException",
    )
)
_LATER = frozenset(("Throttling", "ThrottledException", "Throttled", "ServiceUnavailable"))


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None are needed: the endpoint says where, the credentials are the operator's. `enabled` makes a key of it."""

    enabled: bool = True


def fault(options: Options) -> str:
    """Why nothing can be sent; empty: it can."""
    missing = importlib.util.find_spec("boto3") is None
    return "Amazon's services need boto3: pip install 'heliograph[aws]'" if missing else ""


async def send(options: Options, push: Push, wire: Wire) -> Result:
    """Publish to one endpoint, in a thread: boto3 blocks."""
    named = _ENDPOINT.fullmatch(push.device)
    if named is None:
        return NotDelivered(PUSHES["FAILURE_PERMANENT"], "the device is no endpoint of Amazon SNS")
    if not any(fnmatchcase(push.device, pattern) for pattern in wire.settings.aws_targets):
        return Unreachable("the setting aws_targets does not list this endpoint")
    return await asyncio.to_thread(_publish, named["region"], push)


def payloads(push: Push) -> str:
    """One message for each platform, each as that platform has it, and words for any other."""
    apple = apns.payload(push).decode()
    google = fcm.message(push)
    google.pop("token")
    inner = msgspec.json.encode({"fcmV1Message": {"message": google}}).decode()
    return msgspec.json.encode(
        {"default": push.body, "APNS": apple, "APNS_SANDBOX": apple, "GCM": inner}
    ).decode()


def judge(code: str, words: str, status: int) -> Result:
    """What an error of Amazon's means. Pure."""
    if code in ("EndpointDisabled", "EndpointDisabledException"):
        return NotDelivered(PUSHES["EXPIRED"], words, gone=True)
    if code in _LATER or status in (429, 503):
        return Deferred(words, status or 503)
    if code in _OURS:
        return Unreachable(f"Amazon refuses us: {words}")
    if status >= 500:
        return InDoubt(words)
    return NotDelivered(PUSHES["FAILURE_PERMANENT"], words)


def _publish(region: str, push: Push) -> Result:
    botocore = importlib.import_module("botocore.exceptions")
    attributes = {}
    if push.ttl is not None:
        for platform in ("APNS", "APNS_SANDBOX", "GCM"):
            attributes[f"AWS.SNS.MOBILE.{platform}.TTL"] = {
                "DataType": "String",
                "StringValue": str(push.ttl),
            }
    try:
        answer = _client(region).publish(
            TargetArn=push.device,
            Message=payloads(push),
            MessageStructure="json",
            MessageAttributes=attributes,
        )
    except botocore.ClientError as error:
        told = error.response.get("Error", {})
        words = f"{told.get('Code', '')}: {told.get('Message', '')}"[:RESPONSE_LIMIT]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return judge(told.get("Code", ""), words, status)
    except (
        botocore.NoCredentialsError,
        botocore.EndpointConnectionError,
        botocore.ConnectTimeoutError,
    ) as error:
        return Unreachable(f"{type(error).__name__}: {error}"[:RESPONSE_LIMIT])
    return Accepted(str(answer["MessageId"]))


@cache
def _client(region: str) -> Any:
    boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
    # Ours is the schedule: what boto3 sent twice by itself would arrive twice.
    return boto3.session.Session().client(
        "sns", region_name=region, config=config.Config(retries={"total_max_attempts": 1}, read_timeout=10)
    )


PROVIDER = Provider(
    name="sns", carries="push", options=Options, send=send, fault=fault, service="SNS", delivery="Amazon SNS"
)
