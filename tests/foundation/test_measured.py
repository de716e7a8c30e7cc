"""The figures of many processes: what was counted stays, what a process says of itself ends with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.app.measured import Figures
from heliograph.app.part import METRICS_VARIABLE

PROCESS = """
from prometheus_client import Counter, Gauge
Counter("done", "Done.").inc()
Gauge("waiting", "Waiting.", multiprocess_mode="livemax").set({waiting})
Gauge("seen", "Seen.", multiprocess_mode="liveall").set({waiting})
print("said", flush=True)
input()
"""


class Said:
    """A process that counted one thing and says how many wait, until it is killed."""

    def __init__(self, directory: Path, waiting: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS.format(waiting=waiting)],
            env={**os.environ, METRICS_VARIABLE: str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == b"said\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Said]]:
    started = [Said(tmp_path, 3), Said(tmp_path, 500)]
    yield started
    for one in started:
        one.kill()


def figures(directory: Path) -> dict[str, list[float]]:
    return {
        metric.name: [sample.value for sample in metric.samples] for metric in Figures(directory).collect()
    }


def test_what_was_counted_outlives_its_process_and_what_it_said_of_itself_does_not(
    tmp_path: Path, processes: list[Said]
) -> None:
    found = figures(tmp_path)
    assert (found["done"], found["waiting"], sorted(found["seen"])) == ([2.0], [500.0], [3.0, 500.0])
    processes[1].kill()
    assert figures(tmp_path) == {"done": [2.0], "waiting": [3.0], "seen": [3.0]}


def test_a_file_that_is_just_being_made_says_nothing(tmp_path: Path, processes: list[Said]) -> None:
    for name in (f"gauge_livemax_{os.getpid()}.db", f"counter_{os.getpid()}.db"):
        (tmp_path / name).touch()
    assert figures(tmp_path)["waiting"] == [500.0]
