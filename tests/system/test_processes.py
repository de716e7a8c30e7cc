"""The process tree: nothing acknowledged is lost, whoever is killed; what died comes back; stopping is clean."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import pytest
from running_engine import SECONDS, Engine, free_port

Launch = Callable[..., Engine]


class Sender(threading.Thread):
    """A shop that sends orders without a pause and notes which were acknowledged."""

    def __init__(self, engine: Engine, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._engine = engine
        self._over = threading.Event()
        self.acknowledged: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            order = f"{self.name}-{number}"
            try:
                status, answer = self._engine.event(
                    "orders/create", {"id": order, "email": f"{self.name}@x.example"}
                )
            except (OSError, HTTPException, ValueError):
                continue  # whoever was killed answers nothing, half of it, or what is no JSON
            if status == 200:
                self.acknowledged.append(answer["id"])

    def end(self) -> list[str]:
        self._over.set()
        self.join(SECONDS)
        return self.acknowledged


@pytest.mark.parametrize(
    ("workers", "parts"), [(1, ["web", "engine", "outbound"]), (2, ["web", "journal", "engine", "outbound"])]
)
def test_whoever_is_killed_nothing_acknowledged_is_lost(
    launch: Launch, workers: int, parts: list[str]
) -> None:
    engine = launch(workers=workers)
    senders = [Sender(engine, f"shop{n}") for n in range(4)]
    for sender in senders:
        sender.start()
    for part in parts * 2:
        before = len(senders[0].acknowledged)
        engine.until(lambda before=before: len(senders[0].acknowledged) > before + 20)
        dead = engine.kill(part)
        engine.until(lambda part=part, dead=dead: set(engine.pids(part)) - {dead} and engine.ready())
    acknowledged = [one for sender in senders for one in sender.end()]
    recorded = [event["id"] for event in engine.exported("order.created")]
    assert len(set(recorded)) == len(recorded), "nothing is recorded twice"
    assert set(acknowledged) <= set(recorded) and len(acknowledged) > 100
    orders = {event["data"]["order"]["id"] for event in engine.exported("order.created")}
    for sender in senders:
        places = [int(order.split("-")[1]) for order in orders if order.startswith(sender.name + "-")]
        assert len(places) >= len(sender.acknowledged)


def test_stopping_is_clean_and_the_next_start_goes_on(launch: Launch) -> None:
    engine = launch()
    assert engine.event("customers/create", {"id": 1, "email": "a@x.example"})[0] == 200
    account = engine.keys["account"]
    assert engine.stop() == 0
    assert not any(engine.pids(part) for part in ("web", "engine", "outbound"))
    assert not (engine.data / "state.db-wal").exists(), "what was erased lies in no log"
    assert [event["kind"] for event in engine.exported("person.created")] == ["person.created"], (
        "also while stopped"
    )
    engine.start()
    assert engine.keys["account"] == account, "the first start is made once"
    assert engine.event("customers/create", {"id": 2, "email": "b@x.example"})[0] == 200
    assert len(engine.exported("person.created")) == 2


def test_a_second_serve_on_the_same_data_is_refused_at_once(launch: Launch) -> None:
    engine = launch()
    assert engine.process is not None
    holder = f"process {engine.process.pid}"
    for command in ((), ("--only", "engine"), ("--only", "web"), ("--listen", f"127.0.0.1:{free_port()}")):
        done = engine.run("serve", *command)
        assert done.returncode == 1, command
        assert f"{engine.data} is being served already: {holder} since" in done.stderr
    checked = engine.run("check")
    assert checked.returncode == 0 and f"Being served by {holder}" in checked.stdout
    assert engine.run("tail", "--no-follow").returncode == 0, "what works beside an engine goes on working"


def test_two_of_one_part_are_refused_and_parts_alone_keep_a_whole_serve_away(launch: Launch) -> None:
    engine = launch()
    engine.stop()
    alone = engine.begin("serve", "--only", "journal")
    try:
        engine.until(lambda: _listens(engine.data / "journal.sock"))
        done = engine.run("serve", "--only", "journal")
        assert done.returncode == 1 and f"is being written by process {alone.pid}" in done.stderr
        done = engine.run("serve")
        assert done.returncode == 1 and "parts that run alone" in done.stderr
    finally:
        alone.terminate()
        assert alone.wait(SECONDS) == 0
    engine.start()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_who_was_killed_holds_nothing_and_what_he_left_has_ended_before_the_next_begins(
    launch: Launch,
) -> None:
    engine = launch()
    assert engine.process is not None
    (old,) = engine.pids("web")
    os.kill(old, signal.SIGSTOP)  # so it cannot see yet that its supervisor is no more
    engine.process.kill()
    engine.process.wait()
    engine.process = engine.begin("serve")
    engine.until(lambda: b"waiting for them" in engine.log.read_bytes())
    assert engine.pids("web") == [old]
    os.kill(old, signal.SIGCONT)
    engine.until(lambda: engine.pids("web") and old not in engine.pids("web"))
    engine.until(engine.ready)
    assert engine.event("orders/create", {"id": 1, "email": "a@x.example"})[0] == 200


def test_what_flags_say_reaches_every_process(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "by-flags", 2, {}, by_flags=True)
    engine.start()
    try:
        engine.until(lambda: len(engine.pids("web")) == 2)
        assert len(engine.pids("journal")) == 1
        assert engine.event("orders/create", {"id": 1, "email": "a@x.example"})[0] == 200
    finally:
        assert engine.stop() == 0


def test_every_worker_answers_and_all_share_one_journal(launch: Launch) -> None:
    engine = launch(workers=2)
    engine.until(lambda: len(engine.pids("web")) == 2)
    for number in range(40):
        assert engine.event("orders/create", {"id": number, "email": "a@x.example"})[0] == 200
    assert {event["data"]["order"]["id"] for event in engine.exported("order.created")} == set(range(40))
