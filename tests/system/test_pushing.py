"""Push messages on a whole engine: devices told by the events API, Apple over HTTP/2, Firebase, Amazon; gone devices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import boto3
import pytest
from apple_service import Apple
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.server import ThreadedMotoServer
from running_engine import Engine
from scripted_services import Answer, Asked, Services

EXPIRED = "The endpoint address is expired."  # S1:L309
PERMANENT = (
    "An error occurred when delivering the message to the endpoint. MessageGears won\u2019t attempt to send the "
    "message again."
)
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def answers(asked: Asked) -> Answer:
    """Google's tokens and messages; any receiver of a feed says yes."""
    if asked.path == "/token":
        return 200, {"access_token": "ya29", "expires_in": 3599}
    if not asked.path.endswith("messages:send"):
        return 200, {}
    failed = {
        "gone": (404, "NOT_FOUND", "UNREGISTERED"),
        "wrong": (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    }
    device = asked.json["message"]["token"]
    if device not in failed:
        return 200, {"name": "projects/shop/messages/1"}
    status, general, code = failed[device]
    details = [{"@type": FCM_ERROR, "errorCode": code}]
    return status, {"error": {"code": status, "status": general, "message": general, "details": details}}


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    server = Services(answers)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def apple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apple]:
    server = Apple(tmp_path_factory.mktemp("apple"), gone=frozenset({"0a0b"}))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def engine(
    services: Services, apple: Apple, amazon: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    files = tmp_path_factory.mktemp("pushing")
    environ = {
        "HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8",
        "HELIOGRAPH_WEBHOOK_HTTPS_ONLY": "false",
        "HELIOGRAPH_AWS_TARGETS": "arn:aws:sns:*:endpoint/*",
        "SSL_CERT_FILE": str(apple.certificate),
        "AWS_ENDPOINT_URL": amazon,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    running = Engine(files / "data", 1, environ)
    running.start()
    try:
        prepare(running, services, apple, files)
        yield running
    finally:
        running.stop()


def prepare(engine: Engine, services: Services, apple: Apple, files: Path) -> None:
    """Keys for all three services, a template and a feed."""
    google = {
        "project_id": "shop",
        "client_email": "push@shop.example",
        "private_key": pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "token_uri": f"{services.url}/token",
        "url": services.url,
    }
    ours = {"key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "topic": "com.example.shop", "url": apple.url}
    signing = {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}
    for name, options in (("fcm", google), ("apns", ours | signing), ("sns", {"enabled": True})):
        (files / name).write_text(json.dumps(options))
        run(engine, "keys", "add", "channel", "--login", name, "--secret-from", str(files / name))
    words = ("--push-title", "Sale", "--push-body", "{{ person.first_name | default: 'You' }}, tea is cheap")
    run(engine, "templates", "save", "sale", *words, "--set", "push_link=https://shop.example/tea")
    run(engine, "feeds", "add", "gears", f"{services.url}/feed", "--dialect", "messagegears")
    engine.see_accounts()
    feed = f'consumer="feed:{engine.keys["account"]}:gears"'.encode()
    engine.until(lambda: feed in engine.get("/metrics")[1])


def run(engine: Engine, *command: str) -> None:
    done = engine.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def api(engine: Engine, path: str, body: dict[str, Any] | None = None) -> Any:
    """What the API answers."""
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    if body is None:
        return json.loads(engine.get(f"/api/v1{path}", headers)[1])
    status, said = engine.post(f"/api/v1{path}", json.dumps(body).encode(), headers)
    assert status == 202, said
    return said


def state_of(engine: Engine, message: str) -> str | None:
    """What became of a message; None as long as state has not followed."""
    told = api(engine, f"/messages/{message}")["message"]  # where there is none, this says so in words
    return told["state"] if isinstance(told, dict) else None


def register(engine: Engine, token: str, service: str, **whose: Any) -> None:
    """An app tells of itself by the events API."""
    assert engine.event("device/registered", {"token": token, "service": service, **whose})[0] == 200


def send(engine: Engine, device: str) -> str:
    return str(api(engine, "/messages", {"template": "sale", "channel": "push", "to": device})["id"])


def told_of(services: Services, item: str, device: str) -> list[dict[str, str]]:
    """The items of this name about this device in the feed."""
    roots = [ElementTree.fromstring(one.body) for one in services.at("/feed")]
    items = [{child.tag: child.text or "" for child in found} for root in roots for found in root.iter(item)]
    once = {one["ActivityId"]: one for one in items}  # a delivery may come again
    return [one for one in once.values() if one["DeviceId"] == device]


def test_each_service_is_asked_in_its_own_words_and_its_yes_is_told(
    engine: Engine, services: Services, apple: Apple, amazon: str
) -> None:
    """MG-9; a registered device is a yes, with nothing else on record."""
    client = boto3.client(
        "sns",
        region_name="eu-west-1",
        endpoint_url=amazon,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    app = client.create_platform_application(
        Name="shop", Platform="GCM", Attributes={"PlatformCredential": "k"}
    )
    made = client.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="t")
    arn = str(made["EndpointArn"])
    client.close()
    assert (
        engine.event("customers/create", {"id": 7, "first_name": "Ann", "email": "ann@x.example"})[0] == 200
    )
    for device, service in (("00aa", "apns"), ("droid", "fcm"), (arn, "sns")):
        register(engine, device, service, email="ann@x.example", application="com.example.tea")
    for device in ("00aa", "droid", arn):
        path = f"/people?device={quote(device)}"
        engine.until(lambda path=path: len(api(engine, path)["people"]) == 1)
    ids = {device: send(engine, device) for device in ("00aa", "droid", arn)}
    for device, service in (("00aa", "APNS"), ("droid", "FCM"), (arn, "SNS")):
        engine.until(lambda device=device: told_of(services, "DeliveredMobilePushActivity", device))
        (told,) = told_of(services, "DeliveredMobilePushActivity", device)
        assert (told["Service"], told["ApplicationId"]) == (service, "com.example.tea")
    (pushed,) = apple.pushed
    assert (pushed.path, pushed.version) == ("/3/device/00aa", "2")
    assert pushed.headers["apns-topic"] == "com.example.tea" and pushed.headers["apns-id"] == ids["00aa"]
    assert pushed.json["aps"]["alert"] == {"title": "Sale", "body": "Ann, tea is cheap"}
    (asked,) = services.at("/v1/projects/shop/messages:send")
    assert asked.headers["authorization"] == "Bearer ya29"
    data = asked.json["message"]["data"]
    status, _, headers = engine.get(data["click"].removeprefix(engine.url))
    assert (status, headers["location"], data["message"]) == (302, "https://shop.example/tea", ids["droid"])
    wanted = {"message.requested", "message.sent", "message.delivered", "link.clicked"}
    engine.until(
        lambda: wanted <= {one["kind"] for one in api(engine, f"/messages/{ids['droid']}")["history"]}
    )


def test_a_device_that_is_gone_is_removed_and_told_as_expired(engine: Engine, services: Services) -> None:
    """MG-9: S1:L299-L317"""
    for device, service in (("0a0b", "apns"), ("gone", "fcm"), ("wrong", "fcm")):
        register(engine, device, service)
    engine.until(lambda: len(engine.exported("device.registered")) >= 3)
    engine.until(lambda: all(one["data"]["device"] for one in engine.exported("device.registered")))
    for device, category, details in (
        ("0a0b", "EXPIRED", EXPIRED),
        ("gone", "EXPIRED", EXPIRED),
        ("wrong", "FAILURE_PERMANENT", PERMANENT),
    ):
        message = send(engine, device)
        engine.until(lambda device=device: told_of(services, "BouncedMobilePushActivity", device))
        (told,) = told_of(services, "BouncedMobilePushActivity", device)
        assert (told["Category"], told["Details"]) == (category, details)
        past = [one["kind"] for one in api(engine, f"/messages/{message}")["history"]]
        assert "message.bounced" in past, "without a person it is the device's past"
    engine.until(lambda: len(engine.exported("device.removed")) >= 2)
    removed = {one["data"]["device"] for one in engine.exported("device.removed")}
    assert removed == {"0a0b", "gone"}


def test_who_opts_out_on_a_device_gets_nothing_there_however_often_it_registers(
    engine: Engine, services: Services
) -> None:
    """A registered device is a yes until its owner says no."""
    register(engine, "leaving", "fcm", customerId="8")
    message = send(engine, "leaving")
    engine.until(lambda: told_of(services, "DeliveredMobilePushActivity", "leaving"))
    said = {"address": "leaving", "channel": "push", "reason": "switched off in the app"}
    api(engine, "/suppressions", said)
    engine.until(lambda: api(engine, "/suppressions?address=leaving&channel=push")["suppressions"])
    register(engine, "leaving", "fcm", customerId="8")
    again = send(engine, "leaving")
    engine.until(lambda: state_of(engine, again) == "suppressed")
    assert api(engine, f"/messages/{message}")["message"]["state"] == "delivered"
