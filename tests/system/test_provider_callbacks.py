"""A provider's callback at a whole engine: set up by command, verified, followed, undone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    running = Engine(tmp_path / "data", 1, {"HELIOGRAPH_BOUNCE_RULES": str(rules(tmp_path))})
    running.start()
    yield running
    running.stop()


def rules(folder: Path) -> Path:
    file = folder / "bounces.toml"
    file.write_text("[[rule]]\nname = 'ours'\ncode = 52\ntext = ['no thanks']\n")
    return file


def test_a_complaint_at_a_provider_suppresses_and_an_operator_undoes_it(
    engine: Engine, tmp_path: Path
) -> None:
    """MG-8"""
    path = f"/receipts/postmark/{engine.keys['store_id']}"
    complaint: dict[str, Any] = {"RecordType": "SpamComplaint", "ID": 9, "Email": "Ann@X.example"}
    headers = {"authorization": "Basic " + base64.b64encode(b"post:mark").decode()}

    def call() -> tuple[int, Any]:
        return engine.post(path, json.dumps(complaint).encode(), headers)

    assert call()[0] == 401
    secret = tmp_path / "secret"
    secret.write_text("post:mark\n")
    made = engine.run("keys", "add", "receipts", "--login", "postmark", "--secret-from", str(secret))
    assert made.returncode == 0 and "post:mark" not in made.stdout + engine.run("keys", "list").stdout
    engine.until(lambda: call()[0] == 200)
    assert call() == (200, {"status": "ok"})
    engine.until(lambda: engine.exported("suppression.added"))
    (told,) = engine.exported("message.complained")
    assert told["data"]["source"] == "postmark" and len(engine.exported("suppression.added")) == 1

    engine.until(lambda: "spam_complaint" in engine.run("suppressions", "show", "ann@x.example").stdout)
    lifted = engine.run("suppressions", "lift", "ann@x.example", "spam_complaint", "--because", "a mistake")
    assert lifted.returncode == 0
    engine.until(lambda: "spam" not in engine.run("suppressions", "show", "ann@x.example").stdout)
    assert engine.run("suppressions", "lift", "ann@x.example", "unsubscribed").returncode != 0

    explained = engine.run("bounces", "explain", "550 5.7.1 no thanks").stdout
    assert "Spam Content" in explained and "ours" in explained
