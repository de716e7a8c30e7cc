"""Texts through a provider that nobody knows of, on a whole engine: as its options say it is asked, and as it tells."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_engine import Engine
from scripted_services import Answer, Asked, Services
from texted import agreed, send

SECRET = "shared secret"
ANN, BOB, NOBODY = "+12025550137", "+12025550138", "+12025550199"


def answers(asked: Asked) -> Answer:
    """A provider of texts that does not know one number."""
    if asked.json["to"] == NOBODY:
        return 200, {"status": "REJECTED", "error": {"code": "BAD_NUMBER"}}
    return 200, {"status": "ACCEPTED", "id": "id-" + asked.json["to"]}


@pytest.fixture
def services() -> Iterator[Services]:
    server = Services(answers)
    yield server
    server.stop()


@pytest.fixture
def engine(services: Services, tmp_path: Path) -> Iterator[Engine]:
    running = Engine(tmp_path / "data", 1, {"HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8"})
    running.start()
    try:
        prepare(running, services, tmp_path)
        yield running
    finally:
        running.stop()


def prepare(engine: Engine, services: Services, files: Path) -> None:
    """The two keys of docs/how-to/text-messages.md, a template, and two people who want texts."""
    asking = {
        "url": f"{services.url}/v1/messages",
        "sender": "Shop",
        "headers": {"Authorization": "Bearer theirs"},
        "format": "json",
        "body": {
            "to": "{to}",
            "from": "{from}",
            "text": "{text}",
            "reference": "{message}",
            "dlr": "{callback}",
        },
        "status_path": "status",
        "accepted_values": ["ACCEPTED"],
        "id_path": "id",
        "error_path": "error.code",
        "failures": {"BAD_NUMBER": "INVALID_ADDRESS"},
    }
    telling = {
        "secret": SECRET,
        "header": "X-Signature",
        "prefix": "sha256=",
        "to": "to",
        "sender": "from",
        "text": "text",
        "delivered": ["delivered"],
        "failed": ["failed"],
        "failures": {"GONE": "INVALID_ADDRESS"},
    }
    for kind, options in (("channel", asking), ("receipts", telling)):
        (files / kind).write_text(json.dumps(options))
        told = engine.run("keys", "add", kind, "--login", "http", "--secret-from", str(files / kind))
        assert told.returncode == 0, told.stderr
    for command in (
        ("templates", "save", "sale", "--sms", "{{ person.first_name }}, tea is cheap today."),
        ("accounts", "set", "sms_stop_answer=You get no more texts."),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    agreed(engine, {"Ann": ANN, "Bob": BOB, "Nobody": NOBODY})


def sent_to(services: Services, number: str) -> list[Asked]:
    """What the provider was asked to send there."""
    return [one for one in services.at("/v1/messages") if one.json["to"] == number]


def about(engine: Engine, message: str, kind: str) -> list[dict[str, Any]]:
    """What events of this kind say of a message."""
    return [one["data"] for one in engine.exported(kind) if one["data"]["message"] == message]


def tell(engine: Engine, url: str, said: dict[str, str], secret: str = SECRET) -> int:
    """A callback of the provider's, signed with HMAC over its body."""
    body = json.dumps(said).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
    headers = {"x-signature": signature, "content-type": "application/json"}
    return engine.raw_post(url.removeprefix(engine.url), body, headers)[0]


def test_a_text_goes_is_reported_and_answered_over_any_http(engine: Engine, services: Services) -> None:
    """MG-9: any provider is asked, tells of delivery and failure, and hands in STOP."""
    to_ann, to_bob = send(engine, ANN), send(engine, BOB)
    engine.until(lambda: about(engine, to_ann, "message.sent") and about(engine, to_bob, "message.sent"))
    (asked,) = sent_to(services, ANN)
    assert asked.headers["authorization"] == "Bearer theirs"
    assert (asked.json["from"], asked.json["text"]) == ("Shop", "Ann, tea is cheap today.")
    assert asked.json["reference"] == to_ann

    report = {"id": f"id-{ANN}", "status": "delivered", "to": ANN}
    assert tell(engine, asked.json["dlr"], report, "another's secret") == 403
    assert tell(engine, asked.json["dlr"], report) == 200
    engine.until(lambda: about(engine, to_ann, "message.delivered"))
    failure = {"id": f"id-{BOB}", "status": "failed", "error": "GONE", "to": BOB}
    assert tell(engine, sent_to(services, BOB)[0].json["dlr"], failure) == 200
    engine.until(lambda: about(engine, to_bob, "message.bounced"))
    unknown = send(engine, NOBODY)
    engine.until(lambda: about(engine, unknown, "message.bounced"))

    door = f"/receipts/http/{engine.keys['store_id']}"
    assert tell(engine, door, {"id": "in-1", "from": ANN, "to": "Shop", "text": "STOP"}) == 200
    engine.until(lambda: len(sent_to(services, ANN)) == 2)
    assert sent_to(services, ANN)[1].json["text"] == "You get no more texts."
    no_more = send(engine, ANN)
    engine.until(lambda: about(engine, no_more, "message.suppressed"))
    assert len(sent_to(services, ANN)) == 2
