"""Feeds under a steady stream: how long after the answer receivers are told, in three dialects; and what a dead one costs.

The stream, the receivers and the reader of the queue are processes of their own (`benchmarks.stream`, `.receiver`,
`.poller`), on the same cores as the engine. An event counts from when it was on disk to when its receiver had it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.processes import Process, last, line, process, tell
from benchmarks.report import Row
from benchmarks.servers import Server, free_port, ours
from heliograph.app import define
from heliograph.settings import load as load_settings

RATES = (200, 1_000, 2_000)
SECONDS = 6.0
LATE = 20.0  # seconds that stragglers are waited for
GOAL = 250  # ms at the 99th percentile

RECEIVERS = 20
THEIR_RATE = 20  # events/s, each told to every receiver
ROUNDS = 3  # of four: twice it answers, once it hangs, once it refuses
STATES = ("answers", "hangs", "refuses")

Times = Mapping[str, float]

REMARKETY = ("message.sent", "message.delivered", "message.opened", "link.clicked")
MESSAGEGEARS = ("message.delivered", "message.opened", "link.clicked")
LITMUS = ("message.read",)


def three_dialects(scratch: Path) -> list[Row]:
    """Both rates, each on an engine of its own."""
    rows = []
    for rate in RATES:
        with _engine(scratch) as server:
            taken, cpu = asyncio.run(_three(server, rate))
        everything = sorted(ms for one in taken.values() for ms in one)
        for name, one in taken.items():
            rows.append(Row(f"{rate:,} events/s, {name}", _figures(sorted(one))))
        share = f"{_figures(everything)}; engine {cpu[0]:.0%} and outbound {cpu[1]:.0%} of a core"
        p99 = _percentile(everything, 0.99)
        rows.append(Row(f"{rate:,} events/s, all three", share, goal=GOAL, goal_is_most=True, value=p99))
    return rows


def with_one_dead(scratch: Path) -> list[Row]:
    """Nineteen receivers on one engine, beside a twentieth that answers, hangs, answers, refuses, and so on: each state's p99 is the
    median of its rounds, so that what else the machine does in one round counts little."""
    with _engine(scratch) as server:
        rounds = asyncio.run(_alternating(server))
    p99s = {
        state: [_percentile(sorted(one), 0.99) for other, one in rounds if other == state] for state in STATES
    }
    well = statistics.median(p99s["answers"])
    rows = []
    for state, each in p99s.items():
        figures = f"p99 {statistics.median(each):.1f} ms, median of {len(each)} ({min(each):.1f} to {max(each):.1f})"
        dead = state != "answers"
        rows.append(
            Row(
                f"19 of {RECEIVERS} webhooks, {THEIR_RATE} events/s each; the other {state}",
                figures,
                "p99 while it answers" if dead else "",
                statistics.median(each) / well if dead else None,
                1.1 if dead else None,
                goal_is_most=True,
            )
        )
    return rows


@contextlib.contextmanager
def _engine(scratch: Path) -> Iterator[Server]:
    with (
        tempfile.TemporaryDirectory(dir=scratch) as place,
        ours(Path(place), egress_allow="127.0.0.0/8", webhook_https_only="false") as server,
    ):
        yield server


async def _three(server: Server, rate: int) -> tuple[dict[str, list[float]], list[float]]:
    """Milliseconds of each dialect, and the shares of a core that engine and outbound had meanwhile."""
    settings = load_settings({"data": str(server.data), "webhook_https_only": False}, environ={})
    with process("receiver", "2") as receiver, process("stream", *_stream(server, rate)) as stream:
        hook, topic = (f"http://127.0.0.1:{port}" for port in line(receiver).split())
        line(stream)
        for name, dialect, endpoint in (
            ("hook", "remarkety", f"{hook}/hooks"),
            ("items", "messagegears", "queue:items"),
            ("reads", "litmus", "sns:reads"),
        ):
            await define.save_feed(settings, None, name, dialect, endpoint, (), {})
        queue = await asyncio.to_thread(_subscribed, server, topic)
        key = server.keys["aws"]
        with process("poller", server.url, queue, key["access_key_id"], key["secret_access_key"]) as poller:
            line(poller)
            await asyncio.to_thread(_caught_up, server, ("hook", "items", "reads"))
            used, begun = [server.cpu(part) for part in ("engine", "outbound")], time.monotonic()
            answered = await asyncio.to_thread(_streamed, stream)
            passed = time.monotonic() - begun
            cpu = [
                (server.cpu(part) - one) / passed
                for part, one in zip(("engine", "outbound"), used, strict=True)
            ]
            await asyncio.to_thread(_caught_up, server, ("hook", "items", "reads"))
            await asyncio.sleep(1)
            items = json.loads(last(poller))
        places = json.loads(last(receiver))
    return {
        "Remarkety to a webhook": _taken(answered, REMARKETY, places["0"]),
        "MessageGears to a queue": _taken(answered, MESSAGEGEARS, items),
        "Litmus over a topic": _taken(answered, LITMUS, places["1"]),
    }, cpu


async def _alternating(server: Server) -> list[tuple[str, list[float]]]:
    """Milliseconds of the nineteen in each round, and how the twentieth was: a feed of its own for each round, from its start."""
    settings = load_settings({"data": str(server.data), "webhook_https_only": False}, environ={})
    pattern = ("answers", "hangs", "answers", "refuses") * ROUNDS
    answered = []
    with process("receiver", str(RECEIVERS)) as receiver:
        urls = [f"http://127.0.0.1:{port}/hooks" for port in line(receiver).split()]
        last_one = {
            "answers": urls[0],
            "hangs": urls[0].replace("/hooks", "/hangs"),
            "refuses": f"http://127.0.0.1:{free_port()}/hooks",
        }
        for number, url in enumerate(urls[1:]):
            await define.save_feed(settings, None, f"hook{number:02d}", "remarkety", url, (), {})
        for number, state in enumerate(pattern):
            name = f"last{number}"
            await define.save_feed(settings, None, name, "remarkety", last_one[state], (), {})
            with process("stream", *_stream(server, THEIR_RATE)) as stream:
                line(stream)
                await asyncio.to_thread(_caught_up, server, (name,))
                answered.append(await asyncio.to_thread(_streamed, stream))
            await asyncio.sleep(2)
            await define.move_feed(settings, None, name, "removed")
        places = json.loads(last(receiver))
    well = range(1, RECEIVERS)
    return [
        (state, [ms for place in well for ms in _taken(told, REMARKETY, places[str(place)])])
        for state, told in zip(pattern, answered, strict=True)
    ]


def _stream(server: Server, rate: int) -> tuple[str, ...]:
    return str(server.data), server.keys["account"], str(rate), str(SECONDS)


def _streamed(stream: Process) -> dict[str, dict[str, float]]:
    tell(stream, "go")
    found: dict[str, dict[str, float]] = json.loads(line(stream))
    return found


def _subscribed(server: Server, endpoint: str) -> str:
    """Subscribe the endpoint to the Litmus feed's topic, and confirm. Returns the URL of the other feed's queue."""
    clients = [_client(server, service) for service in ("sns", "sqs")]
    sns, sqs = clients
    topic = sns.create_topic(Name="reads")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"{endpoint}/sns")
    for _ in range(100):
        if asked := _get(f"{endpoint}/confirmation"):
            _get(asked)
            break
        time.sleep(0.1)
    return str(sqs.create_queue(QueueName="items", Attributes={"VisibilityTimeout": "600"})["QueueUrl"])


def _client(server: Server, service: str) -> Any:
    key = server.keys["aws"]
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        config=Config(retries={"max_attempts": 0}),
    )


def _caught_up(server: Server, feeds: Sequence[str]) -> None:
    """Wait until these feeds are served, and neither they nor what is no feed is behind."""
    end = time.monotonic() + LATE
    while time.monotonic() < end:
        lags = [
            text for text in _get(f"{server.url}/metrics").splitlines() if text.startswith("heliograph_lag")
        ]
        mine = [text for text in lags if any(f':{name}"' in text for name in feeds)]
        others = [text for text in lags if '"feed:' not in text]
        if len(mine) >= len(feeds) and all(text.endswith(" 0.0") for text in mine + others):
            return
        time.sleep(0.2)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


def _taken(answered: Mapping[str, Times], kinds: Sequence[str], came: Times) -> list[float]:
    """Milliseconds from answer to receipt; what never came took for ever."""
    return [
        max(0.0, (came.get(id_, float("inf")) - at) * 1000)
        for kind in kinds
        for id_, at in answered.get(kind, {}).items()
    ]


def _figures(taken: Sequence[float]) -> str:
    lost = sum(ms == float("inf") for ms in taken)
    missing = f", {lost} NOT TOLD" if lost else ""
    return f"p50 {statistics.median(taken):.1f} ms, p99 {_percentile(taken, 0.99):.1f} ms, {len(taken):,} told{missing}"


def _percentile(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))]
