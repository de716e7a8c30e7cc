"""What every process of the tree does first: take the settings over, end with its parent, say who it is in logs.

The parts are modules that are run (`python -m heliograph.app.web`), so that each process loads what it needs and
no more. They get their settings from the process that starts them.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from heliograph.app import occupancy
from heliograph.errors import OperatorError
from heliograph.logs import configure
from heliograph.settings import Settings, from_environment, to_environment
from heliograph.supervisor import PARENT, die_with_parent

MODULES = {
    "web": "heliograph.app.web",
    "engine": "heliograph.app.engine",
    "outbound": "heliograph.app.outbound",
    "journal": "heliograph.app.writer",
    "mail": "heliograph.app.mail",
}
PRIVATE = 0o077
"""The umask: what lies in a data directory is its owner's alone."""
GC_THRESHOLD = 20_000
"""Objects that may come before the collector looks; Python's 700 cost a few per cent of every request."""
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
METRICS = "metrics"
"""Directory, below the data, of the figures that the processes share for `/metrics`."""


def command(name: str) -> tuple[str, ...]:
    """The command line of a part."""
    return (sys.executable, "-m", MODULES[name])


def environment(settings: Settings) -> dict[str, str]:
    """What a part finds in its environment: the settings, and where figures are shared.

    The library of the metrics reads its place when it is loaded, so it must be known before."""
    directory = Path(settings.data).resolve() / METRICS
    if not (directory.parent / "state.db").exists():
        raise OperatorError(f"{settings.data} was never started: `heliograph serve` makes it")
    directory.mkdir(exist_ok=True)
    return {**to_environment(settings), METRICS_VARIABLE: str(directory)}


def calm_collector() -> None:
    """Once everything is loaded: what is here stays, so the garbage collector need not look at it again.

    With Python's own thresholds it stops a process for tens of milliseconds every few seconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)


class Room(Protocol):
    """What a part runs until it is stopped."""

    async def run(self) -> None:
        """Work until `stop`."""
        ...

    async def stop(self) -> None:
        """End what was begun."""
        ...


def told_to_stop() -> asyncio.Event:
    """Set when this process is told to end: SIGTERM, or SIGINT from a shell."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    return told


async def until_stopped(room: Room) -> None:
    """Have a room work until this process is told to stop, or it ends by itself."""
    told = told_to_stop()
    calm_collector()
    running, waiting = asyncio.ensure_future(room.run()), asyncio.ensure_future(told.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await room.stop()
    await running


def run(name: str, work: Callable[[Settings], None]) -> None:
    """Be a part: `work` runs until SIGTERM. An operator's mistake is one line and its status."""
    os.umask(PRIVATE)
    settings = from_environment()
    if os.environ.get(PARENT):
        die_with_parent(int(os.environ[PARENT]))
    occupancy.be_alive(settings)
    configure(settings.log_level, settings.log_format, name)
    try:
        work(settings)
    except OperatorError as error:
        print(f"heliograph {name}: {error}", file=sys.stderr)
        sys.exit(error.status)
