"""Bulk jobs on running engines: what overtakes them, and how they are run from the shell."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from running_engine import Engine

Launch = Callable[..., Engine]


class Mailbox:
    """An SMTP server that counts what each address got, and in which order."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.order: list[str] = []
        self.subjects: set[bytes] = set()
        self.last = b""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.update(envelope.rcpt_tos)
        self.order += envelope.rcpt_tos
        self.last = envelope.content
        self.subjects |= {line for line in envelope.content.split(b"\r\n") if line.startswith(b"Subject:")}
        return "250 2.0.0 Kept"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    kept = Mailbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def prepared(launch: Launch, relay: str, files: Path, **settings: str) -> Engine:
    engine = launch(HELIOGRAPH_SMTP_RELAY=relay, **settings)
    (files / "t.html").write_text("<p>Hello {{ recipient.FirstName }}</p>")
    for command in (
        ("accounts", "set", "from_address=shop@x.example"),
        (
            "templates",
            "save",
            "news",
            "--subject",
            "News for {{ recipient.FirstName }}",
            "--html",
            str(files / "t.html"),
        ),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    return engine


def call(engine: Engine, method: str, path: str, body: Any = None) -> Any:
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    if method == "GET":
        return json.loads(engine.get(path, headers)[1])
    status, answer, _ = engine.raw_post(
        path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers
    )
    assert status < 300, answer
    return json.loads(answer)


def submitted(engine: Engine, people: int, **fields: Any) -> str:
    rows = "".join(f"p{n}@x.example,Name{n},{n}\n" for n in range(people))
    upload = call(engine, "POST", "/uploads", f"EmailAddress,FirstName,RecipientId\n{rows}".encode())
    job = call(engine, "POST", "/api/v1/jobs", {"template": "news", "source": upload["source"], **fields})
    return str(job["id"])


def state(engine: Engine, job: str) -> Any:
    return call(engine, "GET", f"/api/v1/jobs/{job}")


def test_an_automations_mail_overtakes_a_running_job(
    launch: Launch, mailbox: tuple[Mailbox, str], tmp_path: Path
) -> None:
    kept, relay = mailbox
    engine = prepared(launch, relay, tmp_path)
    (tmp_path / "a.yaml").write_text(
        "name: hello\ntrigger: {kind: custom, name: greeted}\nonce: event\nsteps: [{send: {template: hello}}]\n"
    )
    (tmp_path / "h.html").write_text("<p>Hello</p>")
    saved = engine.run("templates", "save", "hello", "--subject", "Hello", "--html", str(tmp_path / "h.html"))
    assert saved.returncode == 0, saved.stderr
    assert engine.run("automations", "apply", str(tmp_path / "a.yaml")).returncode == 0
    job = submitted(engine, 20_000)
    engine.until(lambda: len(kept.got) > 200)
    assert engine.event("greeted", {"email": "ann@x.example", "FirstName": "Ann"})[0] == 200
    engine.until(lambda: kept.got["ann@x.example"])
    call(engine, "POST", f"/api/v1/jobs/{job}/cancel", {"reason": "seen enough"})
    engine.until(lambda: state(engine, job)["counts"].get("cancelled", 0) > 0)
    place = kept.order.index("ann@x.example")
    assert place < 10_000, place


def test_a_list_is_sent_from_the_shell(launch: Launch, mailbox: tuple[Mailbox, str], tmp_path: Path) -> None:
    kept, relay = mailbox
    engine = prepared(launch, relay, tmp_path, HELIOGRAPH_JOBS_FOLDER=str(tmp_path))
    (tmp_path / "terms.txt").write_text("These are the terms.")
    (tmp_path / "list.csv").write_text(
        "email,FirstName\nann@x.example,Ann\nbroken\nbob@x.example,Bob\nann@x.example,A\n"
    )
    (tmp_path / "out.csv").write_text("bob@x.example\n")
    lists = ("--to", str(tmp_path / "list.csv"), "--suppress", str(tmp_path / "out.csv"))
    enclosed = '{"attachments": [{"name": "terms.txt", "source": "file:terms.txt"}]}'
    done = engine.run("send", "news", *lists, "--options", enclosed)
    assert done.returncode == 0, done.stderr
    (file,) = message_from_bytes(kept.last, policy=default).iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("terms.txt", "These are the terms.")
    job, summary = done.stdout.split("\n")[:2]
    assert summary == "finished: 1 sent, 1 refused, 1 duplicate, 1 broken"
    assert kept.got == Counter(["ann@x.example"]) and kept.subjects == {b"Subject: News for Ann"}
    shown = json.loads(engine.run("jobs", "show", job).stdout)
    assert shown == call(engine, "GET", f"/api/v1/jobs/{job}"), "programs read the same, wherever they ask"
    assert shown["counts"]["broken"] == 1
    moments = [shown[name] for name in ("submitted_at", "started_at", "ended_at")]
    assert moments == sorted(moments) and all(datetime.fromisoformat(at).tzinfo == UTC for at in moments)
    assert engine.run("jobs", "broken", job).stdout == "3\thas 1 cells where the header has 2\n"
    lines = engine.run("jobs", "recipients", job, "--state", "refused").stdout.splitlines()
    assert [json.loads(line)["address"] for line in lines] == ["bob@x.example"]
    (sent,) = map(json.loads, engine.run("jobs", "recipients", job, "--state", "sent").stdout.splitlines())
    assert shown["started_at"] <= sent["requested_at"] <= shown["ended_at"] and sent["due_at"] is None
    table = engine.run("jobs", "recipients", job, "--csv").stdout.splitlines()
    assert [line.split(",")[:3] for line in table] == [
        ["address", "recipient_id", "state"],
        ["ann@x.example", "", "sent"],
        ["bob@x.example", "", "refused"],
        ["ann@x.example", "", "duplicate"],
    ]
    assert job in engine.run("jobs", "list").stdout
    assert engine.run("jobs", "cancel", job).returncode == 2
    failed = engine.run("send", "nothing", "--to", str(tmp_path / "list.csv"))
    assert failed.returncode == 2 and "Template Error" in failed.stderr
