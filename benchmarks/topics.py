"""Topics: signed notifications to an HTTP endpoint, for each second of the engine's CPU, beside what RSA alone allows.

Every notification has a text of its own, so each needs a signature of its own: no publisher on this machine tells more
in a second than it can sign. How close the whole (journal, fold, signing, posting, bookkeeping) comes to that limit is
the figure.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import boto3
from aiohttp import web
from botocore.config import Config
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from benchmarks.report import Row
from benchmarks.servers import Server, ours

MESSAGES = 3000
BATCH = 10
BODY = '{"activity_type":"Read","mail_client":"Apple Mail","read_seconds":12}' * 5


def notifications(scratch: Path) -> list[Row]:
    """One topic, one confirmed endpoint that answers at once."""
    limit = signatures()
    with (
        tempfile.TemporaryDirectory(dir=scratch) as place,
        ours(Path(place), egress_allow="127.0.0.0/8", webhook_https_only="false") as server,
    ):
        seconds, cpu = asyncio.run(_delivered(server))
    return [
        Row(
            "signed notifications, the engine's CPU",
            f"{MESSAGES / cpu:,.0f}/s of CPU ({MESSAGES / seconds:,.0f}/s by the clock)",
            f"RSA-2048 alone {limit:,.0f} signatures/s",
            MESSAGES / cpu / limit,
        )
    ]


def signatures(seconds: float = 1.0) -> float:
    """RSA-2048 signatures with SHA-1 that one core makes in a second, for texts of a notification's length."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made, begun = 0, time.process_time()
    while time.process_time() - begun < seconds:
        key.sign(b"%d" % made + BODY.encode(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 -- SNS version 1
        made += 1
    return made / (time.process_time() - begun)


async def _delivered(server: Server) -> tuple[float, float]:
    """Seconds by the clock and of the engine's CPU, from the first publication to the last notification."""
    keys = server.keys["aws"]
    sns = boto3.client(
        "sns",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        config=Config(retries={"max_attempts": 0}),
    )
    async with _endpoint() as (url, came, confirmed):
        topic = (await asyncio.to_thread(sns.create_topic, Name="bench"))["TopicArn"]
        await asyncio.to_thread(sns.subscribe, TopicArn=topic, Protocol="http", Endpoint=url)
        await asyncio.wait_for(confirmed.wait(), 30)
        begun, cpu = time.perf_counter(), server.cpu("outbound")
        for first in range(0, MESSAGES, BATCH):
            entries = [{"Id": str(n), "Message": f"{first + n} {BODY}"} for n in range(BATCH)]
            await asyncio.to_thread(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
        async with asyncio.timeout(60):
            while len(came) < MESSAGES:
                await asyncio.sleep(0.01)
        return time.perf_counter() - begun, server.cpu("outbound") - cpu


@asynccontextmanager
async def _endpoint() -> AsyncIterator[tuple[str, set[str], asyncio.Event]]:
    """An endpoint that confirms as it is asked to, and notes which messages came."""
    came: set[str] = set()
    confirmed = asyncio.Event()
    visits: set[asyncio.Task[Any]] = set()

    async def visit(url: str) -> None:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            await answer.read()
        confirmed.set()

    async def take(request: web.Request) -> web.Response:
        body = await request.json()
        if body["Type"] == "Notification":
            came.add(body["MessageId"])
        else:
            visits.add(asyncio.create_task(visit(body["SubscribeURL"])))
        return web.Response()

    application = web.Application()
    application.add_routes([web.post("/sns", take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/sns", came, confirmed
    await asyncio.gather(*visits)
    await runner.cleanup()
