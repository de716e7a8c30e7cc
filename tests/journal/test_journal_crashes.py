"""Processes are killed in the middle of their work: acknowledged means recorded, once, in order."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

import pytest
from journal_records import numbered, record

from heliograph.errors import Unavailable
from heliograph.journal import remote
from heliograph.journal.reading import open_reader
from heliograph.journal.remote import RemoteJournal
from heliograph.journal.sqlite import SqliteJournal

CHILD = Path(__file__).with_name("journal_child.py")
ROOT = Path(__file__).parents[2]
KILLS = 8


async def child(*arguments: str) -> Process:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), *arguments, stdin=PIPE, stdout=PIPE, env=environ
    )


async def lines_until_killed(process: Process, count: int) -> list[list[str]]:
    """Read so many lines, kill, and read what it still said: each line is one acknowledged append."""
    lines = [await process.stdout.readline() for _ in range(count)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [line.decode().split() for line in lines if line.endswith(b"\n")]


async def everything(data: Path) -> list[tuple[str, str]]:
    """(id, subject) of every entry, in order; that the places have no gaps is checked on the way."""
    reader = open_reader(data)
    found: list[tuple[str, str]] = []
    while entries := await reader.read(len(found), limit=5000):
        assert [entry.seq for entry in entries] == list(range(len(found) + 1, len(found) + len(entries) + 1))
        found += [(entry.id, entry.subject) for entry in entries]
    await reader.close()
    return found


def check(acknowledged: list[list[str]], found: list[tuple[str, str]]) -> None:
    """Each acknowledged append is there once, in one piece, and each caller's in the order of their making."""
    places = {one: place for place, (one, _) in enumerate(found)}
    assert len(places) == len(found), "something was recorded twice"
    last: dict[str, int] = {}
    for ids in acknowledged:
        own = [places[one] for one in ids]
        assert own == list(range(own[0], own[0] + len(ids)))
        caller = found[own[0]][1]
        assert last.get(caller, -1) < own[0]
        last[caller] = own[-1]


async def test_what_was_acknowledged_survives_being_killed_again_and_again(tmp_path: Path) -> None:
    acknowledged: list[list[str]] = []
    for round_ in range(KILLS):
        process = await child("append", str(tmp_path))
        acknowledged += await lines_until_killed(process, 37 * (round_ + 1))
    assert len(acknowledged) > 37 * KILLS
    check(acknowledged, await everything(tmp_path))
    journal = await SqliteJournal.open(tmp_path)
    head = await journal.head()
    await journal.append([record()])
    assert await journal.head() == head + 1
    await journal.close()


async def test_what_is_said_again_after_a_crash_is_still_recorded_once(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for round_ in range(KILLS // 2):
        process = await child("once", str(tmp_path), "3000")
        said = await lines_until_killed(process, 60 * (round_ + 1))
        acknowledged.update(one for ids in said for one in ids)
    times = Counter(one for one, _ in await everything(tmp_path))
    assert set(times.values()) == {1}
    assert acknowledged <= set(times)
    assert set(times) <= {numbered(number).id for number in range(3000)}


async def test_an_owner_that_is_killed_loses_nothing_its_clients_were_told(tmp_path: Path) -> None:
    owner = await child("serve", str(tmp_path))
    await owner.stdout.readline()
    clients = [await child("remote", str(tmp_path)) for _ in range(2)]
    for _ in range(3):
        for client in clients:
            for _ in range(50):
                await client.stdout.readline()
        owner.kill()
        await owner.wait()
        owner = await child("serve", str(tmp_path))
        await owner.stdout.readline()
    said = [await lines_until_killed(client, 300) for client in clients]
    owner.kill()
    await owner.wait()
    found = await everything(tmp_path)
    for acknowledged in said:
        assert len(acknowledged) >= 300
        check(acknowledged, found)


async def test_what_was_on_its_way_to_a_dead_owner_fails_and_the_next_owner_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PATIENCE", 60.0)  # however long the next owner takes to start
    owner = await child("serve", str(tmp_path))
    await owner.stdout.readline()
    journal = await RemoteJournal.connect(tmp_path)
    told: list[str] = []
    failed: list[str] = []
    under_way = asyncio.Event()

    async def caller() -> None:
        for _ in range(400):
            one = record()
            try:
                await journal.append([one])
            except Unavailable:
                failed.append(one.id)
            else:
                told.append(one.id)
            if len(told) == 500:
                under_way.set()

    callers = [asyncio.create_task(caller()) for _ in range(30)]
    await under_way.wait()
    owner.kill()
    await owner.wait()
    news = asyncio.create_task(journal.wait(10**9, 60))
    owner = await child("serve", str(tmp_path))
    await asyncio.gather(*callers)
    news.cancel()
    assert 0 < len(failed) <= 60, "only what was on its way"
    ids = [one for one, _ in await everything(tmp_path)]
    assert set(told) <= set(ids)
    assert len(set(ids)) == len(ids)
    await journal.close()
    owner.stdin.close()
    assert await owner.wait() == 0


async def test_a_full_disk_refuses_without_recording_and_recovers(tmp_path: Path) -> None:
    process = await child("full", str(tmp_path))
    output, _ = await process.communicate()
    assert process.returncode == 0
    report = json.loads(output)
    assert report["as"] == ["Unavailable"]
    assert 50 < len(report["acknowledged"]) < 950
    assert set(report["refused"]).isdisjoint(report["ids"])
    ids = [one for one in report["ids"] if one != report["repeated"]]
    assert ids == report["acknowledged"] + report["after"]
    assert report["ids"].count(report["repeated"]) == 1
    assert report["head"] == len(report["acknowledged"]) + 1
