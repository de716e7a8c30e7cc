"""What the law lets a person ask for, of a running engine over its API: everything about them, and its erasure."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from free_ports import free_port
from running_engine import Engine, bytes_of

from heliograph.app import accounts, automations, define, templates
from heliograph.settings import Settings

ADDRESS, PHONE, NAME = "ann.erasable@bücher.example", "+4915112345678", "Annabellissima"
FORMER, GUEST = "ann.former@x.example", "ann.guest@x.example"
WORDS = (
    "ann.erasable",
    "ANN.ERASABLE",
    FORMER,
    GUEST,
    PHONE,
    NAME,
    "ann.former%40x.example",
    "ann.erasable@b\\u00fccher.example",
)
BEN = "ben@x.example"


class Refusing(BaseHTTPRequestHandler):
    """A receiver that is away, and says whom it was told of."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503)
        self.end_headers()
        self.wfile.write(b"cannot take " + body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


class Busy:
    """A relay that puts every mail off, in words that name the recipient."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = 0
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        # Whoever is stopped hangs up in the middle.
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as lines:
            lines.write(b"220 here\r\n")
            lines.flush()
            for line in lines:
                word = line[:4].upper()
                answer = b"250 ok"
                if word == b"RCPT":
                    self.asked += 1
                    answer = b"450 4.2.1 " + line.split(b":", 1)[1].strip() + b" is busy"
                lines.write((b"221 bye" if word == b"QUIT" else answer) + b"\r\n")
                lines.flush()


@pytest.fixture
def relay() -> Iterator[Busy]:
    busy = Busy()
    yield busy
    busy.socket.close()


def recorded(engine: Engine, kind: str) -> list[dict[str, Any]]:
    """The data of the events of a kind, as they lie in the file."""
    with closing(sqlite3.connect(f"file:{engine.data}/journal.db?mode=ro", uri=True)) as journal:
        return [
            json.loads(data) for (data,) in journal.execute("SELECT data FROM event WHERE kind = ?", (kind,))
        ]


def put_off(engine: Engine) -> str:
    """What is to be tried again, and why."""
    with closing(sqlite3.connect(f"file:{engine.data}/state.db?mode=ro", uri=True)) as state:
        return " ".join(f"{name} {why}" for name, why in state.execute("SELECT name, why FROM retries"))


def found_in(data: Path) -> dict[str, list[str]]:
    """The words that still stand somewhere, in which files."""
    files = {path.name: bytes_of(path) for path in data.rglob("*") if path.is_file() and "db" in path.name}
    return {
        word: names
        for word in WORDS
        if (names := [name for name, content in files.items() if word.encode() in content])
    }


def prepared(launch: Callable[..., Engine], relay: Busy, receiver: int, files: Path) -> Engine:
    engine = launch(
        HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{relay.port}",
        HELIOGRAPH_EGRESS_ALLOW="127.0.0.0/8",
        HELIOGRAPH_WEBHOOK_HTTPS_ONLY="false",
    )
    (files / "t.html").write_text("<p>Hello {{ person.first_name }}, write to ann.former@x.example</p>")
    (files / "a.yaml").write_text(
        "name: cart\ntrigger: {kind: cart.updated}\nobject: id\nsteps: [{wait: 2h}, {send: {template: hello}}]\n"
    )
    (files / "b.yaml").write_text(
        "name: hi\ntrigger: {kind: custom, name: greeted}\nonce: event\nsteps: [{send: {template: hello}}]\n"
    )
    settings = Settings(data=str(engine.data), egress_allow=("127.0.0.0/8",), webhook_https_only=False)
    accounts.set_policy(settings, None, {"from_address": "shop@x.example", "country": "DE", "ip": "truncate"})
    parts = {"subject": f"Hello {NAME[:4]}", "html": (files / "t.html").read_text()}
    asyncio.run(templates.save(settings, None, "hello", parts, {}))
    for name in ("a.yaml", "b.yaml"):
        asyncio.run(automations.apply(settings, None, files / name))
    hook = f"http://127.0.0.1:{receiver}/hooks"
    asyncio.run(define.save_feed(settings, None, "crm", "remarkety", hook, (), {}))
    asyncio.run(define.save_feed(settings, None, "xml", "messagegears", "queue:activity", (), {}))
    for feed in ("crm", "xml"):
        name = f'consumer="feed:{engine.keys["account"]}:{feed}"'.encode()
        engine.until(lambda name=name: name in engine.get("/metrics")[1])
    engine.see_accounts()
    return engine


def live_a_little(engine: Engine, relay: Busy) -> None:
    """Everything that somebody may leave behind, in every way of writing it."""
    for kind, body in (
        ("orders/create", {"id": 1, "email": GUEST, "customer": {"first_name": NAME}, "total_price": 9}),
        ("customers/create", {"id": 7, "email": FORMER, "first_name": NAME}),
        ("customers/update", {"id": 7, "email": GUEST, "sms_phone_number_e164": "0151 12345678"}),
        ("customers/update", {"id": 7, "email": ADDRESS.upper(), "first_name": NAME}),
        ("carts/update", {"id": "c0", "note": NAME}),
        ("carts/update", {"id": "c0", "email": ADDRESS, "customer": {"id": 7}}),
        ("orders/create", {"id": 2, "email": "gift@x.example", "customer": {"id": 7, "email": ADDRESS}}),
        ("newsletter/subscribe", {"email": ADDRESS, "client_ip": "203.0.113.77"}),
        ("newsletter/unsubscribe", {"email": FORMER}),
        ("greeted", {"email": ADDRESS, "said": f"hello {NAME}"}),
        ("orders/create", {"id": 3, "email": BEN, "note": "for ann.former@x.example", "total_price": 5}),
        (
            "carts/update",
            {"id": "c9", "email": BEN, "abandoned_checkout_url": "/?for=ann.former%40x.example"},
        ),
        ("customers/update", {"id": 8, "email": "joann.former@x.example", "first_name": "Jo"}),
    ):
        status, answer = engine.event(kind, body)
        assert status == 200, answer
    engine.until(lambda: "dispatch" in put_off(engine) and "503" in put_off(engine))
    engine.until(lambda: relay.asked and recorded(engine, "run.waiting"))
    engine.until(lambda: any("queues.db" in name for name in found_in(engine.data).get("ann.erasable", ())))


def test_a_person_is_exported_whole_and_erased_from_every_file(
    launch: Callable[..., Engine], relay: Busy, receiver: int, tmp_path: Path
) -> None:
    """STD-7, STD-8, RM-9, RM-12: with mail, webhooks and a run that wait."""
    engine = prepared(launch, relay, receiver, tmp_path)
    live_a_little(engine, relay)
    key = {"x-api-key": engine.keys["api_key"]}

    def ask(path: str) -> Any:
        status, body, _ = engine.get(path, key)
        assert status == 200, body
        return json.loads(body)

    engine.until(lambda: recorded(engine, "person.merged"))

    def somebody() -> dict[str, Any]:
        (person,) = ask("/api/v1/people?customer_id=7")["people"]
        return person

    def settled() -> bool:
        """State follows the journal, and a merge changes ids, between two questions too."""
        status, body, _ = engine.get(f"/api/v1/people/{somebody()['id']}/export", key)
        told = json.loads(body)
        if status != 200 or {run["automation"] for run in told["runs"]} != {"cart", "hi"}:
            return False
        return {one["value"] for one in told["identities"]} >= {FORMER, GUEST, PHONE, "7"}

    engine.until(settled)
    person = somebody()
    assert person["email"] == "ann.erasable@xn--bcher-kva.example"
    told = ask(f"/api/v1/people/{person['id']}/export")
    assert {order["id"] for order in told["orders"]} == {"1", "2"}
    assert [run["automation"] for run in told["runs"]] == ["cart", "hi"]
    assert "203.0.113.77" not in json.dumps(told), "an account that truncates keeps no whole address"
    by_command = engine.run("people", "export", PHONE)
    exported = {event["id"] for event in json.loads(by_command.stdout)["events"]}
    assert exported >= {event["id"] for event in told["events"]}, "what happens meanwhile is told too"
    proof = json.loads(engine.run("people", "consent", "7").stdout)
    assert any(
        entry["kind"] == "subscription.requested" for one in proof["addresses"] for entry in one["log"]
    )
    assert found_in(engine.data)[NAME]

    status, order = engine.post(f"/api/v1/people/{person['id']}/erasure", b"", key)
    assert (status, order["person"]) == (202, person["id"])
    engine.until(lambda: ask(f"/api/v1/erasures/{order['id']}")["state"] == "done")
    left = found_in(engine.data)
    assert set(left) <= {FORMER}, left
    done = ask(f"/api/v1/erasures/{order['id']}")
    assert done["events"] >= 12
    assert done["mentions"] >= 2
    check_what_remains(engine, key, person["id"])
    assert engine.stop() == 0
    left = found_in(engine.data)
    assert set(left) <= {FORMER}, left
    for name in left.get(FORMER, ()):
        content = (engine.data / name).read_bytes()
        assert not re.search(rb"(?<!jo)ann\.former@x\.example(?!</p>)", content), name


def check_what_remains(engine: Engine, key: dict[str, str], person: str) -> None:
    """Others' things, without the name; hashes; nothing that waits."""
    assert engine.get(f"/api/v1/people/{person}", key)[0] == 404
    (note,) = [one["order"]["note"] for one in recorded(engine, "order.created") if "order" in one]
    assert note == f"for {person}@erased.invalid"
    found = json.loads(engine.get("/api/v1/people?customer_id=8", key)[1])["people"]
    assert found[0]["email"] == "joann.former@x.example"
    kept = [
        one["data"] for one in engine.exported("suppression.added") if one["data"].get("type") == "deleted"
    ]
    assert len(kept) == 4
    assert all(one["address"].startswith("hash:") for one in kept)
    engine.event("greeted", {"email": GUEST})
    engine.until(
        lambda: [one for one in engine.exported("message.suppressed") if one["data"].get("code") == 25]
    )
    again = engine.run("people", "erase", GUEST)
    assert again.returncode == 0, f"whoever comes again is somebody new: {again.stderr}"


def test_two_people_are_merged_and_one_erased_by_command_while_nothing_runs(
    launch: Callable[..., Engine],
) -> None:
    """STD-7, RM-9"""
    engine = launch(HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{free_port()}")
    engine.event("customers/create", {"id": 7, "email": FORMER, "first_name": NAME})
    engine.event("customers/create", {"id": 8, "email": GUEST})
    key = {"x-api-key": engine.keys["api_key"]}
    engine.until(lambda: GUEST.encode() in engine.get("/api/v1/people?customer_id=8", key)[1])
    merged = engine.run("people", "merge", FORMER, "8", "--because", "she said so")
    assert merged.returncode == 0, merged.stderr
    engine.until(lambda: NAME.encode() in engine.get("/api/v1/people?customer_id=8", key)[1])
    assert engine.stop() == 0
    done = engine.run("people", "erase", GUEST)
    assert done.returncode == 0, done.stderr
    assert "redacted" in done.stdout
    assert found_in(engine.data) == {}
    engine.start()
    assert json.loads(engine.get("/api/v1/people", key)[1])["people"] == []
    assert len(recorded(engine, "person.erased")) == 1
