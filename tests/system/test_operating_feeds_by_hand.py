"""An operator's day with feeds, on a whole engine: the commands, the figures at /metrics, the log, a replay, the breaker."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port
from running_engine import SECONDS, Engine, bytes_of


class Shop(ThreadingHTTPServer):
    """A receiver that answers as it is told to, and keeps what came. Its port is nobody's after it: feeds of it stay behind."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", free_port()), _Hook)
        self.status = 200
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks?key=1"

    def ids(self) -> list[str]:
        return [headers["x-heliograph-event"] for headers, _ in self.came]


class _Hook(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    environ = {"HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8", "HELIOGRAPH_WEBHOOK_HTTPS_ONLY": "false"}
    running = Engine(tmp_path_factory.mktemp("feeds") / "data", 1, environ)
    running.start()
    yield running
    running.stop()


def told(engine: Engine, *command: str) -> Any:
    """What a command of `feeds` prints as JSON."""
    done = engine.run("feeds", *command)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def figure(engine: Engine, name: str, feed: str, **labels: str) -> float | None:
    """A feed's figure at /metrics."""
    for line in engine.get("/metrics")[1].decode().splitlines():
        wanted = [f'feed="{feed}"', *(f'{label}="{value}"' for label, value in labels.items())]
        if line.startswith(f"{name}{{") and all(one in line for one in wanted):
            return float(line.rpartition(" ")[2])
    return None


def serve(engine: Engine, name: str, shop: Shop, *options: str) -> None:
    words = [word for option in options for word in ("--option", option)]
    assert engine.run("feeds", "add", name, shop.url, *words).returncode == 0
    engine.until(lambda: figure(engine, "heliograph_feed_behind_events", name) == 0)


def sign_up(engine: Engine, *people: str) -> None:
    for person in people:
        wish = {"email": f"{person}@x.example", "double_optin_required": False}
        assert engine.event("newsletter/subscribe", wish)[0] == 200


def test_what_was_told_is_shown_logged_counted_and_told_again(engine: Engine, shop: Shop) -> None:
    """RM-14: the same id, the same bytes, signed again."""
    serve(engine, "again", shop)
    sign_up(engine, "ann")
    engine.until(lambda: len(shop.came) == 1)
    engine.until(lambda: told(engine, "show", "again")["last_delivered"])
    engine.until(lambda: told(engine, "show", "again")["behind"] == 0)
    shown = told(engine, "show", "again")
    assert (shown["waiting"], shown["parked"], shown["state"]) == (0, 0, "active")
    assert shown["last_delivered"]["event"] == shop.ids()[0] and shown["last_failed"] is None
    key = {"x-api-key": engine.keys["api_key"]}
    same = {"behind": 0}  # what else was recorded meanwhile is none of this feed's
    assert json.loads(engine.get("/api/v1/feeds/again", key)[1]) | same == shown | same, (
        "times for people, as the API has them"
    )
    (noted,) = told(engine, "deliveries", "again", "--event", shop.ids()[0])
    assert noted == shown["last_delivered"] and re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", noted["at"])
    report = noted["report"]
    assert (report["outcome"], report["status"], report["attempt"]) == ("delivered", 200, 1)
    assert report["body"].encode() == shop.came[0][1]
    assert report["endpoint"] == shop.url.partition("?")[0], "the query of a URL may be a secret"
    assert report["headers"]["X-Event-Hmac-SHA256"] == "(not kept)"
    engine.until(lambda: figure(engine, "heliograph_feed_attempts_total", "again", outcome="delivered") == 1)
    listed = engine.run("feeds", "deliveries", "again").stdout
    assert "delivered" in listed and engine.run("feeds", "deliveries", "again", "--failed").returncode == 0

    assert engine.run("feeds", "replay", "again", "--event", shop.ids()[0]).returncode == 0
    engine.until(lambda: len(shop.came) == 2)
    assert shop.ids()[0] == shop.ids()[1] and shop.came[0][1] == shop.came[1][1]
    assert engine.run("feeds", "replay", "again", "--since", "2020-01-01").returncode == 0
    engine.until(lambda: len(shop.came) == 3)
    nothing = engine.run("feeds", "replay", "again")
    assert nothing.returncode != 0 and "--event or --since" in nothing.stderr


def test_a_dead_receiver_opens_the_breaker_and_gets_everything_when_it_is_back(
    engine: Engine, shop: Shop
) -> None:
    """RM-15"""
    shop.status = 503
    serve(engine, "dead", shop, "breaker=2", "concurrency=1")
    people = [f"person{number}" for number in range(30)]  # so many that some are held back for 20 minutes
    sign_up(engine, *people)
    began = time.monotonic()
    engine.until(lambda: figure(engine, "heliograph_feed_breaker", "dead") in (1, 2))
    engine.until(lambda: (figure(engine, "heliograph_feed_waiting_events", "dead") or 0) >= 2)
    engine.until(lambda: told(engine, "show", "dead")["last_failed"])
    shown = told(engine, "show", "dead")
    assert shown["behind"] > 0 and shown["waiting"] >= 2 and shown["parked"] == 0
    engine.until(lambda: told(engine, "show", "dead")["breaker"] in ("open", "half_open"))
    assert shown["last_failed"]["report"]["status"] == 503
    engine.until(
        lambda: (figure(engine, "heliograph_feed_attempts_total", "dead", outcome="retried") or 0) >= 2
    )
    engine.until(lambda: (figure(engine, "heliograph_feed_lag_seconds", "dead") or 0) > 0)
    assert "answered 503" in re.sub(r"\s+", " ", engine.run("feeds", "deliveries", "dead", "--failed").stdout)

    shop.status = 200
    mails = lambda: {json.loads(body)["email"] for _, body in shop.came}  # noqa: E731 - asked again and again
    later = SECONDS + 3 * (time.monotonic() - began)  # the longer it was away, the later it is tried again
    engine.until(lambda: mails() == {f"{person}@x.example" for person in people}, later)
    engine.until(lambda: figure(engine, "heliograph_feed_waiting_events", "dead") == 0)
    engine.until(lambda: figure(engine, "heliograph_feed_breaker", "dead") == 0)
    engine.until(lambda: told(engine, "show", "dead")["breaker"] == "closed")
    assert engine.run("feeds", "remove", "dead").returncode == 0


def test_a_feed_that_is_added_while_nothing_goes_out_misses_nothing(engine: Engine, shop: Shop) -> None:
    """What goes out stands still, as before a restart, and is killed then: nobody has seen the feed when it starts again."""
    engine.until(lambda: engine.pids("outbound"))
    (outbound,) = engine.pids("outbound")
    os.kill(outbound, signal.SIGSTOP)
    assert engine.run("feeds", "add", "missed", shop.url).returncode == 0
    sign_up(engine, "cyd")
    os.kill(outbound, signal.SIGKILL)
    engine.until(lambda: "cyd@x.example" in [json.loads(body)["email"] for _, body in shop.came])
    assert engine.run("feeds", "remove", "missed").returncode == 0


def test_the_test_button_tells_and_says_what_came_back(engine: Engine, shop: Shop) -> None:
    serve(engine, "button", shop)
    made = told(engine, "test", "button")
    assert (made["outcome"], made["status"]) == ("delivered", 200) and len(shop.came) == 1
    shop.status = 404
    failed = engine.run("feeds", "test", "button")
    assert failed.returncode == 1 and json.loads(failed.stdout)["outcome"] == "refused"


def test_a_rotated_secret_signs_what_comes_next(engine: Engine, shop: Shop) -> None:
    """RM-14"""
    serve(engine, "turned", shop)
    made = told(engine, "rotate", "turned", "--overlap", "1")
    shown = told(engine, "secret", "turned")
    assert shown["single"] == made["secret"] and len(shown["secrets"]) == 2

    def signed(headers: dict[str, str], body: bytes) -> bool:
        digest = hmac.new(made["secret"].encode(), body, hashlib.sha256).digest()
        return headers["x-event-hmac-sha256"] == base64.b64encode(digest).decode()

    def comes_next() -> bool:
        """Within a second of the rotation, that is; until then the one before it signs alone."""
        number = len(shop.came)
        sign_up(engine, f"bob{number}")
        engine.until(lambda: len(shop.came) > number)
        return signed(*shop.came[-1])

    engine.until(comes_next)
    assert made["secret"].encode() not in b"".join(bytes_of(path) for path in _journal(engine.data))


def test_a_feed_that_is_not_there_is_named(engine: Engine) -> None:
    for command in ("show", "test", "deliveries", "rotate", "secret"):
        done = engine.run("feeds", command, "nobody")
        assert done.returncode != 0 and "no feed nobody" in done.stderr, command


def _journal(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file() and path.suffix not in (".json", ".sock")]
