"""Texts on a whole engine: wanted, sent through a provider, delivered or not, answered, and told to receivers."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from running_engine import Engine
from scripted_services import Answer, Asked, Services
from texted import agreed, send

SID, TOKEN, SHOP = "AC" + "0" * 32, "auth token", "+12025550100"
ANN, BOB, NOBODY, BLOCKED = "+12025550137", "+12025550138", "+12025550199", "+12025550155"
INVALID_DETAILS = (
    "The phone number you have attempted to send to is not valid or unrecognizable to our system"
)
BLOCKED_DETAILS = "The message could not be sent from this OriginationNumber to the destination address"
BYE, HELP = "You get no more texts.", "Write to help@shop.example."
LONG = "https://shop.example/tea?utm_source=sms&colour=green&taste=of+summer"


def answers(asked: Asked) -> Answer:
    """Twilio, which does not know one number; any receiver of a feed says yes."""
    if not asked.path.startswith("/2010-04-01/"):
        return 200, {}
    if asked.form["To"] == NOBODY:
        return 400, {"code": 21211, "message": "The 'To' number is not a valid phone number.", "status": 400}
    return 201, {"sid": "SM" + asked.form["To"][-4:], "status": "queued"}


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    server = Services(answers)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def engine(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    files = tmp_path_factory.mktemp("texting")
    environ = {"HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8", "HELIOGRAPH_WEBHOOK_HTTPS_ONLY": "false"}
    running = Engine(files / "data", 1, environ)
    running.start()
    try:
        prepare(running, services, files)
        yield running
    finally:
        running.stop()


def prepare(engine: Engine, services: Services, files: Path) -> None:
    """A provider, its signing key, a template, an automation on a word, a feed, and two people who want texts."""
    options = {"account_sid": SID, "secret": TOKEN, "sender": SHOP, "url": services.url}
    (files / "twilio.json").write_text(json.dumps(options))
    (files / "token").write_text(TOKEN)
    (files / "tea.yaml").write_text(
        "name: tea\ntrigger: {kind: sms.received, where: {keyword: TEA}}\nonce: event\n"
        "steps: [{send: {template: sale, channel: sms}}]\n"
    )
    words = "{{ person.first_name }}, tea is 5 € today: " + LONG
    for command in (
        ("keys", "add", "channel", "--login", "twilio", "--secret-from", str(files / "twilio.json")),
        ("keys", "add", "receipts", "--login", "twilio", "--secret-from", str(files / "token")),
        ("templates", "save", "sale", "--sms", words),
        ("automations", "apply", str(files / "tea.yaml")),
        ("feeds", "add", "gears", f"{services.url}/feed", "--dialect", "messagegears"),
        ("accounts", "set", 'sms_keywords=["TEA"]', f"sms_stop_answer={BYE}", f"sms_help_answer={HELP}"),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    feed = f'consumer="feed:{engine.keys["account"]}:gears"'.encode()
    engine.until(lambda: feed in engine.get("/metrics")[1])
    agreed(engine, {"Ann": ANN, "Bob": BOB})


def sent_to(services: Services, number: str) -> list[Asked]:
    """What Twilio was asked to send there."""
    return [one for one in services.at("/2010-04-01/") if one.form["To"] == number]


def told_of(services: Services, item: str, number: str) -> list[dict[str, str]]:
    """The items of this name about this number in the feed."""
    roots = [ElementTree.fromstring(one.body) for one in services.at("/feed")]
    items = [{child.tag: child.text or "" for child in found} for root in roots for found in root.iter(item)]
    once = {one["ActivityId"]: one for one in items}  # a delivery may come again
    return [one for one in once.values() if one["SmsAddress"] == number]


def about(engine: Engine, message: str, kind: str) -> list[dict[str, Any]]:
    """What events of this kind say of a message."""
    return [one["data"] for one in engine.exported(kind) if one["data"]["message"] == message]


def call(engine: Engine, url: str, form: dict[str, str], token: str = TOKEN) -> int:
    """A callback as Twilio signs it (Security: Validating Requests)."""
    signed = url + "".join(name + value for name, value in sorted(form.items()))
    signature = base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    path = url.removeprefix(engine.url)
    return engine.raw_post(path, urlencode(form, quote_via=quote).encode(), headers)[0]


def incoming(engine: Engine, sender: str, number: int, words: str, token: str = TOKEN) -> int:
    """A text that comes in."""
    form = {"MessageSid": f"SMin{number}", "From": sender, "To": SHOP, "Body": words}
    return call(engine, f"{engine.url}/receipts/twilio/{engine.keys['store_id']}", form, token)


def test_a_text_is_sent_counted_delivered_tapped_and_told(engine: Engine, services: Services) -> None:
    """MG-9"""
    message = send(engine, ANN)
    engine.until(lambda: sent_to(services, ANN))
    (asked,) = sent_to(services, ANN)
    assert asked.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    login = asked.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(login).decode() == f"{SID}:{TOKEN}" and asked.form["From"] == SHOP
    body, callback = asked.form["Body"], asked.form["StatusCallback"]
    found = re.fullmatch(r"Ann, tea is 5 € today: (http\S+/s/\w{10})", body)
    assert found, body
    engine.until(lambda: about(engine, message, "message.sent"))
    (sent,) = about(engine, message, "message.sent")
    assert (sent["body"], sent["characters"], sent["segments"]) == (body, len(body), 1)

    status = {"MessageSid": "SM0137", "MessageStatus": "delivered", "To": ANN, "From": SHOP}
    assert call(engine, callback, status, "another's token") == 403
    assert call(engine, callback, status) == call(engine, callback, status) == 200
    tapped = found[1].removeprefix(engine.url)
    engine.until(lambda: engine.get(tapped)[0] == 302)  # known as soon as its fold has it
    assert engine.get(tapped)[2]["location"] == LONG
    engine.until(lambda: told_of(services, "DeliveredSmsActivity", ANN))
    engine.until(lambda: about(engine, message, "link.clicked"))
    assert len(told_of(services, "DeliveredSmsActivity", ANN)) == 1, "the repeat was the same event"

    key = {"x-api-key": engine.keys["api_key"]}

    def shown() -> Any:
        return json.loads(engine.get(f"/api/v1/messages/{message}", key)[1])

    past = ("message.requested", "message.attempted", "message.sent", "message.delivered", "link.clicked")
    engine.until(lambda: {one["kind"] for one in shown()["history"]} >= set(past))
    assert shown()["message"]["state"] == "delivered"


def test_what_does_not_arrive_is_told_in_the_words_of_the_document(
    engine: Engine, services: Services
) -> None:
    """MG-9: S1:L381-L391"""
    for to in (NOBODY, BLOCKED):
        send(engine, to, transactional=True)
    engine.until(lambda: sent_to(services, BLOCKED))
    status = {"MessageSid": "SM0155", "MessageStatus": "undelivered", "To": BLOCKED, "ErrorCode": "30007"}
    assert call(engine, sent_to(services, BLOCKED)[0].form["StatusCallback"], status) == 200
    for number, category, details in (
        (NOBODY, "INVALID_ADDRESS", INVALID_DETAILS),
        (BLOCKED, "ADDRESS_BLOCKED", BLOCKED_DETAILS),
    ):
        engine.until(lambda number=number: told_of(services, "BouncedSmsActivity", number))
        (bounced,) = told_of(services, "BouncedSmsActivity", number)
        assert (bounced["Category"], bounced["Details"]) == (category, details)


def test_who_texts_stop_gets_the_answer_and_nothing_more(engine: Engine, services: Services) -> None:
    """MG-9: STOP, HELP, START and a word of the account's own."""
    assert incoming(engine, BOB, 0, "STOP", "another's token") == 403
    assert incoming(engine, BOB, 1, " help! ") == incoming(engine, BOB, 2, "tea please") == 200
    engine.until(lambda: len(sent_to(services, BOB)) == 2)
    assert incoming(engine, BOB, 3, "Stop.") == 200
    engine.until(lambda: len(sent_to(services, BOB)) == 3)
    bodies = [one.form["Body"] for one in sent_to(services, BOB)]
    assert bodies[2] == BYE and HELP in bodies[:2]
    assert any(body.startswith("Bob, tea") for body in bodies), "the word began its automation"

    for message in (send(engine, BOB), send(engine, BOB, transactional=True)):
        engine.until(lambda message=message: about(engine, message, "message.suppressed"))
        assert about(engine, message, "message.suppressed")[0]["code"] == 131
    assert incoming(engine, BOB, 4, "START") == 200
    engine.until(lambda: engine.exported("suppression.removed"))
    again = send(engine, BOB)
    engine.until(lambda: about(engine, again, "message.sent"))
    engine.until(lambda: len(told_of(services, "InboundSmsActivity", BOB)) == 4)
    types = {one["InboundMessageType"] for one in told_of(services, "InboundSmsActivity", BOB)}
    assert types == {"STOP", "HELP", "START", "KEYWORD"}
