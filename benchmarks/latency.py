"""From answer to webhook: events come at a steady rate, and a receiver on this machine notes when it is told."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks.report import Row
from benchmarks.servers import Server, ours
from heliograph.app import define
from heliograph.settings import load as load_settings

RATE = 500
SECONDS = 8.0


def answer_to_webhook(scratch: Path) -> list[Row]:
    """Newsletter sign-ups at `RATE` a second; each is told by a signed webhook."""
    with (
        tempfile.TemporaryDirectory(dir=scratch) as place,
        ours(Path(place), egress_allow="127.0.0.0/8", webhook_https_only="false") as server,
    ):
        taken = asyncio.run(_measure(server))
    taken.sort()
    p50, p99 = statistics.median(taken), taken[int(len(taken) * 0.99)]
    figure = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, {len(taken)} of {int(RATE * SECONDS)} told"
    return [Row(f"answer to webhook at {RATE} events/s", figure, goal=50, goal_is_most=True, value=p50)]


async def _measure(server: Server) -> list[float]:
    told: dict[str, float] = {}
    answered: dict[str, float] = {}

    async def hook(request: web.Request) -> web.Response:
        body = await request.json()
        told[body["email"]] = time.perf_counter()
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/hooks", hook)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    settings = load_settings({"data": str(server.data), "webhook_https_only": False}, environ={})
    await define.save_feed(settings, None, "bench", "remarkety", f"http://{host}:{port}/hooks", (), {})
    while not define.feeds(settings, None):
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.5)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        await _send_all(session, server, answered)
    end = time.monotonic() + 20
    while len(told) < len(answered) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    await runner.cleanup()
    return [(told[email] - answered[email]) * 1000 for email in told if email in answered]


async def _send_all(session: aiohttp.ClientSession, server: Server, answered: dict[str, float]) -> None:
    tasks: list[asyncio.Task[None]] = []
    start = time.perf_counter()
    for number in range(int(RATE * SECONDS)):
        due = start + number / RATE
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(_send(session, server, number, answered)))
    await asyncio.gather(*tasks)


async def _send(
    session: aiohttp.ClientSession, server: Server, number: int, answered: dict[str, float]
) -> None:
    email = f"person{number}@latency.example"
    body: dict[str, Any] = {"email": email, "double_optin_required": False}
    headers = {"x-token": server.keys["store_key"], "x-event-type": "newsletter/subscribe"}
    url = f"{server.url}/webhooks/store/{server.keys['store_id']}"
    async with session.post(url, json=body, headers=headers) as answer:
        if answer.status != 200:
            raise RuntimeError(await answer.text())
        await answer.read()
    answered[email] = time.perf_counter()
