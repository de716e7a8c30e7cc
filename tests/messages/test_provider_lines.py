"""What holds for every provider of texts and every push service: whoever is added to `PROVIDERS` is asked the same."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from wire_world import APPLE_KEY, GOOGLE_KEY, LOOPBACK, PATIENCE, AppleWorld, HttpWorld, Script, pem, wire

from heliograph.clock import ManualClock
from heliograph.egress import Egress
from heliograph.errors import OperatorError
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Deferred,
    InDoubt,
    NotDelivered,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.providers import PROVIDERS
from heliograph.outbound.messages.channels.providers.provider import (
    Provider,
    Push,
    Text,
    Wire,
    options_of,
)
from heliograph.settings import Settings

MESSAGE = "018bcfe5-6800-7000-8000-00000000000a"
SID = "AC" + "0" * 32
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
DOCS = Path(__file__).parents[2] / "docs" / "how-to"
BY_NAME = {provider.name: provider for provider in PROVIDERS}
OVER_HTTP = ("twilio", "http", "apns", "fcm")
"""Those that are asked over a wire of ours; Amazon's is boto3's (`test_sns_push`)."""

ERRORS: dict[str, dict[str, tuple[int, Any]]] = {
    "twilio": {
        "accepted": (201, {"sid": "SM1", "status": "queued", "num_segments": "1"}),
        "ours": (401, {"code": 20003, "message": "Authenticate", "status": 401}),
        "throttled": (429, {"code": 20429, "message": "Too many requests", "status": 429}),
        "recipient": (
            400,
            {"code": 21211, "message": "The 'To' number +1202 is not a valid phone number.", "status": 400},
        ),
        "down": (503, b"<html>"),
    },
    "http": {
        "accepted": (200, {"messages": [{"id": "m-1", "status": "OK"}]}),
        "ours": (403, {"error": "forbidden"}),
        "throttled": (200, {"messages": [{"status": "BUSY"}]}),
        "recipient": (400, {"messages": [{"status": "REJECTED", "error": "BAD_NUMBER"}]}),
        "down": (503, b""),
    },
    "apns": {
        "accepted": (200, {}),
        "ours": (403, {"reason": "InvalidProviderToken"}),
        "throttled": (429, {"reason": "TooManyRequests"}),
        "recipient": (410, {"reason": "Unregistered", "timestamp": 1_900_000_000_000}),
        "down": (503, {"reason": "ServiceUnavailable"}),
    },
    "fcm": {
        "accepted": (200, {"name": "projects/shop/messages/0:1"}),
        "ours": (401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "no"}}),
        "throttled": (
            429,
            {
                "error": {
                    "code": 429,
                    "status": "RESOURCE_EXHAUSTED",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
                            "errorCode": "QUOTA_EXCEEDED",
                        }
                    ],
                }
            },
        ),
        "recipient": (
            404,
            {
                "error": {
                    "code": 404,
                    "message": "Requested entity was not found.",
                    "status": "NOT_FOUND",
                    "details": [
                        {
                            "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
                            "errorCode": "UNREGISTERED",
                        }
                    ],
                }
            },
        ),
        "down": (503, b"<html>"),
    },
}
"""What each answers in each case, as its document has it."""


@dataclass
class World:
    """All providers, scripted, and what they are reached with."""

    plain: HttpWorld
    apple: AppleWorld
    wire: Wire
    clock: ManualClock

    def script(self, name: str) -> Script:
        return self.apple.script if name == "apns" else self.plain.script

    def options(self, name: str, **changed: Any) -> Any:
        url = self.plain.url
        given: dict[str, dict[str, Any]] = {
            "twilio": {"account_sid": SID, "secret": "token", "sender": "+12025550100", "url": url},
            "http": {
                "url": f"{url}/send?key={{message}}",
                "sender": "Shop",
                "headers": {"Authorization": "Bearer k"},
                "body": {
                    "messages": [{"to": "{to}", "text": "{text}", "from": "{from}", "dlr": "{callback}"}]
                },
                "status_path": "messages.0.status",
                "accepted_values": ["OK"],
                "retry": ["BUSY", 503],
                "id_path": "messages.0.id",
                "error_path": "messages.0.error",
                "failures": {"BAD_NUMBER": "INVALID_ADDRESS"},
            },
            "apns": {
                "key_id": "ABC123DEFG",
                "team_id": "DEF123GHIJ",
                "private_key": pem(APPLE_KEY),
                "topic": "com.example.shop",
            },
            "fcm": {
                "project_id": "shop",
                "client_email": "push@shop.example",
                "private_key": pem(GOOGLE_KEY),
                "private_key_id": "kid1",
                "token_uri": f"{url}/token",
                "url": url,
                "type": "service_account",
            },
            "sns": {},
        }
        return options_of(BY_NAME[name], json.dumps({**given[name], **changed}))

    async def send(
        self, name: str, options: Any = None, *, timeout: float = PATIENCE, **changed: Any
    ) -> Result:
        """One message; the provider has so many seconds to answer."""
        provider, hasty = BY_NAME[name], dataclasses.replace(self.wire, timeout=timeout)
        return await provider.send(options or self.options(name), parcel(provider, **changed), hasty)


def parcel(provider: Provider, **changed: Any) -> Any:
    """A message for it."""
    if provider.carries == "sms":
        text = Text(
            provider, None, MESSAGE, "+12025550137", "Hello {to} & \u20ac", "https://m.example/r?message=x"
        )
        return text._replace(**changed)
    push = Push(
        provider,
        None,
        message=MESSAGE,
        device=TOKEN,
        application="",
        registered=1_800_000_000_000_000,
        title="Sale",
        body="Tea is half price",
        data={"link": "shop://tea", "aps": "no", "from": "no"},
        collapse="sale",
        ttl=3600,
    )
    return push._replace(**changed)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    plain, apple, clock = HttpWorld(), AppleWorld(tmp_path), ManualClock()
    await plain.start()
    await apple.start()
    egress, http2 = Egress(Settings(egress_allow=LOOPBACK)), apple.client()
    yield World(plain, apple, wire(clock, egress, http2), clock)
    await egress.close()
    await http2.close()
    await plain.stop()
    await apple.stop()


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_what_a_provider_takes_is_accepted(world: World, name: str) -> None:
    world.script(name).answer(ERRORS[name]["accepted"])
    result = await world.send(name)
    assert isinstance(result, Accepted)
    expected = {"twilio": "SM1 queued", "http": "m-1", "apns": MESSAGE, "fcm": "projects/shop/messages/0:1"}
    assert result.response == expected[name]


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_a_refusal_of_ours_waits_for_the_operator(world: World, name: str) -> None:
    world.script(name).answer(ERRORS[name]["ours"])
    assert isinstance(await world.send(name), Unreachable)


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_too_much_at_once_and_a_service_that_is_down_are_put_off(world: World, name: str) -> None:
    world.script(name).answer(ERRORS[name]["throttled"], ERRORS[name]["down"])
    throttled, down = await world.send(name), await world.send(name)
    assert isinstance(throttled, Deferred) and throttled.code == 429
    assert isinstance(down, Deferred) and down.code == 503


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_a_recipient_that_is_none_has_the_documents_category(world: World, name: str) -> None:
    """MG-9"""
    world.script(name).answer(ERRORS[name]["recipient"])
    result = await world.send(name)
    assert isinstance(result, NotDelivered)
    push = BY_NAME[name].carries == "push"
    assert (result.why.category, result.gone) == (("EXPIRED", True) if push else ("INVALID_ADDRESS", False))


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_no_answer_is_in_doubt(world: World, name: str) -> None:
    """What may have been taken is not said twice."""
    world.script(name).answer(None)
    async with asyncio.timeout(PATIENCE):
        while not world.script(name).asked:  # on a busy machine the time may be over before
            result = await world.send(name, timeout=1.0)
    assert isinstance(result, InDoubt)


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_what_never_left_is_safe_to_send_again(world: World, name: str) -> None:
    options = world.options(name)
    if name == "apns":
        http2 = world.apple.client(allow=())  # the guard refuses loopback
        guarded = wire(world.clock, world.wire.egress, http2)
        result = await BY_NAME[name].send(options, parcel(BY_NAME[name]), guarded)
        await http2.close()
    else:
        egress = Egress(Settings())
        guarded = wire(world.clock, egress, world.wire.http2)
        result = await BY_NAME[name].send(options, parcel(BY_NAME[name]), guarded)
        await egress.close()
    assert isinstance(result, Unreachable) and "loopback" in result.reason
    assert world.script(name).asked == []


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b"[" * 5000, b'{"error": [], "messages": {}}']
)
@pytest.mark.parametrize("status", [200, 400, 404, 418, 500])
async def test_whatever_is_answered_is_a_result(world: World, name: str, body: bytes, status: int) -> None:
    world.script(name).answer((status, body))
    result = await world.send(name)
    assert isinstance(result, Accepted | Deferred | InDoubt | NotDelivered | Unreachable)
    if status == 500:
        assert isinstance(result, Deferred if name == "apns" else InDoubt)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_options_are_checked_and_never_shown(provider: Provider) -> None:
    for wrong in ("", "[]", '{"secret": "hunter2", "account_sid": 1}', '{"enabled": "hunter2", "url": 1}'):
        with pytest.raises(OperatorError) as caught:
            options_of(provider, wrong)
        assert provider.name in str(caught.value) and "hunter2" not in str(caught.value)


def test_every_provider_is_exercised_and_documented() -> None:
    assert {*OVER_HTTP, "sns"} == set(BY_NAME)
    pages = {"sms": "text-messages.md", "push": "push.md"}
    for provider in PROVIDERS:
        page = (DOCS / pages[provider.carries]).read_text()
        assert f"--login {provider.name}" in page
        assert all(f"`{field}`" in page for field in provider.options.__struct_fields__)


async def test_twilio_is_asked_for_a_message_resource(world: World) -> None:
    world.script("twilio").answer(ERRORS["twilio"]["accepted"])
    await world.send("twilio")
    await world.send("twilio", world.options("twilio", sender="MG" + "1" * 32, login="SK1", validity=60))
    first, second = world.plain.script.asked
    assert (first.method, first.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert first.headers["authorization"] == "Basic " + base64.b64encode(f"{SID}:token".encode()).decode()
    assert first.form == {
        "To": "+12025550137",
        "From": "+12025550100",
        "Body": "Hello {to} & \u20ac",
        "StatusCallback": "https://m.example/r?message=x",
    }
    assert base64.b64decode(second.headers["authorization"].removeprefix("Basic ")) == b"SK1:token"
    assert "From" not in second.form and second.form["MessagingServiceSid"] == "MG" + "1" * 32
    assert second.form["ValidityPeriod"] == "60"


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (21211, "INVALID_ADDRESS"),
        (21614, "INVALID_ADDRESS"),
        (21408, "INTERNATIONAL_SENDING_PROHIBITED"),
        (21610, "ADDRESS_BLOCKED"),
        (21617, "INVALID_CONTENT"),
        (99999, "SERVICE_FAILURE"),
    ],
)
async def test_twilios_errors_have_the_documents_categories(world: World, code: int, category: str) -> None:
    """MG-9"""
    world.script("twilio").answer((400, {"code": code, "message": "no", "status": 400}))
    result = await world.send("twilio")
    assert isinstance(result, NotDelivered) and result.why.category == category
    assert result.response == f"{code} no"


async def test_the_generic_provider_is_asked_as_the_operator_wrote(world: World) -> None:
    """What a text says is never taken for a place to be filled."""
    world.script("http").answer(ERRORS["http"]["accepted"])
    await world.send("http")
    form = {"format": "form", "body": {"n": "{to}", "t": "{text}"}, "status_path": "", "accepted_values": []}
    await world.send("http", world.options("http", **form))
    first, second = world.plain.script.asked
    assert first.path == f"/send?key={MESSAGE}" and first.headers["authorization"] == "Bearer k"
    said = {"to": "+12025550137", "text": "Hello {to} & \u20ac", "from": "Shop"}
    assert first.json == {"messages": [{**said, "dlr": "https://m.example/r?message=x"}]}
    assert second.form == {"n": "+12025550137", "t": "Hello {to} & \u20ac"}


async def test_apple_is_asked_over_http2_with_a_token_that_it_can_verify(world: World) -> None:
    """RFC 7515 with ES256: the signature is checked here by the key's other half."""
    await world.send("apns")
    await world.send(
        "apns", world.options("apns", sandbox=True), application="com.example.beta", ttl=0, title=""
    )
    first, second = world.apple.script.asked
    assert world.apple.versions == ["2", "2"]
    assert (first.method, first.path) == ("POST", f"/3/device/{TOKEN}")
    scheme, _, token = first.headers["authorization"].partition(" ")
    head, claims, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    APPLE_KEY.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    assert scheme == "bearer" and decoded(head) == {"alg": "ES256", "kid": "ABC123DEFG"}
    now = world.clock.now() // 1_000_000
    assert decoded(claims) == {"iss": "DEF123GHIJ", "iat": now}
    said = {name: first.headers[name] for name in first.headers if name.startswith("apns-")}
    assert said == {
        "apns-topic": "com.example.shop",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-id": MESSAGE,
        "apns-collapse-id": "sale",
        "apns-expiration": str(now + 3600),
    }
    alert = {"title": "Sale", "body": "Tea is half price"}
    assert first.json == {"aps": {"alert": alert, "sound": "default"}, "link": "shop://tea", "from": "no"}
    assert second.headers["apns-topic"] == "com.example.beta" and second.headers["apns-expiration"] == "0"
    assert second.headers["authorization"] == first.headers["authorization"], "one token serves many"


async def test_apples_token_is_made_anew_when_it_is_old_or_refused(world: World) -> None:
    world.script("apns").answer((200, {}), (403, {"reason": "ExpiredProviderToken"}), (200, {}))
    await world.send("apns")
    await world.clock.advance(46 * 60)
    await world.send("apns")
    await world.clock.advance(1)
    await world.send("apns")
    tokens = [asked.headers["authorization"] for asked in world.apple.script.asked]
    assert len(set(tokens)) == 3


async def test_a_device_that_registered_since_it_was_gone_stays(world: World) -> None:
    world.script("apns").answer((410, {"reason": "Unregistered", "timestamp": 1_700_000_000_000}))
    result = await world.send("apns")
    assert isinstance(result, NotDelivered) and result.why.category == "EXPIRED" and not result.gone


async def test_a_wrong_environment_takes_no_device_away(world: World) -> None:
    """BadDeviceToken is what an app from Xcode gets in production: the operator's mistake, with all devices."""
    world.script("apns").answer((400, {"reason": "BadDeviceToken"}))
    result = await world.send("apns")
    assert result == NotDelivered(result[0], "400 BadDeviceToken", gone=False)  # type: ignore[misc]
    assert isinstance(result, NotDelivered) and result.why.category == "FAILURE_PERMANENT"


async def test_what_apple_would_refuse_is_not_sent(world: World) -> None:
    for changed in ({"device": "../../x"}, {"body": "x" * 4097}):
        assert isinstance(await world.send("apns", **changed), NotDelivered)
    assert world.apple.script.asked == []


async def test_firebase_is_asked_with_a_token_of_the_service_account(world: World) -> None:
    world.script("fcm").answer(ERRORS["fcm"]["accepted"])
    await world.send("fcm")
    await world.send("fcm")
    (asked,) = world.plain.tokens.asked
    assert asked.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = asked.form["assertion"].split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    signed = f"{head}.{claims}".encode()
    GOOGLE_KEY.public_key().verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
    now = world.clock.now() // 1_000_000
    assert decoded(head) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    assert decoded(claims) == {
        "iss": "push@shop.example",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": f"{world.plain.url}/token",
        "iat": now,
        "exp": now + 3600,
    }
    first, _ = world.plain.script.asked
    assert (first.method, first.path) == ("POST", "/v1/projects/shop/messages:send")
    assert first.headers["authorization"] == "Bearer ya29.token"
    assert first.json == {
        "message": {
            "token": TOKEN,
            "notification": {"title": "Sale", "body": "Tea is half price"},
            "data": {"link": "shop://tea", "aps": "no"},
            "android": {"priority": "HIGH", "collapse_key": "sale", "ttl": "3600s"},
        }
    }
    await world.clock.advance(3600)
    await world.send("fcm")
    assert len(world.plain.tokens.asked) == 2


async def test_without_a_token_nothing_is_sent_and_nothing_in_doubt(world: World) -> None:
    world.plain.tokens.answer((400, {"error": "invalid_grant"}), (200, {"access_token": 1}), None)
    for timeout in (PATIENCE, PATIENCE, 1.0):
        assert isinstance(await world.send("fcm", timeout=timeout), Unreachable)
    assert world.plain.script.asked == []


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))
