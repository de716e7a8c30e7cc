"""What measuring read times costs: opens per CPU-second with it and without, and very many readers at once.

The readers are sockets of this process, each a mail that is opened, looked at for a random time and left. The truth is
what this process saw; what was measured is the distance from `message.opened` to the end that `message.read` tells.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import resource
import socket
import statistics
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import uvloop

from benchmarks.http import place
from benchmarks.machine import memory_mb
from benchmarks.report import Row
from benchmarks.samples import AGENT
from benchmarks.servers import Server, ours
from heliograph.accounts.directory import load_directory
from heliograph.database import open_state
from heliograph.events.engagement import MessageOpened, MessageRead
from heliograph.events.event import SECOND, Entry, new_id
from heliograph.inbound.tracking.readtime.measuring import OTHER_FILES
from heliograph.journal.file_reader import FileReader
from heliograph.refs import MessageRef, Refs

OPENS = 6_000
"""Opens that are left at once, for the cost of one."""
READERS = 32
"""Connections at once for those."""

HELD = 20_000
OPENED_IN = 16.0
"""Seconds in which all of them are opened; each stays for longer than that, so that all are there together."""
STAYS = (17.0, 19.8)


class Stay(NamedTuple):
    """One reader: the message, when it was asked for and left, by this process's monotonic clock."""

    message: str
    asked: float
    left: float


def cost(scratch: Path) -> list[Row]:
    """The same opens, measured and not; each reader leaves with the first bytes."""
    figures = {}
    for name, held in (("off", "0"), ("on", str(HELD))):
        with place(scratch) as here, ours(here, only_web=True, held_opens=held) as server:
            before, start = server.cpu(), time.perf_counter()
            uvloop.run(_come_and_go(server))
            took, used = time.perf_counter() - start, server.cpu() - before
            figures[name] = OPENS / used
            if name == "off":
                off = f"{OPENS / took:,.0f}/s, {OPENS / used:,.0f} per CPU-s"
    on = f"{OPENS / took:,.0f}/s, {OPENS / used:,.0f} per CPU-s"
    return [Row("opens, a connection each, read time on", on, f"off: {off}", figures["on"] / figures["off"])]


def held(scratch: Path) -> list[Row]:
    """As many readers at once as one worker holds, or as this process may have files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    number = HELD if hard == resource.RLIM_INFINITY else min(HELD, hard - 2 * OTHER_FILES)
    with place(scratch) as here, ours(here, only_web=True, held_opens=str(number)) as server:
        workers = sorted(set(server.pids("web")))
        uvloop.run(_come_and_go(server))  # what a worker needs once is not counted
        before = sum(map(memory_mb, workers))
        used = server.cpu("web")
        stays, peak = _stay(server, number, workers)
        used = server.cpu("web") - used
        reads = asyncio.run(_told(server, number + OPENS))
    errors, unknown = _errors(reads, stays)
    quantiles = statistics.quantiles(errors, n=1000)
    name = f"{number:,} held opens in one worker"
    fewer = "" if number == HELD else f" (of {HELD:,}: {hard:,} files are allowed here)"
    return [
        Row(
            f"{name}{fewer}: memory of each",
            f"{(peak - before) * 1024 / number:.1f} kB, {peak:.0f} MB in all",
        ),
        Row(f"{name}: CPU of the worker", f"{used / number * 1000:.2f} ms an open"),
        Row(f"{name}: without a read time", f"{unknown}", value=unknown, goal=0, goal_is_most=True),
        Row(
            f"{name}: error of the measured seconds",
            f"p50 {quantiles[499]:.3f} s, p99 {quantiles[989]:.3f} s, worst {max(errors):.3f} s",
            value=quantiles[989],
            goal=0.5,
            goal_is_most=True,
        ),
    ]


def _errors(entries: list[Entry], stays: list[Stay]) -> tuple[list[float], int]:
    """By how much each was off, and how many are not known."""
    began = {
        json.loads(entry.data)["message"]: entry.at for entry in entries if entry.kind == MessageOpened.kind
    }
    ended = {}
    for entry in entries:
        data = json.loads(entry.data)
        if entry.kind == MessageRead.kind and data["seconds"] >= 0:
            ended[data["message"]] = entry.at
    errors = [
        abs((ended[stay.message] - began[stay.message]) / SECOND - (stay.left - stay.asked))
        for stay in stays
        if stay.message in ended
    ]
    return errors, len(stays) - len(errors)


async def _come_and_go(server: Server) -> None:
    asks = iter([request for _, request in _requests(server, OPENS)])

    async def reader() -> None:
        host, port = _place(server)
        for request in asks:
            reading, writing = await asyncio.open_connection(host, port)
            writing.write(request)
            await reading.read(64)
            writing.close()

    await asyncio.gather(*(reader() for _ in range(READERS)))


def _stay(server: Server, number: int, workers: list[int]) -> tuple[list[Stay], float]:
    """Everybody opens, stays and leaves; the worker's memory when all are there. Sockets and a list of what is to be
    done when: a client that is slow itself would be measured instead."""
    dice = random.Random(7)  # noqa: S311 - a sample
    there: dict[str, tuple[float, socket.socket]] = {}
    stays: list[Stay] = []
    peak, start = 0.0, time.monotonic()
    plan = [
        (n / number * OPENED_IN, message, request)
        for n, (message, request) in enumerate(_requests(server, number))
    ]
    heapq.heapify(plan)
    while plan:
        due, message, request = heapq.heappop(plan)
        time.sleep(max(0.0, start + due - time.monotonic()))
        if message in there:
            asked, connection = there.pop(message)
            peak = peak or sum(map(memory_mb, workers))  # nobody leaves before all are there
            if not connection.recv(64).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("an open was not answered")
            stays.append(Stay(message, asked, time.monotonic()))
            connection.close()
        else:
            connection = socket.create_connection(_place(server), timeout=30)
            there[message] = time.monotonic(), connection
            connection.sendall(request)
            heapq.heappush(plan, (due + dice.uniform(*STAYS), message, b""))
    return stays, peak


async def _told(server: Server, number: int) -> list[Entry]:
    """Everything of all opens, when each has been told of."""
    reader = FileReader(server.data)
    kinds = frozenset((MessageOpened.kind, MessageRead.kind))
    async with asyncio.timeout(60):
        while True:
            entries = await asyncio.to_thread(reader.read, 0, kinds, 4 * number)
            if sum(entry.kind == MessageRead.kind for entry in entries) >= number:
                return entries
            await asyncio.sleep(0.5)


def _requests(server: Server, number: int) -> list[tuple[str, bytes]]:
    refs = Refs(load_directory(open_state(server.data, read_only=True)).master)
    host, port = _place(server)
    made = []
    for _ in range(number):
        message = new_id(time.time_ns() // 1000)
        token = refs.open(MessageRef(server.keys["account"], message, None))
        lines = (f"GET /o/{token}.gif HTTP/1.1", f"Host: {host}:{port}", f"User-Agent: {AGENT}", "", "")
        made.append((message, "\r\n".join(lines).encode()))
    return made


def _place(server: Server) -> tuple[str, int]:
    split = urlsplit(server.url)
    return str(split.hostname), int(split.port or 80)
