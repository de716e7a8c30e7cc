"""Sent means once: a process is killed while it sends."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mail_world import World

from heliograph.journal.sqlite import SqliteJournal

CHILD = Path(__file__).parent / "sending_child.py"


async def child(data: Path, url: str, attempt: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, CHILD, data, url, str(attempt),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


async def kinds(data: Path) -> list[str]:
    journal = await SqliteJournal.open(data)
    entries = await journal.read(0)
    await journal.close()
    return [entry.kind.removeprefix("message.") for entry in entries]


async def test_a_process_killed_while_sending_leaves_a_doubt_and_never_a_second_mail(
    world: World, tmp_path: Path
) -> None:
    async with asyncio.timeout(60):
        first = await child(tmp_path, world.url, 1)
        await world.stuck.wait()  # the content is handed over; the answer never comes
        first.kill()
        await first.wait()
        assert await kinds(tmp_path) == ["requested", "attempted"]
        second = await child(tmp_path, world.url, 1)
        said, _ = await second.communicate()
    assert said.decode().split() == ["Refused"]
    assert await kinds(tmp_path) == ["requested", "attempted", "in_doubt"]
    assert world.commands.count("RCPT") == 1
