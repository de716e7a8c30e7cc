"""Importing into a whole engine, running and stopped: once, whatever is killed, and without mailing anybody."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_engine import Engine

Launch = Callable[..., Engine]
ROWS = 30_000
KILLED = """
import os, runpy, signal, sys, threading, time
from pathlib import Path
from heliograph.journal.file_reader import FileReader

def strike(data, more):
    journal = FileReader(data)
    last = journal.head() + more
    while journal.head() < last:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=strike, args=(Path(sys.argv[1]), int(sys.argv[2])), daemon=True).start()
del sys.argv[1:3]
runpy.run_module("heliograph", run_name="__main__")
"""
"""DATA MORE COMMAND...: a command of ours that is killed when so many more events are recorded. It strikes from within, so a slow
test does not come too late."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One engine for all: each test speaks of its own people."""
    running = Engine(tmp_path_factory.mktemp("import") / "data", 1, {})
    running.start()
    yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


def people(path: Path, name: str, number: int) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Email Address", "First Name", "Status"])
        for n in range(number):
            rows.writerow([f"{name}{n}@x.example" if n % 100 != 99 else "broken", "Ann", "subscribed"])
    return path


def of(engine: Engine, name: str, *kinds: str) -> list[dict]:
    return [event for event in engine.exported(*kinds) if name in json.dumps(event["data"])]


def test_a_file_is_imported_through_a_running_engine_and_once(engine: Engine, tmp_path: Path) -> None:
    file = people(tmp_path / "once.csv", "once", 300)
    report = tmp_path / "refused.csv"
    done = engine.run("import", str(file), "--refused", str(report))
    assert done.returncode == 0, done.stderr
    assert "300 rows, 3 refused, 297 events recorded." in done.stdout and "Email Address" in done.stdout
    assert len(of(engine, "once", "person.updated")) == 297
    with report.open() as opened:
        refused = list(csv.DictReader(opened))
    assert [row["line"] for row in refused] == ["101", "201", "301"]
    assert refused[0]["row"] == "broken,Ann,subscribed" and "valid email" in refused[0]["reason"]
    again = engine.run("import", str(file), "--refused", str(report))
    assert "there is nothing to do" in again.stdout
    renamed = file.rename(tmp_path / "renamed.csv")
    (engine.data / "imports").rename(tmp_path / "lost")
    again = engine.run("import", str(renamed), "--refused", str(report))
    assert "0 events recorded, 297 were recorded before." in again.stdout
    assert len(of(engine, "once", "person.updated")) == 297


def test_a_rehearsal_records_nothing(engine: Engine, tmp_path: Path) -> None:
    file = people(tmp_path / "dry.csv", "rehearsed", 200)
    done = engine.run("import", str(file), "--dry-run", "--refused", str(tmp_path / "refused.csv"))
    assert done.returncode == 0 and "200 rows, 2 refused; nothing was recorded." in done.stdout
    assert not of(engine, "rehearsed") and (tmp_path / "refused.csv").exists()


def test_an_import_mails_nobody_and_a_shops_own_event_does(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "t.html").write_text("<p>Hello</p>")
    kinds = ["person.created", "person.updated", "consent.granted", "order.created"]
    definition = {
        "name": "hello",
        "trigger": {"kind": kinds},
        "once": "event",
        "lateness": "30d",
        "steps": [{"send": {"template": "hello"}}],
    }
    (tmp_path / "a.json").write_text(json.dumps(definition))
    assert (
        engine.run(
            "templates", "save", "hello", "--subject", "Hi", "--html", str(tmp_path / "t.html")
        ).returncode
        == 0
    )
    assert engine.run("automations", "apply", str(tmp_path / "a.json")).returncode == 0
    people_file = tmp_path / "quiet.csv"
    people_file.write_text(
        "email,consent,optin time\nquiet1@x.example,yes,\nquiet2@x.example,yes,2026-11-01 10:00:00\n"
    )
    orders = tmp_path / "orders.ndjson"
    orders.write_text('{"id": "quiet-1", "email": "quiet1@x.example", "total_price": 3}\n')
    assert engine.run("import", str(people_file)).returncode == 0
    assert engine.run("import", str(orders), "--what", "orders").returncode == 0
    engine.until(lambda: len(of(engine, "quiet", "consent.granted")) == 2)
    assert engine.event("customers/update", {"email": "loud@x.example"})[0] == 200
    engine.until(lambda: of(engine, "loud@x.example", "message.requested"))
    assert not of(engine, "quiet", "message.requested")


def test_consent_is_taken_with_its_proof_and_a_later_no_stays(engine: Engine, tmp_path: Path) -> None:
    """RM-11, STD-7: neither a bare yes nor an old one lifts what somebody asked for later."""
    for name in ("gone1@x.example", "gone2@x.example"):
        engine.event("newsletter/unsubscribe", {"email": name})
    engine.until(lambda: len(of(engine, "gone", "suppression.added")) == 2)
    file = tmp_path / "consent.csv"
    file.write_text(
        "email,consent,consent_at,consent_ip,confirmed_at,confirmed_ip\n"
        "gone1@x.example,yes,,,,\n"
        "gone2@x.example,yes,2020-01-01T00:00:00Z,198.51.100.7,2020-01-01T00:01:00Z,198.51.100.8\n"
        "stays@x.example,yes,2020-01-01T00:00:00Z,198.51.100.7,2020-01-01T00:01:00Z,198.51.100.8\n"
    )
    assert engine.run("import", str(file)).returncode == 0
    engine.until(lambda: of(engine, "stays@", "consent.granted"))
    (granted,) = of(engine, "stays@", "consent.granted")
    assert granted["data"] == {
        "address": "stays@x.example",
        "requested_at": 1577836800000000,
        "confirmed_at": 1577836860000000,
        "signup_ip": "198.51.100.7",
        "optin_ip": "198.51.100.8",
        "source": "import",
    }
    assert not of(engine, "gone", "consent.granted") and not of(engine, "gone", "suppression.removed")


def test_who_was_erased_is_refused(engine: Engine, tmp_path: Path) -> None:
    """RM-12, STD-7: the keyed hash recognises the address that a later file brings back."""
    engine.event("customers/create", {"id": 99, "email": "erased@x.example"})
    engine.until(lambda: engine.run("people", "erase", "erased@x.example").returncode == 0)
    file = tmp_path / "back.csv"
    file.write_text("email,name\nErased@X.example,Ann\nother@x.example,Bob\n")
    report = tmp_path / "refused.csv"
    done = engine.run("import", str(file), "--refused", str(report))
    assert "2 rows, 1 refused, 1 events recorded." in done.stdout, done.stdout + done.stderr
    assert "was erased on request" in report.read_text()
    assert not of(engine, "rased@", "person.updated")


def test_what_cannot_be_imported_is_said_in_one_line(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("colour\nblue\n")
    for command, message in (
        (("import", str(tmp_path / "none.csv")), "cannot be read"),
        (("import", str(file)), "say which column holds the address"),
        (("import", str(file), "--what", "carts"), "carts cannot be imported"),
        (("import", str(file), "--what", "orders"), "orders are imported from NDJSON"),
        (("import", str(file), "--consent", "perhaps"), "says nothing of consent"),
        (("import", str(file), "--as-of", "noon"), "noon is no date or time"),
    ):
        done = engine.run(*command)
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("running", [True, False], ids=["beside an engine", "alone"])
def test_whatever_is_killed_the_same_command_goes_on_and_nothing_comes_twice(
    launch: Launch, tmp_path: Path, running: bool
) -> None:
    engine = launch()
    if not running:
        assert engine.stop() == 0
    file = people(tmp_path / "many.csv", "many", ROWS)
    report = tmp_path / "refused.csv"
    command = ("import", str(file), "--refused", str(report), "--data", str(engine.data))
    killed = (sys.executable, "-c", KILLED, str(engine.data), str(ROWS // 10), *command)
    for _ in range(2):
        importing = subprocess.run(killed, stdout=subprocess.DEVNULL, timeout=600, check=False)
        assert importing.returncode == -signal.SIGKILL
    whole = (sys.executable, "-m", "heliograph", *command)
    done = subprocess.run(whole, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{ROWS:,} rows, {ROWS // 100:,} refused" in done.stdout, done.stdout
    counted = Counter(event["data"]["person"]["email"] for event in of(engine, "many", "person.updated"))
    assert len(counted) == ROWS - ROWS // 100 and set(counted.values()) == {1}
    with report.open() as opened:
        lines = [row["line"] for row in csv.DictReader(opened)]
    assert lines == [str(n) for n in range(101, ROWS + 2, 100)]
