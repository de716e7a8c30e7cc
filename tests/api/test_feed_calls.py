"""Feeds by the API: every call, on a receiver with a real socket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_world import World

from heliograph.events.consent import SuppressionAdded
from heliograph.outbound.feeds import delivery_log
from heliograph.outbound.feeds.delivery_log import Conversation, Noted

PATH = "/api/v1/feeds"


class Hook:
    """Answers 200 and keeps what came."""

    def __init__(self) -> None:
        self.url = ""
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nfine!")
        await writer.drain()
        writer.close()


@pytest.fixture
async def hook(world: World) -> AsyncIterator[Hook]:
    one = Hook()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    yield one
    server.close()
    await world.means.feeds.egress.close()


async def saved(world: World, url: str, name: str = "crm", **body: Any) -> Any:
    answer = await world.ask("PUT", f"{PATH}/{name}", {"endpoint": url, **body})
    assert answer.status == 202, answer.raw
    await world.follow()
    return answer.json


async def test_a_feed_is_added_found_changed_paused_and_ended(world: World, hook: Hook) -> None:
    assert "secret" not in {name for name, value in (await saved(world, hook.url)).items() if value}
    found = await world.ask("GET", PATH)
    assert found.json == {
        "feeds": [
            {
                "name": "crm", "dialect": "remarkety", "endpoint": hook.url, "kinds": [], "options": {},
                "state": "active",
            }
        ]
    }  # fmt: skip
    assert (await world.ask("GET", PATH, key=world.other_key)).json == {"feeds": []}
    await saved(world, hook.url, options={"breaker": 3}, kinds=["message.sent"])
    assert (await world.ask("GET", f"{PATH}/crm")).json["options"] == {"breaker": 3}
    for method, path, state in (
        ("POST", "/crm/pause", "paused"),
        ("POST", "/crm/resume", "active"),
    ):
        assert (await world.ask(method, PATH + path)).status == 202
        await world.follow()
        assert (await world.ask("GET", f"{PATH}/crm")).json["state"] == state
    assert (await world.ask("DELETE", f"{PATH}/crm")).status == 202
    await world.follow()
    assert (await world.ask("GET", f"{PATH}/crm")).status == 404


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("crm", {"endpoint": "ftp://x.example/"}, "endpoint"),
        ("crm", {"endpoint": "https://x.example/", "dialect": "klingon"}, "dialect"),
        ("crm", {"endpoint": "https://x.example/", "kinds": ["feed.saved"]}, "kinds"),
        ("crm", {"endpoint": "https://x.example/", "options": {"breaker": -1}}, "options"),
        ("a b", {"endpoint": "https://x.example/"}, "feed"),
    ],
)
async def test_what_cannot_be_a_feed_is_refused_and_the_field_named(
    world: World, name: str, body: Any, field: str
) -> None:
    answer = await world.ask("PUT", f"{PATH}/{name}", body)
    assert (answer.status, answer.json["field"]) == (400, field)
    assert await world.journal.head() == 0


async def test_a_test_shows_what_was_sent_and_what_came_back(world: World, hook: Hook) -> None:
    await saved(world, hook.url)
    head = await world.journal.head()
    told = (await world.ask("POST", f"{PATH}/crm/test")).json
    assert (told["outcome"], told["status"], told["answer"]) == ("delivered", 200, "fine!")
    assert told["answer_headers"]["Set-Cookie"] == told["headers"]["X-Event-Hmac-SHA256"] == "(not kept)"
    assert len(hook.heads) == 1
    assert await world.journal.head() == head
    await saved(world, "http://169.254.169.254/latest/", name="evil")
    told = (await world.ask("POST", f"{PATH}/evil/test")).json
    assert (told["outcome"], told["status"]) == ("refused", None)


async def test_a_feed_with_standard_webhooks_is_given_a_secret_which_can_be_rotated(
    world: World, hook: Hook
) -> None:
    made = await saved(world, hook.url, options={"standard_webhooks": ["v1", "v1a"]})
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
    again = await saved(world, hook.url, options={"standard_webhooks": ["v1", "v1a"]})
    assert again["secret"] is None, "it keeps the one it has"
    new = (await world.ask("POST", f"{PATH}/crm/secret", {"overlap": 2, "turn_after": 1})).json
    await world.follow()
    known = (await world.ask("GET", f"{PATH}/crm/secret")).json
    assert known["standard"] == [new["secret"], made["secret"]]
    assert known["public_keys"] == [new["public_key"], made["public_key"]]
    assert known["single"] == made["secret"]
    assert (await world.ask("POST", f"{PATH}/crm/secret", {"overlap": 1, "turn_after": 2})).status == 400
    journal = b"".join(entry.data for entry in await world.journal.read(0))
    assert b"whsec_" not in journal


async def test_a_replay_is_ordered_by_ids_or_by_time(world: World, hook: Hook) -> None:
    await saved(world, hook.url)
    event = await world.happen(SuppressionAdded(address="a@x.example", type="hard_bounce"))
    for body in ({"events": [event.id]}, {"since": "2020-01-01"}):
        answer = await world.ask("POST", f"{PATH}/crm/replay", body)
        assert answer.status == 202, answer.raw
    for body in (
        {},
        {"events": [event.id], "since": "2020-01-01"},
        {"since": "yesterday"},
        {"since": "2031-01-01"},
    ):
        assert (await world.ask("POST", f"{PATH}/crm/replay", body)).status == 400
    unknown = "018bcfe5-6800-7000-8000-000000000000"
    assert (await world.ask("POST", f"{PATH}/crm/replay", {"events": [unknown]})).status == 404


async def test_the_log_is_read_page_by_page(world: World, hook: Hook) -> None:
    await saved(world, hook.url)
    made = Conversation(attempt=1, topic="x", endpoint="https://x.example/", outcome="retry", why="no")
    noted = [
        Noted(
            id=f"{n:036d}",
            account=world.account,
            feed="crm",
            event=f"e{n}",
            at=n,
            delivered=n == 4,
            report=made,
        )
        for n in range(5)
    ]
    with world.state.begin() as connection:
        delivery_log.write(connection, noted)
    page = (await world.ask("GET", f"{PATH}/crm/deliveries", limit=2)).json
    assert [one["event"] for one in page["deliveries"]] == ["e4", "e3"]
    page = (await world.ask("GET", f"{PATH}/crm/deliveries", after=page["next"])).json
    assert ([one["event"] for one in page["deliveries"]], page["next"]) == (["e2", "e1", "e0"], None)
    page = (await world.ask("GET", f"{PATH}/crm/deliveries", delivered="true")).json
    assert [one["event"] for one in page["deliveries"]] == ["e4"]
    stands = (await world.ask("GET", f"{PATH}/crm")).json
    assert (stands["last_delivered"]["event"], stands["last_failed"]["event"]) == ("e4", "e3")
