"""Queues through boto3: what several receivers send, fetch and delete, in batches of ten, against moto's server.

boto3 itself takes most of the time of a call (signing, parsing) and is the same on both sides, so one client says little of
a server: `CLIENTS` processes work at once. On few cores they take most of the machine whatever the server does, and how much that
is is measured too: the same clients against `canned`, which answers at once and does nothing. No server's ratio by the clock can be
greater than that one's, so beside the rate the server's own CPU time is compared, which is what one core of it could do. moto keeps
nothing on disk and is slower the more is in flight, so the cycle is measured twice: with nothing else in the queue, which is moto at
its best, and with a thousand messages waiting.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Process, line, process, tell
from benchmarks.report import Row
from benchmarks.servers import Server, free_port, ours, running

CLIENTS = 4
SECONDS = 4.0
WARM = 1.0
"""Seconds that are not measured: boto3 reads the services' descriptions at its first call, which takes most of one."""
WAITING = 1_000
GOAL = 20

UNBOUNDED = 1_000_000_000

QUIET_MOTO = """
import logging, sys
from moto.server import main
logging.getLogger("werkzeug").setLevel(logging.WARNING)
main(sys.argv[1:])
"""


class Step(NamedTuple):
    """What all clients do at once. `waiting`: messages put into the queue before."""

    what: str
    queue: str
    task: str
    waiting: int = 0


STEPS = (
    Step("the whole cycle, nothing else in the queue", "short", "cycle"),
    Step("send", "long", "send"),
    Step("receive", "long", "receive"),
    Step("delete", "long", "delete"),
    Step(f"the whole cycle, {WAITING:,} waiting", "waiting", "cycle", WAITING),
)


CAPPED = tuple(step for step in STEPS if step.task != "send" and not step.waiting)
"""Where boto3 takes most of the time. (What is deleted has to be received before.)"""


class Pace(NamedTuple):
    """Messages per second as all clients see it, and microseconds of the server's CPU for each."""

    rate: float
    cpu: float


def through_boto3(scratch: Path) -> list[Row]:
    """Ours, moto's server, and one that does nothing, one after the other, in the same run."""
    with tempfile.TemporaryDirectory(dir=scratch) as place, ours(Path(place), only_web=True) as server:
        keys = server.keys["aws"]
        mine = _paces(server, keys["access_key_id"], keys["secret_access_key"], STEPS)
    with moto() as server:
        theirs = _paces(server, "a", "b", STEPS)
    with canned() as server:
        most = dict(zip(CAPPED, _paces(server, "a", "b", CAPPED), strict=True))
    rows = []
    for step, pace, other in zip(STEPS, mine, theirs, strict=True):
        goal = GOAL if step.task == "cycle" else None
        told = f"{pace.rate:,.0f} messages/s", f"moto {other.rate:,.0f}"
        rows.append(Row(f"{step.what}: {CLIENTS} clients", *told, pace.rate / other.rate, goal))
        if step in most:
            rows += _capped(step, pace, other, most[step])
        told = f"{pace.cpu:,.0f} us a message", f"moto {other.cpu:,.0f}"
        rows.append(Row(f"{step.what}: the server's CPU", *told, other.cpu / pace.cpu, goal))
    return rows


def _capped(step: Step, pace: Pace, other: Pace, most: Pace) -> list[Row]:
    can = f"{most.rate:,.0f} messages/s"
    return [
        Row(f"{step.what}: what boto3 can do at all", can, f"moto {other.rate:,.0f}", most.rate / other.rate),
        Row(f"{step.what}: our share of it", f"{pace.rate:,.0f} messages/s", can, pace.rate / most.rate),
    ]


def _paces(server: Server, key: str, secret: str, steps: Sequence[Step]) -> list[Pace]:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(process("queue_client", server.url, key, secret)) for _ in range(CLIENTS)
        ]
        for client in clients:
            line(client)
        _all(clients, f"first cycle {WARM} {UNBOUNDED}")
        return [_pace(server, clients, step) for step in steps]


def _pace(server: Server, clients: Sequence[Process], step: Step) -> Pace:
    if step.waiting:
        _all(clients[:1], f"{step.queue} send 60 {step.waiting}")
    clock, cpu = time.perf_counter(), server.cpu()
    done = _all(clients, f"{step.queue} {step.task} {SECONDS} {UNBOUNDED}")
    clock, cpu = time.perf_counter() - clock, server.cpu() - cpu
    return Pace(done / clock, cpu / done * 1e6)


def _all(clients: Sequence[Process], task: str) -> int:
    """How many messages they did together."""
    for client in clients:
        tell(client, task)
    return sum(int(line(client)) for client in clients)


@contextlib.contextmanager
def moto() -> Iterator[Server]:
    """moto's server, as it comes, without its log of every request."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = [sys.executable, "-c", QUIET_MOTO, "-p", str(port)]
    with running(server, url + "/moto-api/", os.environ) as process:
        yield Server("moto", url, process.pid, Path(), {})


@contextlib.contextmanager
def canned() -> Iterator[Server]:
    """A server that does nothing (`benchmarks.canned`)."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([sys.executable, "-m", "benchmarks.canned", str(port)], url, os.environ) as process:
        yield Server("canned", url, process.pid, Path(), {})
