"""A bulk job under kill -9, of what decides and of what sends, at any point: nobody is skipped, nobody is written to twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running_engine import Engine

from heliograph.outbound.messages.channels.places import PER_CONNECTION

Launch = Callable[..., Engine]
ROOT = Path(__file__).parent.parent.parent
PEOPLE = 20_000
KILLS = 8
CONNECTIONS = 16
"""For each of them some mails are under way, and may be in doubt after a kill of what sends."""


class Sink:
    """The SMTP sink, a process of its own that outlives every engine, and what it took."""

    def __init__(self, kept: Path, port: int) -> None:
        self.url = f"smtp://127.0.0.1:{port}"
        self._kept = kept

    def took(self) -> Counter[str]:
        """How many mails came for each address."""
        return Counter(self._kept.read_text().split()) if self._kept.exists() else Counter()

    def count(self) -> int:
        """How many mails came."""
        return self._kept.read_bytes().count(b"\n") if self._kept.exists() else 0


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    kept = tmp_path / "taken"
    command = [sys.executable, "-m", "benchmarks.sink", str(10**9), str(kept)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        yield Sink(kept, int(process.stdout.readline()))
        process.terminate()


def call(engine: Engine, path: str, body: Any = None) -> Any:
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    if body is None:
        return json.loads(engine.get(path, headers)[1])
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer, _ = engine.raw_post(path, sent, headers)
    assert status < 300, answer
    return json.loads(answer)


def doubtful(engine: Engine, job: str) -> set[str]:
    page = call(engine, f"/api/v1/jobs/{job}/recipients?state=in_doubt&limit=1000")
    return {one["address"] for one in page["recipients"]}


def submitted(engine: Engine, files: Path) -> str:
    (files / "t.html").write_text("<p>Hello {{ recipient.FirstName }}</p>")
    saving = ("templates", "save", "news", "--subject", "News", "--html", str(files / "t.html"))
    for command in (("accounts", "set", "from_address=shop@x.example"), saving):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    rows = "".join(f"p{n}@x.example,Name{n}\n" for n in range(PEOPLE))
    upload = call(engine, "/uploads", f"EmailAddress,FirstName\n{rows}".encode())
    job = call(engine, "/api/v1/jobs", {"template": "news", "source": upload["source"]})
    return str(job["id"])


def test_twenty_thousand_get_one_mail_each_whoever_is_killed_whenever(
    launch: Launch, sink: Sink, tmp_path: Path
) -> None:
    engine = launch(HELIOGRAPH_SMTP_RELAY=sink.url, HELIOGRAPH_SMTP_CONNECTIONS=str(CONNECTIONS))
    job = submitted(engine, tmp_path)
    chance = random.SystemRandom()
    moments = sorted(chance.randrange(int(PEOPLE * 0.95)) for _ in range(KILLS - 1))
    for number, wanted in enumerate((0, *moments)):  # the first while the list is read
        part = ("engine", "outbound")[number % 2]
        engine.until(lambda wanted=wanted: sink.count() >= wanted, 600)
        engine.kill(part)
    engine.until(lambda: call(engine, f"/api/v1/jobs/{job}")["state"] == "finished", 600)
    counts, doubts, took = call(engine, f"/api/v1/jobs/{job}")["counts"], doubtful(engine, job), sink.took()
    everybody = {f"p{n}@x.example" for n in range(PEOPLE)}
    assert max(took.values()) == 1, f"written to twice, killed after {moments}"
    assert took.keys() <= everybody
    assert everybody - took.keys() <= doubts, f"skipped, killed after {moments}"
    assert counts.get("in_doubt", 0) == len(doubts) <= KILLS // 2 * CONNECTIONS * PER_CONNECTION
    assert counts["sent"] + counts.get("in_doubt", 0) == PEOPLE
