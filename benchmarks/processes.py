"""Programs beside the server: modules of this package in processes of their own, told and asked line by line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

Process = subprocess.Popen[str]


@contextlib.contextmanager
def process(module: str, *arguments: str) -> Iterator[Process]:
    """`benchmarks.MODULE`, until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()


def tell(to: Process, text: str) -> None:
    """Write it a line."""
    assert to.stdin is not None
    to.stdin.write(f"{text}\n")
    to.stdin.flush()


def line(of: Process) -> str:
    """The next line that it writes."""
    assert of.stdout is not None
    return of.stdout.readline()


def last(of: Process) -> str:
    """What it writes when nothing more comes in."""
    assert of.stdin is not None
    of.stdin.close()
    return line(of)
