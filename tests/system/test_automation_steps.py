"""Every step of an automation on a whole engine: mail, texts and pushes that arrive, waits, branches, calls, versions, and what
`why` and `dry-run` say of it, by command line and by API alike."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from free_ports import free_port
from running_engine import Engine

from heliograph.app import accounts, automations, templates
from heliograph.settings import Settings

ANN, BOB = "ann@x.example", "bob@x.example"

BOOKED = """
name: booked
topic: stays
url_append: utm_campaign={automation}
trigger: {kind: custom, name: room-booked, where: {guest.nights: {gte: 2}}, who: {segments: guests}}
goals: [{kind: custom, name: room-paid, match: object, path: booking}]
object: booking
once: object
steps:
  - branch:
      if: {event.guest.suite: true}
      then: [{update_person: {add_tags: [suite], set: {room: suite}}}]
      else: [{end: {why: no suite}}]
  - send: {template: booked}
  - wait_for:
      {kind: link.clicked, readers: any, match: message, timeout: 1d, on_event: [{webhook: {url: "HOOKS/desk"}}]}
  - split:
      - {name: all, share: 1, steps: [{send: {channel: sms, template: text}}, {send: {channel: push, template: tap}}]}
      - {name: none, share: 0.000001, steps: []}
  - wait: {until: "MORNING"}
  - send: {template: booked, url_append: ""}
"""
MAIL = '<p>{{ event.guest.room }} <a href="https://inn.example/stay">Your stay</a></p><a href="{{ unsubscribe_url }}">x</a>'

TEMPLATES = {
    "booked": {"subject": "Your room", "html": MAIL},
    "text": {"sms": "See you, {{ person.first_name }}"},
    "tap": {"push_title": "Your suite", "push_body": "Is ready"},
}


class Desk(ThreadingHTTPServer):
    """Everybody else whom an automation calls: a shop's desk, a provider of texts, Google's tokens and its pushes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Caller)
        self.got: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def told(self, path: str) -> list[str]:
        return [body for at, body in self.got if at == path]


class _Caller(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.got.append((self.path, body))
        answer = json.dumps(
            {"access_token": "t", "expires_in": 3600, "name": "projects/p/messages/1", "id": "1"}
        )
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


class Letters:
    """An SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 2.0.0 Kept"


@pytest.fixture
def desk() -> Iterator[Desk]:
    server = Desk()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def letters() -> Iterator[Controller]:
    controller = Controller(Letters(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


class Inn:
    """An engine as an inn's engineer sets it up."""

    def __init__(self, engine: Engine, desk: Desk, files: Path) -> None:
        self.engine, self.files = engine, files
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        robot = {"client_email": "r@p.example", "token_uri": f"{desk.url}/token", "url": desk.url}
        self.write("fcm.json", json.dumps({**robot, "project_id": "p", "private_key": pem}))
        body = {"to": "{to}", "text": "{text}"}
        self.write(
            "sms.json", json.dumps({"url": f"{desk.url}/sms", "sender": "Inn", "body": body, "id_path": "id"})
        )
        morning = (
            f"{datetime.now(ZoneInfo('Asia/Tokyo')) + timedelta(hours=12):%H:00}"  # never while a test runs
        )
        self.write("booked.yaml", BOOKED.replace("HOOKS", desk.url).replace("MORNING", morning))
        self.write("guests.yaml", "name: guests\nwho: {person.first_name: {exists: true}}\n")

    def write(self, name: str, text: str) -> str:
        (self.files / name).write_text(text)
        return str(self.files / name)

    def do(self, *command: str) -> str:
        done = self.engine.run(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def open(self) -> None:
        """Everything that has to be there before guests come."""
        files, settings = self.files, Settings(data=str(self.engine.data))
        accounts.set_policy(settings, None, {"from_address": "inn@x.example", "time_zone": "UTC"})
        for name, parts in TEMPLATES.items():
            asyncio.run(templates.save(settings, None, name, parts, {}))
        for login in ("fcm", "http"):
            secret = files / ("fcm.json" if login == "fcm" else "sms.json")
            self.do("keys", "add", "channel", "--login", login, "--secret-from", str(secret))
        asyncio.run(automations.apply_segment(settings, None, files / "guests.yaml"))
        self.do("automations", "apply", str(files / "booked.yaml"))
        guests: tuple[tuple[str, dict[str, Any]], ...] = (
            (ANN, {"first_name": "Ann", "accepts_sms_marketing": True, "default_address": {"country_code": "JP"}}),
            (BOB, {"first_name": "Bob"}),
        )  # fmt: skip
        for number, (address, more) in enumerate(guests):
            phone = f"+8190123456{number}0"
            person = {"id": number, "email": address, "sms_phone_number_e164": phone, **more}
            assert self.engine.event("customers/create", person)[0] == 200
        self.engine.see_accounts()
        device = {"token": "ann-device", "service": "fcm", "application": "inn", "email": ANN}
        assert self.engine.event("device/registered", device)[0] == 200

    def book(self, address: str, booking: str, **guest: object) -> None:
        body = {"booking": booking, "email": address, "guest": {"nights": 3, "room": "Room 7", **guest}}
        assert self.engine.event("room-booked", body)[0] == 200

    def why(self, address: str) -> dict[str, Any]:
        key = {"x-api-key": self.engine.keys["api_key"]}
        asked = self.engine.get(f"/api/v1/automations/booked/runs?person={address}", key)
        told: dict[str, Any] = json.loads(asked[1])
        return told

    def recorded(self) -> list[str]:
        """Everything but what is said of readers, of whom one may think better later."""
        return [event["id"] for event in self.engine.exported() if event["kind"] != "reader.judged"]

    def states(self, address: str) -> dict[str, str]:
        """How the runs of somebody's bookings stand, as state has it: it follows what the journal says of them."""
        return {run["object"]: run["state"] for run in self.why(address)["runs"]}

    def until(self, kind: str, number: int) -> list[dict[str, Any]]:
        self.engine.until(lambda: len(self.engine.exported(kind)) >= number)
        return self.engine.exported(kind)


def html(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def notes(run: dict[str, Any]) -> list[str]:
    return [line["says"] for line in run["trace"] if line["kind"] == "run.noted"]


def test_every_step_is_taken_and_told(
    launch: Callable[..., Engine], desk: Desk, letters: Controller, tmp_path: Path
) -> None:
    """RM-20: a custom event is filtered on what is in it, and everything follows from that."""
    engine = launch(
        HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{letters.port}",
        HELIOGRAPH_SMTP_FINAL="true",
        HELIOGRAPH_EGRESS_ALLOW="127.0.0.1/32",
        HELIOGRAPH_WEBHOOK_HTTPS_ONLY="false",
    )
    inn, mails = Inn(engine, desk, tmp_path), letters.handler.got
    inn.open()
    inn.book(ANN, "b1", suite=True)
    engine.until(lambda: mails)
    assert "Room 7" in html(mails[0])

    clicked = re.search(rf"{engine.url}/c/[^\"]+", html(mails[0]))
    assert clicked is not None
    assert engine.get(clicked[0].removeprefix(engine.url))[2]["location"] == (
        "https://inn.example/stay?utm_campaign=booked"
    )
    engine.until(lambda: desk.told("/desk") and desk.told("/sms"))
    engine.until(lambda: desk.told("/v1/projects/p/messages:send"))
    called = json.loads(desk.told("/desk")[0])
    assert (called["automation"], called["object"], called["event"]["booking"]) == ("booked", "b1", "b1")
    text = json.loads(desk.told("/sms")[0])
    assert (text["to"], "See you, Ann" in text["text"]) == ("+819012345600", True)
    assert '"token":"ann-device"' in desk.told("/v1/projects/p/messages:send")[0].replace(" ", "")

    waiting = next(one for one in inn.until("run.waiting", 2) if one["data"].get("zone"))
    assert (waiting["data"]["zone"], waiting["data"]["zone_source"]) == (
        "Asia/Tokyo",
        "the person's address: JP",
    )
    engine.until(lambda: [run["waits_in"] for run in inn.why(ANN)["runs"]] == ["steps[4]"])
    (run,) = inn.why(ANN)["runs"]
    assert run["state"] == "open"
    assert any("outcome link.clicked" in said for said in notes(run))
    assert any("what split, outcome all" in said for said in notes(run))
    changed = engine.exported("person.updated")[-1]["data"]["person"]
    assert (changed["tags"], changed["room"]) == (["suite"], "suite")

    leaves_the_topic_and_is_told_why(inn, mails[0])
    moves_who_waits_and_reaches_the_goal(inn)
    is_rehearsed(inn)


def leaves_the_topic_and_is_told_why(inn: Inn, mail: EmailMessage) -> None:
    """Who left the topic that the automation names gets no more of it, whoever has neither consent nor device no text."""
    leave = mail["List-Unsubscribe"].strip("<>").removeprefix(inn.engine.url)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert inn.engine.raw_post(leave, b"List-Unsubscribe=One-Click", form)[0] == 200
    inn.until("subscription_topic.chosen", 1)
    inn.book(ANN, "b2", suite=True)
    inn.book(BOB, "b3", suite=False)
    inn.book(BOB, "b4", nights=1)
    (refused,) = inn.until("message.suppressed", 1)
    assert refused["data"]["reason"] == "The recipient left the topic stays."
    inn.engine.until(lambda: "The recipient left the topic stays." in inn.why(ANN)["answer"])
    inn.engine.until(lambda: inn.states(BOB).get("b3", "open") != "open")
    inn.engine.until(lambda: inn.why(BOB)["not_entered"])
    told = inn.why(BOB)
    assert json.loads(inn.do("automations", "show", "booked"))["name"] == "booked"
    assert json.loads(inn.do("automations", "why", "booked", BOB, "--json")) == told, (
        "the shell says the same"
    )
    assert told["not_entered"][0]["why"] == "trigger.where: guest.nights is 1, wanted gte 2"
    assert "why no suite" in notes(told["runs"][0])[-1]


def moves_who_waits_and_reaches_the_goal(inn: Inn) -> None:
    """A version that is applied with --migrate holds for those who wait too; the goal finds its run by its key."""
    newer = (inn.files / "booked.yaml").read_text().replace("name: room-paid", "name: room-settled")
    inn.do("automations", "apply", inn.write("newer.yaml", newer), "--migrate")
    inn.engine.until(lambda: {run["version"] for run in inn.why(ANN)["runs"]} == {2})
    for name in ("room-paid", "room-settled"):
        assert inn.engine.event(name, {"booking": "b1", "email": "desk@x.example"})[0] == 200
    (reached,) = inn.until("run.reached", 1)
    assert reached["data"]["goal"] == "custom"
    inn.engine.until(lambda: inn.states(ANN)["b1"] != "open")
    assert inn.states(ANN) == {"b1": "reached", "b2": "open"}


def is_rehearsed(inn: Inn) -> None:
    """The past again, by command line and API; nothing is recorded, nobody is written to."""
    for kind, number in (("message.sent", 3), ("message.delivered", 2), ("webhook.answered", 1)):
        inn.until(kind, number)  # what is on its way
    recorded = inn.recorded()
    file = inn.files / "booked.yaml"
    told = json.loads(inn.do("automations", "dry-run", str(file), "--since", "1h", "--json"))
    assert (told["events"], told["started"]) == (3, 3)
    # What was sent meanwhile has the ids that it has here, so its click goes on here too.
    assert told["messages"] == {"booked": 2, "text": 1, "tap": 1}
    body = json.dumps({"definition": file.read_text(), "since": "1h"}).encode()
    key = {"x-api-key": inn.engine.keys["api_key"], "content-type": "application/json"}
    status, answer = inn.engine.post("/api/v1/automations/booked/dry-run", body, key)
    assert status == 200
    assert {**answer, "since": ""} == {**told, "since": ""}
    assert inn.recorded() == recorded
