"""Erasing a person of a running engine: nothing of them stays in any file, and they are not mailed again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from free_ports import free_port
from running_engine import Engine, bytes_of

ADDRESS = "ann.erasable@x.example"


def files_with(data: Path, word: str) -> list[str]:
    return [path.name for path in data.glob("*.db*") if word.encode() in bytes_of(path)]


def test_an_erased_person_is_in_no_file_and_stays_suppressed_by_a_keyed_hash(
    launch: Callable[..., Engine], tmp_path: Path
) -> None:
    """RM-12, STD-7"""
    engine = launch(HELIOGRAPH_SMTP_RELAY=f"smtp://127.0.0.1:{free_port()}")
    (tmp_path / "t.html").write_text("<p>Hello</p>")
    (tmp_path / "a.yaml").write_text(
        "name: hello\ntrigger: {kind: custom, name: greeted}\nonce: event\nsteps: [{send: {template: hello}}]\n"
    )
    assert engine.run("accounts", "set", "from_address=shop@x.example").returncode == 0
    assert (
        engine.run(
            "templates", "save", "hello", "--subject", "Hi", "--html", str(tmp_path / "t.html")
        ).returncode
        == 0
    )
    assert engine.run("automations", "apply", str(tmp_path / "a.yaml")).returncode == 0
    engine.event("customers/create", {"id": 7, "email": ADDRESS, "first_name": "Ann"})
    engine.event("orders/create", {"id": 1, "email": ADDRESS, "total_price": 9})
    engine.event("newsletter/unsubscribe", {"email": ADDRESS})
    engine.until(lambda: engine.exported("suppression.added"))
    assert files_with(engine.data, ADDRESS)
    done = engine.run("people", "erase", ADDRESS)
    assert done.returncode == 0 and "redacted" in done.stdout, done.stderr
    assert engine.run("people", "erase", "nobody@x.example").returncode == 2
    kept = [
        event["data"]
        for event in engine.exported("suppression.added")
        if event["data"].get("type") == "deleted"
    ]
    assert len(kept) == 1 and kept[0]["address"].startswith("hash:")
    engine.until(lambda: "journal.db" not in files_with(engine.data, ADDRESS))
    assert engine.stop() == 0
    assert files_with(engine.data, ADDRESS) == []
    engine.start()
    engine.event("greeted", {"email": ADDRESS})
    engine.until(lambda: engine.exported("message.suppressed"))
    refusal = engine.exported("message.suppressed")[0]["data"]
    assert refusal["suppression"] == "deleted" and refusal["code"] == 25
