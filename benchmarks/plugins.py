"""What plug-ins of real shops send, one event a request: carts, customers, orders and products of 1 to 6 kB.

First as fast as one worker takes them, against the plain app; then at half of that rate, with pauses between the
requests of each of many connections, because shops do not wait for each other: the p99 of the answers is what a
plug-in with a limit of two seconds sees (RM-3).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import load, samples
from benchmarks.http import measure
from benchmarks.report import Row
from benchmarks.servers import Server, ours, plain

SHOPS = 256
"""Connections at half of the rate."""

SECONDS = 8.0


def mix(scratch: Path) -> list[Row]:
    """The mix through one worker alone."""
    with tempfile.TemporaryDirectory(dir=scratch) as made, plain(Path(made)) as server:
        place = Path(made)
        asks = samples.plugins(server, 1000)
        reference = measure(server, asks, place, connections=64).mean(
            measure(server, asks, place, connections=64)
        )
    with tempfile.TemporaryDirectory(dir=scratch) as made, ours(Path(made), only_web=True) as server:
        place = Path(made)
        asks = samples.plugins(server, 2000)
        figure = measure(server, asks, place, connections=64)
        calm = _at(server, asks, place, figure.rate / 2)
    sizes = sorted(len(ask.body) for ask in asks)
    bodies = f"bodies of {sizes[0]:,} to {sizes[-1]:,} bytes, median {sizes[len(sizes) // 2]:,}"
    return [
        Row("plug-in mix, plain app, 64 connections", str(reference)),
        Row(
            f"plug-in mix, 64 connections, {bodies}",
            str(figure),
            "plain app, per CPU-s",
            figure.per_cpu / reference.per_cpu,
        ),
        Row(
            f"plug-in mix at half of that rate, {SHOPS} connections",
            f"p99 {calm.p99:.1f} ms, p50 {calm.p50:.1f} ms at {calm.rate:,.0f}/s, {calm.errors} errors",
            goal=50,
            goal_is_most=True,
            value=calm.p99,
        ),
    ]


def _at(server: Server, asks: list[load.Ask], place: Path, rate: float) -> load.Result:
    pause = 1000 * SHOPS / rate
    return load.run(server.url, asks, place, connections=SHOPS, seconds=SECONDS, name="calm", pause=pause)
