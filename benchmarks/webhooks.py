"""Signed webhooks a second to a receiver on this machine, from one engine core, against plain loops.

Ours is the whole way of a delivery: journal, act, what is known of the message, body, signatures, outcome, place. The
references post a body of the same size that is ready made, and sign it: a `requests` session and an `httpx` client. All
are told per second of CPU of the sending process; the receiver is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import requests
import uvloop

from benchmarks.report import Row
from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.app import part
from heliograph.clock import SystemClock
from heliograph.database import METADATA, Reading, open_state
from heliograph.egress import Egress
from heliograph.events import codec, subjects
from heliograph.events.definitions import FeedSaved
from heliograph.events.messages import Campaign, MessageRequested, MessageSent
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_acts
from heliograph.queues.file import QueueFile
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.settings import Settings

TOTAL = 6_000
"""Webhooks of ours."""

GOAL = 3_000
"""Webhooks for each CPU second."""

LOOP = 1_500
"""Webhooks of each reference."""

BODY = (
    b'{"timestamp":"2026-11-21T20:33:46+00:00","email":"0123456789@bench.example","campaign_name":"Abandoned cart",'
    b'"campaign_id":13118,"umk":"5aceafd0ed4f8.98976416"}'
)


def against_loops(scratch: Path) -> list[Row]:
    """Ours, then the loops."""
    rows, rates = [], {}
    for name, schemes in (("Remarkety", ()), ("Remarkety and Standard Webhooks", ("v1",))):
        with tempfile.TemporaryDirectory(dir=scratch) as place, receiver() as url:
            wall, cpu = uvloop.run(_ours(Path(place), url, schemes))
        rates[name] = TOTAL / cpu
        rows.append((name, f"{TOTAL / wall:,.0f}/s, {TOTAL / cpu:,.0f} per CPU-s", TOTAL / cpu))
    references = []
    with receiver() as url:
        for name, loop in (("requests", _requests), ("httpx", _httpx)):
            before, begun = time.process_time(), time.perf_counter()
            loop(url)
            cpu, wall = time.process_time() - before, time.perf_counter() - begun
            references.append((name, LOOP / cpu))
            rows.append(
                (f"a plain loop with {name}", f"{LOOP / wall:,.0f}/s, {LOOP / cpu:,.0f} per CPU-s", 0.0)
            )
    best, rate = max(references, key=lambda one: one[1])
    compared = [
        Row(
            f"signed webhooks: {name}",
            figure,
            f"{best}, per CPU-s" if value else "",
            value / rate if value else None,
        )
        for name, figure, value in rows
    ]
    most = max(rates.values())
    goal = Row("signed webhooks for each CPU second of the engine", f"{most:,.0f}", goal=GOAL, value=most)
    return [*compared, goal]


@contextlib.contextmanager
def receiver() -> Iterator[str]:
    """A receiver's URL, while its process runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.receiver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/hooks"
        process.stdin.close()


async def _ours(place: Path, url: str, schemes: tuple[str, ...]) -> tuple[float, float]:
    """Seconds and CPU seconds from the first webhook to the last; everything is folded before."""
    state, clock = open_state(place), SystemClock()
    METADATA.create_all(state)
    made = keys.first_start(state, place, "http://x.example", clock.now())
    assert made is not None
    account = made["account"]
    settings = Settings(data=str(place), egress_allow=("127.0.0.0/8",), webhook_https_only=False)
    reading = open_state(place, read_only=True)
    journal = await SqliteJournal.open(place)
    means = Means(
        reading=Reading(reading),
        directory=load_directory(reading),
        egress=Egress(settings),
        queues=QueueFile(place),
        links=Links(),
        journal=journal,
        readers=Readers(),
        settings=settings,
        clock=clock,
    )
    loops = Loops(journal=journal, engine=state, clock=clock, folds=FOLDS, reactions=())
    running = asyncio.create_task(loops.run())
    records = [codec.encode(one) for one in _events(account, url, schemes, clock.now())]
    for first in range(0, len(records), 500):
        await journal.append(records[first : first + 500])
    await loops.caught_up()
    part.calm_collector()
    before, begun = time.process_time(), time.perf_counter()
    loops.set_acts(feed_acts(means))
    await loops.caught_up()
    cpu, wall = time.process_time() - before, time.perf_counter() - begun
    await loops.stop()
    await running
    await means.egress.close()
    means.queues.close()
    await journal.close()
    return wall, cpu


def _events(account: str, url: str, schemes: tuple[str, ...], now: int) -> Iterator[Any]:
    saved = FeedSaved(
        name="bench", dialect="remarkety", endpoint=url, options={"standard_webhooks": list(schemes)}
    )
    yield codec.make(saved, account=account, subject="feed:bench", now=now)
    campaign = Campaign(id=13118, name="Abandoned cart")
    for number in range(TOTAL):
        address = f"{number:010d}@bench.example"
        subject = subjects.email(address)
        wanted = codec.make(
            MessageRequested(address=address, template="bench", campaign=campaign),
            account=account,
            subject=subject,
            now=now,
        )
        yield wanted
        yield codec.make(
            MessageSent(message=wanted.id, address=address), account=account, subject=subject, now=now
        )


def _signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(b"hwh_secret", body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Event-Hmac-SHA256": digest}


def _requests(url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(LOOP):
            session.post(url, BODY, headers=_signed(BODY), timeout=5).raise_for_status()


def _httpx(url: str) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(LOOP):
            client.post(url, content=BODY, headers=_signed(BODY), timeout=5).raise_for_status()
