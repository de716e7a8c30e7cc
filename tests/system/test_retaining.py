"""A running engine archives what is over, removes it, and an erasure finds it there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.parquet
from free_ports import free_port
from running_engine import SECONDS, Engine

from heliograph.app import chores
from heliograph.clock import SystemClock, iso

ADDRESS = "ann.archived@x.example"
DAYS = 86_400_000_000


def archived(data: Path) -> list[dict[str, object]]:
    files = sorted(data.glob("archive/*/*.parquet"))
    return [row for file in files for row in pyarrow.parquet.read_table(file).to_pylist()]


def age(data: Path, *, days: int) -> None:
    """Have everything in the journal recorded so many days earlier."""
    with closing(sqlite3.connect(data / "journal.db")) as journal, journal:
        journal.execute("UPDATE event SET recorded = recorded - ?", (days * DAYS,))


def test_an_engine_archives_and_removes_beside_its_work_and_erases_there_too(
    launch: Callable[..., Engine],
) -> None:
    """STD-7: by command at a later instant, through the running engine's journal."""
    engine = launch(HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{free_port()}")
    engine.event("customers/create", {"id": 7, "email": ADDRESS, "first_name": "Ann"})
    for number in range(20):
        engine.event("greeted", {"email": ADDRESS, "number": number})
    engine.event("newsletter/unsubscribe", {"email": ADDRESS})
    engine.until(lambda: engine.exported("suppression.added"))
    assert engine.run("retention", "run").returncode == 0
    assert archived(engine.data) == [], "for ever is the default"
    assert engine.run("accounts", "set", "retention_days=-1").returncode == 2
    assert engine.run("accounts", "set", "retention_days=30").returncode == 0
    later = iso(SystemClock().now() + 32 * DAYS)
    seen: list[str] = []

    def gone() -> bool:
        done = engine.run("retention", "run", "--now", later)
        assert done.returncode == 0, done.stderr
        seen.append(done.stdout)
        return not [one for one in engine.exported("custom") if one["data"]["name"] == "greeted"]

    engine.until(gone)
    rows = archived(engine.data)
    assert sorted(
        json.loads(str(row["data"]))["body"]["number"] for row in rows if row["kind"] == "custom"
    ) == [*range(20)]
    assert "2" in "".join(seen)
    kept = {event["kind"] for event in engine.exported()}
    assert {"template.saved", "person.created", "suppression.added"} <= kept
    shown = engine.run("retention", "status").stdout
    assert "30" in shown and "free for what comes" in shown
    engine.event("greeted", {"email": ADDRESS, "number": 99})
    assert engine.run("replay", "people").returncode == 0
    # Amid a replay nobody is known.
    engine.until(lambda: engine.run("people", "erase", ADDRESS).returncode == 0)
    assert len(archived(engine.data)) == len(rows)
    assert ADDRESS not in repr(archived(engine.data))
    for file in engine.data.glob("archive/*/*"):
        assert ADDRESS.encode() not in file.read_bytes()


def test_the_engine_does_it_by_itself(launch: Callable[..., Engine]) -> None:
    """STD-7: soon after its start; events of other years stand in its journal as if it had run then."""
    engine = launch(HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{free_port()}")
    engine.event("customers/create", {"id": 7, "email": ADDRESS})
    for number in range(5):
        engine.event("greeted", {"email": ADDRESS, "number": number})
    engine.event("customers/update", {"id": 7, "email": ADDRESS})
    engine.until(lambda: engine.exported("person.updated"))
    assert engine.run("accounts", "set", "retention_days=10").returncode == 0
    assert engine.stop() == 0
    age(engine.data, days=20)
    engine.start()
    engine.until(lambda: engine.exported("custom") == [], chores.RETAIN_AFTER + SECONDS)
    assert len([row for row in archived(engine.data) if row["kind"] == "custom"]) == 5
