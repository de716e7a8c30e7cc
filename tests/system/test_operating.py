"""What an operator does and sees: health, metrics, keys, exports, replay, settings, and errors over the real wire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_engine import Engine

Launch = Callable[..., Engine]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all: each test speaks of its own people and objects."""
    running = Engine(tmp_path_factory.mktemp("shared") / "data", 1, {})
    running.start()
    yield running
    running.stop()


def test_health_readiness_and_metrics_can_be_asked(engine: Engine) -> None:
    assert engine.get("/healthz")[0] == 200
    assert json.loads(engine.get("/readyz")[1]) == {"status": "ok"}

    def answered() -> float:
        """How many events were taken, as `/metrics` has it."""
        counted = rb'heliograph_requests_total\{route="webhooks",status="200"\} (\S+)'
        return sum(float(number) for number in re.findall(counted, engine.get("/metrics")[1]))

    before = answered()
    engine.event("customers/create", {"id": 1, "email": "a@x.example"})
    engine.until(lambda: answered() > before)
    engine.until(
        lambda: b'heliograph_lag_events{consumer="people",kind="fold"} 0.0' in engine.get("/metrics")[1]
    )


def test_what_does_not_exist_is_a_json_404_that_says_where_to_look(engine: Engine) -> None:
    status, body, _ = engine.get("/no/such/page")
    assert status == 404 and json.loads(body)["code"] == "not_found"
    status, body, _headers = engine.get("/healthz?x=1")
    assert status == 200
    status, answer = engine.post("/healthz", b"", {})
    assert status == 405 and answer["code"] == "method_not_allowed"


def test_credentials_are_private_and_complete(engine: Engine) -> None:
    assert (engine.data / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert engine.data.stat().st_mode & 0o777 == 0o700
    assert engine.keys["base_url"] == engine.url
    printed = engine.log.read_text().replace("\n", "")
    assert engine.keys["store_key"] in printed, "the first start shows them once"


def test_a_revoked_key_stops_working_and_a_new_one_works(engine: Engine) -> None:
    listed = engine.run("keys", "list").stdout
    assert "store" in listed and engine.keys["store_key"] not in listed
    made = json.loads(engine.run("keys", "add", "store", "--label", "till").stdout)
    engine.until(
        lambda: (
            engine.event("newsletter/unsubscribe", {"email": "a@x.example"}, x_token=made["secret"])[0] == 200
        )
    )
    assert engine.run("keys", "revoke", made["id"]).returncode == 0
    engine.until(
        lambda: (
            engine.event("newsletter/unsubscribe", {"email": "a@x.example"}, x_token=made["secret"])[0] == 401
        )
    )
    assert engine.event("newsletter/unsubscribe", {"email": "a@x.example"})[0] == 200


def test_a_policy_takes_effect_without_a_restart(engine: Engine) -> None:
    bare = {"id": "1"}
    assert engine.event("orders/create", bare)[0] == 200
    assert engine.run("accounts", "set", "validation=strict").returncode == 0
    engine.until(lambda: engine.event("orders/create", bare)[0] == 400)
    _status, answer = engine.event("orders/create", bare)
    assert {"created_at", "total_price"} <= {fault["field"] for fault in answer["errors"]}
    assert engine.run("accounts", "set", "validation=lenient").returncode == 0
    engine.until(lambda: engine.event("orders/create", bare)[0] == 200)


def test_exports_show_one_event_a_line_in_the_promised_order(engine: Engine) -> None:
    pretty = json.dumps({"id": "000123", "email": "a@x.example"}, indent=2).encode()
    headers = {"x-token": engine.keys["store_key"], "x-event-type": "orders/create"}
    status, answer = engine.post(f"/webhooks/?storeId={engine.keys['store_id']}", pretty, headers)
    assert status == 200
    printed = [
        json.loads(line)
        for line in engine.run("export", "events", "--kind", "order.created").stdout.splitlines()
    ]
    (event,) = [event for event in printed if event["id"] == answer["id"]]
    assert list(event) == ["id", "account", "kind", "subject", "at", "recorded", "cause", "data"]
    assert event["subject"] == "email:a@x.example" and event["cause"] is None
    assert event["data"]["order"] == {"id": "000123", "email": "a@x.example"}
    assert engine.run("export", "events", "--kind", "moon.landed").returncode == 2


def test_tail_shows_the_latest(engine: Engine) -> None:
    for number in range(5):
        engine.event("orders/create", {"id": number, "email": "a@x.example"})
    lines = engine.run("tail", "--lines", "2", "--no-follow", "--kind", "order.created").stdout.splitlines()
    assert json.loads(lines[-1])["data"]["order"]["id"] == 4


def test_a_fold_can_be_replayed_on_a_running_and_on_a_stopped_engine(launch: Launch) -> None:
    engine = launch()
    engine.event("customers/create", {"id": 1, "email": "a@x.example"})
    engine.until(lambda: "a@x.example" in engine.run("people", "show", "1").stdout)  # the engine is there
    assert "was asked to replay" in engine.run("replay", "people").stdout
    assert engine.run("replay", "dispatch").returncode == 2, "an act is never replayed"
    engine.stop()
    done = engine.run("replay", "people")
    assert done.returncode == 0 and "folded again from 1 events" in done.stdout


def test_check_prints_settings_and_masks_secrets(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "h.toml"
    config.write_text('smtp_password = "hunter2"\nworkers = 3\n')
    shown = engine.run("check", "--config", str(config)).stdout
    assert "hunter2" not in shown and "********" in shown
    config.write_text("wrokers = 3\n")
    done = engine.run("check", "--config", str(config))
    assert done.returncode == 2 and "wrokers" in done.stderr


def test_definitions_are_saved_through_the_running_engine(engine: Engine, tmp_path: Path) -> None:
    html = tmp_path / "t.html"
    html.write_text("<p>Hello {{ person.first_name }}</p>")
    assert engine.run("templates", "save", "hello", "--subject", "Hi", "--html", str(html)).returncode == 0
    automation = tmp_path / "a.yaml"
    automation.write_text("name: hi\ntrigger: {kind: person.created}\nsteps: [{send: {template: hello}}]\n")
    assert engine.run("automations", "apply", str(automation)).returncode == 0
    engine.until(lambda: "hi" in engine.run("automations", "list").stdout)
    automation.write_text("name: hi\ntrigger: {kind: moon.landed}\nsteps: []\n")
    done = engine.run("automations", "apply", str(automation))
    assert done.returncode == 2 and "trigger.kind" in done.stderr
    done = engine.run("feeds", "add", "crm", "http://crm.example/hooks")
    assert done.returncode == 2 and "must be https" in done.stderr
    assert engine.run("feeds", "add", "crm", "https://crm.example/hooks").returncode == 0
    engine.until(lambda: "crm" in engine.run("feeds", "list").stdout)
    assert engine.run("feeds", "remove", "crm").returncode == 0
    engine.until(lambda: "crm.example" not in engine.run("feeds", "list").stdout)


def test_a_feed_that_comes_again_after_it_was_removed_is_not_told_the_past(engine: Engine) -> None:
    def feed_lag(name: str) -> bool:
        return f'consumer="feed:{engine.keys["account"]}:{name}"' in engine.get("/metrics")[1].decode()

    assert engine.run("feeds", "add", "again", "https://crm.example/hooks").returncode == 0
    engine.until(lambda: feed_lag("again"))
    assert engine.run("feeds", "remove", "again").returncode == 0
    assert engine.run("feeds", "add", "again", "https://crm.example/hooks").returncode == 0
    engine.until(lambda: feed_lag("again#2"))


def test_a_further_account_has_keys_of_its_own_and_the_built_in_templates(engine: Engine) -> None:
    made = json.loads(engine.run("accounts", "add", "Second shop").stdout)
    key = json.loads(engine.run("keys", "add", "store", "--account", made["account"]).stdout)["secret"]
    engine.until(
        lambda: "confirm-subscription" in engine.run("templates", "list", "--account", made["account"]).stdout
    )
    headers = {"x-token": key, "x-event-type": "newsletter/unsubscribe"}
    body = b'{"email": "b@x.example"}'
    engine.until(lambda: engine.post(f"/webhooks/store/{made['store_id']}", body, headers)[0] == 200)
    status, answer = engine.post(f"/webhooks/store/{engine.keys['store_id']}", body, headers)
    assert status == 401 and answer["code"] == "unauthorized", "a key opens its own store only"


def test_a_part_alone_needs_data_that_were_started_once(engine: Engine, tmp_path: Path) -> None:
    done = engine.run("serve", "--only", "web", "--data", str(tmp_path / "none"))
    assert done.returncode == 2 and "never started" in done.stderr


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {400}),
        (b"null", {400}),
        (b"[1]", {400}),
        (b"\xff\xfe", {400}),
        (b'{"id": 1e999, "email": "a@x.example"}', {200, 400}),
        (b'{"a":' * 50_000, {400}),
        (b'{"id": "\\ud800", "email": "a@x.example"}', {200, 400}),
        (b'{"id": "a\\u0000b", "email": "a@x.example"}', {400}),
        (b"{" + b",".join(b'"k%d":1' % n for n in range(10_000)) + b"}", {200, 400}),
        (b"x" * (2 * 1024 * 1024 + 1), {413}),
    ],
    ids=["empty", "null", "array", "utf16", "huge", "deep", "surrogate", "nul", "keys", "large"],
)
def test_hostile_bodies_are_refused_or_stored_and_never_a_500(
    engine: Engine, body: bytes, statuses: set[int]
) -> None:
    headers = {"x-token": engine.keys["store_key"], "x-event-type": "orders/create"}
    status, answer = engine.post(f"/webhooks/store/{engine.keys['store_id']}", body, headers)
    assert status in statuses, answer
    assert status == 200 or answer["message"]
