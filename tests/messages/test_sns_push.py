"""Push messages through Amazon SNS, against moto's server and the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from wire_world import LOOPBACK

from heliograph.clock import ManualClock
from heliograph.egress import Egress, Guard
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Deferred,
    InDoubt,
    NotDelivered,
    Unreachable,
)
from heliograph.outbound.messages.channels.providers import sns
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Push, Wire
from heliograph.settings import Settings


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def amazon(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    sns._client.cache_clear()
    client = boto3.client("sns", region_name="eu-west-1")
    yield client
    client.close()
    sns._client("eu-west-1").close()
    sns._client.cache_clear()


def endpoint(client: Any, token: str) -> str:
    app = client.create_platform_application(
        Name="shop", Platform="GCM", Attributes={"PlatformCredential": "k"}
    )
    made = client.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token=token)
    return str(made["EndpointArn"])


async def send(device: str, *targets: str) -> Any:
    settings = Settings(aws_targets=targets, egress_allow=LOOPBACK)
    egress, http2 = Egress(settings), Http2(Guard())
    wire = Wire(egress=egress, http2=http2, clock=ManualClock(), settings=settings)
    push = Push(sns.PROVIDER, None, "m", device, "", 0, "Sale", "Tea", {"link": "shop://tea"}, ttl=60)
    try:
        return await sns.send(sns.Options(), push, wire)
    finally:
        await egress.close()
        await http2.close()


async def test_an_endpoint_is_published_to(amazon: Any) -> None:
    result = await send(endpoint(amazon, "t1"), "arn:aws:sns:*:endpoint/*")
    assert isinstance(result, Accepted) and result.response


async def test_a_disabled_endpoint_is_gone(amazon: Any) -> None:
    """MG-9: EXPIRED."""
    arn = endpoint(amazon, "t2")
    amazon.set_endpoint_attributes(EndpointArn=arn, Attributes={"Enabled": "false"})
    result = await send(arn, "arn:aws:sns:*")
    assert isinstance(result, NotDelivered) and (result.why.category, result.gone) == ("EXPIRED", True)


async def test_only_endpoints_that_the_operator_lists_are_sent_to(amazon: Any) -> None:
    """The credentials are the operator's, the device somebody's word."""
    assert isinstance(await send(endpoint(amazon, "t3"), "arn:aws:sns:us-east-1:*"), Unreachable)
    assert isinstance(await send("arn:aws:sns:eu-west-1:123456789012:topic", "*"), NotDelivered)


def test_each_platform_has_the_message_in_its_own_form() -> None:
    push = Push(sns.PROVIDER, None, "m", "arn", "", 0, "Sale", "Tea", {"link": "shop://tea"})
    said = json.loads(sns.payloads(push))
    assert said["default"] == "Tea" and said["APNS"] == said["APNS_SANDBOX"]
    assert json.loads(said["APNS"])["aps"]["alert"] == {"title": "Sale", "body": "Tea"}
    google = json.loads(said["GCM"])["fcmV1Message"]["message"]
    assert google["notification"] == {"title": "Sale", "body": "Tea"} and google["data"] == {
        "link": "shop://tea"
    }


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, Deferred),
        ("InternalFailure", 500, InDoubt),
        ("ServiceUnavailable", 503, Deferred),
        ("AuthorizationError", 403, Unreachable),
        ("InvalidParameter", 400, NotDelivered),
    ],
)
def test_amazons_errors_have_their_meaning(code: str, status: int, kind: type) -> None:
    assert isinstance(sns.judge(code, code, status), kind)
