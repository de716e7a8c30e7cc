"""The process tree of one machine: starts the parts, restarts what died, stops them in order.

The parts are commands of our own (`serve --only web`), so that each can also be run alone by another
supervisor. A child that is killed comes back; nothing acknowledged is lost by that, because what was
acknowledged is on disk. If this process itself is killed the children end too (`die_with_parent`), and
whoever supervises us starts the tree again.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

log = logging.getLogger("heliograph.supervisor")

BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a child is started again, by how often it died young."""
YOUNG = 10.0
"""Seconds: a child that lived longer did not die of its own start."""
PARENT = "HELIOGRAPH_PARENT"
"""The variable that tells a child who started it."""
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One child: its name and its command line."""

    name: str
    command: Sequence[str]


@dataclass(slots=True)
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = field(default=0.0)


class Supervisor:
    """Runs parts until SIGTERM or SIGINT. `parts` are started in this order and stopped in reverse."""

    def __init__(self, parts: Sequence[Part], *, environ: Mapping[str, str], grace: float) -> None:
        self._children = [_Child(part) for part in parts]
        self._environ = dict(environ)
        self._grace = grace
        self._stopping = False

    def run(self) -> None:
        """Start everything, keep it running, return after everything has stopped."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self._stopping:
            for child in self._children:
                self._look_after(child)
            time.sleep(0.05)
        for child in reversed(self._children):
            self._end(child)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child, now)
            return
        status = child.process.poll()
        if status is None:
            return
        child.deaths = child.deaths + 1 if now - child.started < YOUNG else 0
        wait = BACKOFF[min(child.deaths, len(BACKOFF) - 1)]
        log.warning(
            "a process ended; starting it again",
            extra={"part": child.part.name, "status": status, "wait": wait},
        )
        child.process, child.due = None, now + wait

    def _start(self, child: _Child, now: float) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - our own command line
            child.part.command,
            env={**self._environ, PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        child.started = now
        log.info("started", extra={"part": child.part.name, "pid": child.process.pid})

    def _end(self, child: _Child) -> None:
        if child.process is None or child.process.poll() is not None:
            return
        child.process.send_signal(signal.SIGTERM)
        try:
            child.process.wait(self._grace)
        except subprocess.TimeoutExpired:
            log.warning("did not stop in time; killed", extra={"part": child.part.name})
            child.process.kill()
            child.process.wait()
        log.info("stopped", extra={"part": child.part.name})


def die_with_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the process `parent`, which started us, ends however it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we asked
            os.kill(os.getpid(), signal.SIGTERM)
