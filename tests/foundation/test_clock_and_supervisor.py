"""Time that is turned by hand, and the process tree."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heliograph.clock import SECOND, ManualClock, from_datetime, iso, to_datetime


async def test_sleepers_wake_in_the_order_of_their_due_time() -> None:
    clock, woken = ManualClock(), []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now()))

    start = clock.now()
    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (7200, 10, 30)]
    await clock.settle()
    await clock.advance(7199)
    assert [seconds for seconds, _ in woken] == [10, 30]
    await clock.advance(1)
    assert woken == [(10, start + 10 * SECOND), (30, start + 30 * SECOND), (7200, start + 7200 * SECOND)]
    await asyncio.gather(*tasks)


def test_an_instant_survives_as_a_datetime() -> None:
    instant = 1_700_000_000_123_456
    assert from_datetime(to_datetime(instant)) == instant
    assert iso(instant) == "2023-11-14T22:13:20.123456Z"


TREE = """
import sys
from heliograph.supervisor import Part, Supervisor
beat = "import sys,time,os; from heliograph.supervisor import die_with_parent; die_with_parent(int(os.environ['HELIOGRAPH_PARENT']))\\n" \
       "open(sys.argv[1], 'a').write(str(os.getpid()) + chr(10))\\nwhile True: time.sleep(0.05)"
Supervisor([Part(n, (sys.executable, "-c", beat, sys.argv[1] + n)) for n in ("a", "b")], environ={}, grace=5).run()
"""


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def until(condition: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def tree(tmp_path: Path) -> object:
    process = subprocess.Popen([sys.executable, "-c", TREE, str(tmp_path / "p")])
    try:
        until(lambda: pids(tmp_path / "pa") and pids(tmp_path / "pb"))
        yield process
    finally:
        process.kill()  # nothing where it has ended
        process.wait()


def test_a_killed_part_is_started_again_and_the_others_stay(
    tree: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    first, other = pids(tmp_path / "pa")[0], pids(tmp_path / "pb")[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: len(pids(tmp_path / "pa")) == 2)
    assert pids(tmp_path / "pb") == [other] and alive(other)


def test_stopping_stops_every_part(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tree.send_signal(signal.SIGTERM)
    assert tree.wait(60) == 0
    assert not alive(pids(tmp_path / "pa")[0]) and not alive(pids(tmp_path / "pb")[0])


def test_the_parts_end_with_a_killed_supervisor(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tree.kill()
    until(lambda: not alive(pids(tmp_path / "pa")[0]) and not alive(pids(tmp_path / "pb")[0]))
