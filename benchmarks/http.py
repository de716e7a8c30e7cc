"""Durable HTTP: pixels, clicks, orders and batches, against the plain app and nginx, per CPU-second of the server."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import load, samples
from benchmarks.load import Ask
from benchmarks.machine import memory_mb
from benchmarks.report import Row
from benchmarks.servers import Server, nginx, ours, plain

SECONDS = 5.0


class Figure(NamedTuple):
    """Requests per second, and per second of the server's CPU."""

    rate: float
    per_cpu: float
    p99: float
    errors: int

    def mean(self, other: Figure) -> Figure:
        """The middle of two runs."""
        return Figure(
            (self.rate + other.rate) / 2,
            (self.per_cpu + other.per_cpu) / 2,
            max(self.p99, other.p99),
            self.errors + other.errors,
        )

    def __str__(self) -> str:
        wrong = f", {self.errors} ERRORS" if self.errors else ""
        return f"{self.rate:,.0f}/s, {self.per_cpu:,.0f} per CPU-s, p99 {self.p99:.1f} ms{wrong}"


def measure(server: Server, asks: list[Ask], directory: Path, *, connections: int, part: str = "") -> Figure:
    """A short warm-up, then `SECONDS` of load."""
    load.run(server.url, asks, directory, connections=connections, seconds=1)
    before = server.cpu(part)
    result = load.run(server.url, asks, directory, connections=connections, seconds=SECONDS)
    used = server.cpu(part) - before
    return Figure(result.rate, result.rate * SECONDS / used, result.p99, result.errors)


def against_references(scratch: Path) -> list[Row]:
    """Pixels, clicks and orders, one per request: ours, the plain app's, and for pixels nginx's."""
    asked = {"pixel": samples.pixels, "click": samples.clicks, "order": samples.orders}
    figures: dict[tuple[str, str, int], Figure] = {}
    with place(scratch) as here, plain(here) as server:
        for name, made in asked.items():
            # Twice as long as the others: the reference is what every ratio stands on.
            first, second = (measure(server, made(server, 500), here, connections=64) for _ in range(2))
            figures["plain", name, 64] = first.mean(second)
    with place(scratch) as here, nginx(here) as other:
        if other is not None:
            for connections in (64, 256):
                asks = samples.pixels(other, 500)
                figures["nginx", "pixel", connections] = measure(other, asks, here, connections=connections)
    with place(scratch) as here, ours(here, only_web=True, held_opens="0") as server:
        for name, made in asked.items():
            for connections in (64, 256):
                figures["ours", name, connections] = measure(
                    server, made(server, 2000), here, connections=connections
                )
        memory = max(memory_mb(pid) for pid in server.pids())
    return [
        *_rows(figures),
        Row(
            "memory of a worker after 256 connections",
            f"{memory:.0f} MB",
            goal=150,
            goal_is_most=True,
            value=memory,
        ),
    ]


def batches(scratch: Path) -> list[Row]:
    """Batches of 1,000 orders, alone and with small requests beside them."""
    with place(scratch) as here, ours(here, only_web=True, held_opens="0") as server:
        alone = load.run(
            server.url, samples.batches(server, 8), here, connections=4, seconds=SECONDS, name="batch"
        )
        beside = load.start(
            server.url, samples.batches(server, 8), here, connections=4, seconds=SECONDS, name="batch"
        )
        small = load.run(
            server.url, samples.orders(server, 500), here, connections=8, seconds=SECONDS - 1, name="small"
        )
        mixed = load.finish(beside)
    return [
        Row(
            "batches of 1,000 orders",
            f"{alone.rate * 1000:,.0f} events/s, {alone.errors} errors",
            goal=40_000,
            value=alone.rate * 1000,
        ),
        Row(
            "one order per request beside batches",
            f"p99 {small.p99:.1f} ms at {small.rate:,.0f}/s ({mixed.rate * 1000:,.0f} batch events/s)",
            goal=100,
            goal_is_most=True,
            value=small.p99,
        ),
    ]


def two_workers(scratch: Path) -> list[Row]:
    """Two workers and the writer process, with everything else of the tree running too."""
    rows = []
    with place(scratch) as here, ours(here, workers=2, held_opens="0") as server:
        for name, made in (("pixel", samples.pixels), ("order", samples.orders)):
            figure = measure(server, made(server, 2000), here, connections=256)
            rows.append(Row(f"{name}, 2 workers, whole tree, 256 connections", str(figure)))
    return rows


def _rows(figures: dict[tuple[str, str, int], Figure]) -> list[Row]:
    rows = []
    goals = {"pixel": 40.0, "click": 40.0, "order": 25.0}
    for (who, name, connections), figure in figures.items():
        if who != "ours":
            rows.append(Row(f"{name}, {who}, {connections} connections", str(figure)))
            continue
        reference = figures["plain", name, 64]
        rows.append(
            Row(
                f"durable {name}, {connections} connections",
                str(figure),
                "plain app, per CPU-s",
                figure.per_cpu / reference.per_cpu,
                goals[name],
            )
        )
        other = figures.get(("nginx", name, connections))
        if other is not None:
            ratio = figure.per_cpu / other.per_cpu
            rows.append(
                Row(f"durable {name}, {connections} connections", "", "nginx, per CPU-s", ratio, 0.15)
            )
    return rows


@contextlib.contextmanager
def place(scratch: Path) -> Iterator[Path]:
    """A directory for one scene's server, gone afterwards."""
    with tempfile.TemporaryDirectory(dir=scratch) as made:
        yield Path(made)
