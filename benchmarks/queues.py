"""Queues through boto3: what one receiver sends, fetches and deletes, in batches of ten, against moto's server.

boto3 itself takes most of the time of a call (signing, parsing), and is the same on both sides: so besides the rate that
one client sees, the server's own CPU time for each message is compared.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from benchmarks.report import Row
from benchmarks.servers import Server, free_port, ours, running

SECONDS = 8.0
BATCH = 10
WAITING = 1000
BODY = "<ActivityItems><OpenActivity>" + "x" * 600 + "</OpenActivity></ActivityItems>"


class Pace(NamedTuple):
    """Messages per second as one client sees it, and microseconds of the server's CPU for each."""

    rate: float
    cpu: float


def through_boto3(scratch: Path) -> list[Row]:
    """Ours and moto's server, one after the other, in the same run."""
    with tempfile.TemporaryDirectory(dir=scratch) as place, ours(Path(place), only_web=True) as server:
        keys = server.keys["aws"]
        mine = _paces(server, keys["access_key_id"], keys["secret_access_key"])
    with moto() as server:
        theirs = _paces(server, "a", "b")
    rows = []
    for step, pace in mine.items():
        other = theirs[step]
        rows.append(
            Row(
                f"{step}, batches of {BATCH}, one client",
                f"{pace.rate:,.0f} messages/s",
                f"moto {other.rate:,.0f}",
                pace.rate / other.rate,
                goal=20 if step == "all three" else None,
            )
        )
        rows.append(
            Row(
                f"{step}, the server's CPU",
                f"{pace.cpu:,.0f} us a message",
                f"moto {other.cpu:,.0f}",
                other.cpu / pace.cpu,
                goal=20 if step == "all three" else None,
            )
        )
    return rows


def _paces(server: Server, key: str, secret: str) -> dict[str, Pace]:
    """Each step by itself, and the three together, on a queue in which a thousand messages wait."""
    sqs = boto3.client(
        "sqs",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )
    url = sqs.create_queue(QueueName="bench", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    entries = [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]
    handles: list[str] = []

    def send() -> None:
        assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == BATCH

    def receive() -> None:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=BATCH)["Messages"]
        handles[:] = [message["ReceiptHandle"] for message in found]

    def delete() -> None:
        told = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(handles)]
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=told)["Successful"]) == len(handles)

    for _ in range(WAITING // BATCH):
        send()
    taken = {name: [0.0, 0.0] for name in ("send", "receive", "delete")}
    rounds, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        for step in (send, receive, delete):
            clock, cpu = time.perf_counter(), server.cpu()
            step()
            taken[step.__name__][0] += time.perf_counter() - clock
            taken[step.__name__][1] += server.cpu() - cpu
        rounds += 1
    taken["all three"] = [sum(step[n] for step in taken.values()) for n in (0, 1)]
    done = rounds * BATCH
    return {name: Pace(done / clock, cpu / done * 1e6) for name, (clock, cpu) in taken.items()}


@contextmanager
def moto() -> Iterator[Server]:
    """moto's server, as it comes."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        [sys.executable, "-m", "moto.server", "-p", str(port)], url + "/moto-api/", os.environ
    ) as process:
        settled: dict[str, Any] = {}
        yield Server("moto", url, process.pid, Path(), settled)
