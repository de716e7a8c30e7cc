"""From answer to webhook: events come at a steady rate, and a receiver on this machine notes when it is told.

Opens are told as they are (one hop: pixel, fold, feed). Sign-ups are decided about first (two hops: the policy's
`consent.granted` is what is told). The sender and the receiver share the cores with the engine.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.report import Row
from benchmarks.samples import AGENT
from benchmarks.servers import Server, ours
from heliograph.accounts.directory import load_directory
from heliograph.app import define
from heliograph.app.storage import remote
from heliograph.database import open_state
from heliograph.events import codec, subjects
from heliograph.events.event import new_id
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.refs import MessageRef, Refs
from heliograph.settings import Settings
from heliograph.settings import load as load_settings

RATE = 500
SECONDS = 8.0
TOTAL = int(RATE * SECONDS)

Told = dict[str, float]
Send = Callable[[aiohttp.ClientSession, int], Awaitable[str]]
"""Sends one event and returns the address by which its webhook will be known."""


def answer_to_webhook(scratch: Path) -> list[Row]:
    """Both ways, each on an engine of its own."""
    rows = []
    for name, measure in (("open", _opens), ("sign-up, decided first", _signups)):
        with (
            tempfile.TemporaryDirectory(dir=scratch) as place,
            ours(
                Path(place), egress_allow="127.0.0.0/8", webhook_https_only="false", webhook_timeout="20"
            ) as server,
        ):
            taken = sorted(asyncio.run(measure(server)))
        p50, p99 = statistics.median(taken), taken[int(len(taken) * 0.99)]
        figure = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(taken)} of {TOTAL} told"
        what = f"answer to webhook at {RATE} events/s: {name}"
        rows.append(Row(what, figure, goal=50, goal_is_most=True, value=p50))
    return rows


async def _opens(server: Server) -> list[float]:
    settings = load_settings({"data": str(server.data), "webhook_https_only": False}, environ={})
    messages = [new_id(time.time_ns() // 1000) for _ in range(TOTAL)]
    async with _receiver("email/opened") as (url, told):
        async with remote(settings) as journal:
            for first in range(0, TOTAL, 500):
                records = [r for m in messages[first : first + 500] for r in _sent(server, m)]
                await journal.append(records)
        await _subscribed(settings, server, url)
        refs = Refs(load_directory(open_state(server.data, read_only=True)).master)

        async def open_one(session: aiohttp.ClientSession, number: int) -> str:
            ref = MessageRef(server.keys["account"], messages[number], None)
            async with session.get(
                f"{server.url}/o/{refs.open(ref)}.gif", headers={"user-agent": AGENT}
            ) as answer:
                await answer.content.readany()
            return _address(messages[number])

        return await _measured(open_one, told)


async def _signups(server: Server) -> list[float]:
    settings = load_settings({"data": str(server.data), "webhook_https_only": False}, environ={})
    headers = {"x-token": server.keys["store_key"], "x-event-type": "newsletter/subscribe"}
    url_in = f"{server.url}/webhooks/store/{server.keys['store_id']}"
    async with _receiver("newsletter/subscribed") as (url, told):
        await _subscribed(settings, server, url)

        async def sign_up(session: aiohttp.ClientSession, number: int) -> str:
            body = {"email": _address(str(number)), "double_optin_required": False}
            async with session.post(url_in, json=body, headers=headers) as answer:
                if answer.status != 200:
                    raise RuntimeError(await answer.text())
                await answer.read()
            return _address(str(number))

        return await _measured(sign_up, told)


def _sent(server: Server, message: str) -> list[Any]:
    account, now = server.keys["account"], time.time_ns() // 1000
    requested = MessageRequested(address=_address(message), template="bench")
    sent = MessageSent(message=message, address=_address(message))
    subject = subjects.email(_address(message))
    return [
        codec.encode(codec.make(requested, account=account, subject=subject, now=now, id=message)),
        codec.encode(codec.make(sent, account=account, subject=subject, now=now, cause=message)),
    ]


def _address(name: str) -> str:
    return f"{name}@latency.example"


@asynccontextmanager
async def _receiver(topic: str) -> AsyncIterator[tuple[str, Told]]:
    told: Told = {}

    async def hook(request: web.Request) -> web.Response:
        body = await request.json()
        if request.headers["x-event-topic"] == topic:
            told.setdefault(body["email"], time.perf_counter())
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/hooks", hook)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/hooks", told
    await runner.cleanup()


async def _subscribed(settings: Settings, server: Server, url: str) -> None:
    """Add the feed and wait until it is served and everything before it is handled."""
    await define.save_feed(settings, None, "bench", "remarkety", url, (), {})
    feed = f'consumer="feed:{server.keys["account"]}:bench"'
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            async with session.get(f"{server.url}/metrics") as answer:
                lines = [
                    line for line in (await answer.text()).splitlines() if line.startswith("heliograph_lag")
                ]
            if any(feed in line for line in lines) and all(line.endswith(" 0.0") for line in lines):
                return
            await asyncio.sleep(0.1)
    raise TimeoutError("the feed is not served")


async def _measured(send: Send, told: Told) -> list[float]:
    answered: Told = {}

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        answered[await send(session, number)] = time.perf_counter()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        tasks: list[asyncio.Task[None]] = []
        start = time.perf_counter()
        for number in range(TOTAL):
            wait = start + number / RATE - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(session, number)))
        await asyncio.gather(*tasks)
    for _ in range(400):
        if len(told) >= len(answered):
            break
        await asyncio.sleep(0.05)
    return _taken(told, answered)


def _taken(told: Told, answered: Told) -> list[float]:
    return [(told[name] - answered[name]) * 1000 for name in told if name in answered]
