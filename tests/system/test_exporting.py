"""Exports of a whole engine, beside it: what leaves one engine is what another one takes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from running_engine import Engine

Launch = Callable[..., Engine]

KEPT = ("id", "email", "sms_phone_number_e164", "first_name", "accepts_marketing", "suppressions", "tags")
PROOF = ("consent_at", "consent_ip", "confirmed_at", "confirmed_ip")


def people(engine: Engine) -> list[dict]:
    done = engine.run("export", "people")
    assert done.returncode == 0, done.stderr
    return sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda row: row["email"])


def test_what_one_engine_exports_another_one_imports(launch: Launch, tmp_path: Path) -> None:
    """People with consent and its proof, suppressions and orders come over; the next export says the same."""
    old = launch()
    file = tmp_path / "people.csv"
    file.write_text(
        "email,id,first_name,phone,tags,status,optin time,optin ip,confirm time,confirm ip\n"
        'ann@x.example,007,=Ann,+12025550137,"vip,new",subscribed,2021-01-01 00:00:00,198.51.100.7,2021-01-01 00:01:00,198.51.100.8\n'
        "bob@x.example,8,Bob,,,unsubscribed,,,,\n"
        "cyd@x.example,9,Cyd,,,cleaned,,,,\n"
        "dan@x.example,10,Dan,,,,,,,\n"
    )
    assert old.run("import", str(file)).returncode == 0
    old.event(
        "orders/create",
        {"id": "o1", "email": "ann@x.example", "total_price": "9.50", "created_at": "2022-01-01"},
    )
    old.until(lambda: len(old.exported("suppression.added")) == 2 and old.exported("consent.granted"))
    old.until(
        lambda: [row["suppressions"] for row in people(old)] == [[], ["unsubscribed"], ["hard_bounce"], []]
    )
    new = launch()
    for what, suffix in (("people", "csv"), ("suppressions", "csv.gz"), ("orders", "ndjson")):
        moved = tmp_path / f"{what}.{suffix}"
        assert old.run("export", what, str(moved)).returncode == 0
        done = new.run("import", str(moved), "--what", what)
        assert done.returncode == 0 and " 0 refused" in done.stdout, done.stdout + done.stderr
    before, wanted = people(old), [[], ["unsubscribed"], ["hard_bounce"], []]
    new.until(lambda: [row["suppressions"] for row in people(new)] == wanted and people(new)[0]["consent_at"])
    after = people(new)
    assert [[row[name] for name in KEPT] for row in after] == [[row[name] for name in KEPT] for row in before]
    assert [after[0][name] for name in PROOF] == [before[0][name] for name in PROOF]
    assert before[0]["confirmed_ip"] == "198.51.100.8" and before[0]["first_name"] == "=Ann"
    new.until(lambda: new.run("export", "orders").stdout)
    (moved_order,) = [json.loads(line) for line in new.run("export", "orders").stdout.splitlines()]
    assert moved_order["document"]["total_price"] == "9.50" and moved_order["total"] == 9.5


def test_events_are_exported_beside_a_running_engine_in_every_format(launch: Launch, tmp_path: Path) -> None:
    engine = launch()
    engine.event("customers/create", {"id": 1, "email": "a@x.example"})
    for suffix in ("csv", "parquet", "ndjson.gz"):
        done = engine.run("export", "events", str(tmp_path / f"e.{suffix}"), "--kind", "person.created")
        assert done.returncode == 0 and (tmp_path / f"e.{suffix}").stat().st_size, done.stderr
    (row,) = csv.DictReader(io.StringIO((tmp_path / "e.csv").read_text()))
    assert (
        json.loads(row["data"])["person"]["email"] == "a@x.example"
        and row["account"] == engine.keys["account"]
    )
    assert engine.run("export", "events", "--since", "2999-01-01").stdout == ""
    assert engine.run("export", "events", "--account", "1").returncode == 2
    command = [sys.executable, "-m", "heliograph", "export", "events", "--data", str(engine.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as exporting:
        assert exporting.stdout is not None and exporting.stderr is not None
        exporting.stdout.close()  # whoever reads it has read enough
        assert exporting.stderr.read() == b""
