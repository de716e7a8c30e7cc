"""The partner's call that names its one endpoint, where state is behind what was recorded. LIT-16"""

from __future__ import annotations

import asyncio
import base64
import json

import msgspec
from starlette.requests import Request
from topic_world import ACCOUNT, House, directory

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Key
from heliograph.events.topics import TopicSubscribed
from heliograph.outbound.topics.pages import pages
from heliograph.outbound.topics.registry import PATIENCE, Registry
from heliograph.signing import fingerprint

TOKEN = "a token of the shop"
PATH = "/api/v1/Campaigns/ConfigureNotificationEndpoint"


def with_key() -> Directory:
    known = directory()
    key = Key(id="key_1", account=ACCOUNT, kind="api", public="a", fingerprint=fingerprint(TOKEN))
    return Directory([*known.accounts.values()], [key], known.master)


async def configured(house: House, endpoint: str) -> int:
    """The status of the call, while time goes by."""
    registry = Registry(house.means.engine, house.journal, with_key(), house.clock)
    (route,) = (one for one in pages(registry, house.means.settings) if one.path == PATH)
    login = b"Basic " + base64.b64encode(f"shop:{TOKEN}".encode())

    async def receive() -> dict[str, object]:
        return {
            "type": "http.request",
            "body": json.dumps({"Endpoint": endpoint}).encode(),
            "more_body": False,
        }

    request = Request({"type": "http", "headers": [(b"authorization", login)]}, receive)
    asking = asyncio.create_task(route.endpoint(request))
    async with asyncio.timeout(60):
        while not asking.done():
            await house.clock.advance(PATIENCE / 4)
            await asyncio.sleep(0.01)
    return int(asking.result().status_code)


async def endpoints(house: House) -> list[str]:
    entries = await house.journal.read(0, kinds=frozenset((TopicSubscribed.kind,)))
    return [msgspec.json.decode(entry.data)["endpoint"] for entry in entries]


async def test_nothing_is_configured_as_long_as_nobody_knows_what_was_before(house: House) -> None:
    """Else the endpoint before would stay: the end of it is recorded with the new one."""
    await house.loops.stop(grace=0)
    first, second = "https://one.example/", "https://two.example/"
    assert await configured(house, first) == 204, "on disk, though state does not follow"
    assert await configured(house, second) == 503
    assert await endpoints(house) == [first]
