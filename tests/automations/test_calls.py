"""Calls that automations want: posted once, signed, and what came of them on record."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import pytest

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key
from heliograph.clock import ManualClock
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.definitions import WebhookRequested
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Delivered, Refused, Retry, Skipped
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.calls import Calls, calls_act
from heliograph.settings import Settings
from heliograph.signing import Keyring

ACCOUNT = "000000000001"
SECRET = "whsec"


class World:
    """A receiver on a real socket, and the act that calls it."""

    def __init__(self) -> None:
        self.answer = b"200 OK"
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.port = 0
        self.clock, self.journal = ManualClock(), MemoryJournal()
        self.settings = Settings(data="x", webhook_https_only=False, egress_allow=("127.0.0.0/8",))
        key = Key(id="1", account=ACCOUNT, kind="webhook", public="wh", secret=SECRET)
        self.directory = Directory([Account(number=ACCOUNT, store_id="A")], [key], Keyring({1: b"k" * 32}, 1))
        self.egress = Egress(self.settings)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:-1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 " + self.answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    @property
    def calls(self) -> Calls:
        return Calls(self.egress, self.directory, self.journal, self.settings, self.clock)

    def wish(self, url: str | None = None) -> AnyEvent:
        data = WebhookRequested(
            run="r",
            automation="a",
            step=2,
            url=url or f"http://127.0.0.1:{self.port}/hook",
            person="p",
            event={"id": "c1"},
        )
        return codec.make(data, account=ACCOUNT, subject="person:p", now=self.clock.now())

    async def recorded(self) -> list[AnyEvent]:
        return [codec.decode(entry) for entry in await self.journal.read(0)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    server = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    world.port = server.sockets[0].getsockname()[1]
    yield world
    server.close()
    await world.egress.close()
    await world.journal.close()


async def test_a_call_is_signed_and_told_once_however_often_it_is_made(world: World) -> None:
    wish = world.wish()
    for attempt in (1, 2):
        assert isinstance(await calls_act(world.calls).perform(wish, attempt), Delivered)
    (headers, body), (_, again) = world.got
    assert body == again
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    assert headers["x-event-hmac-sha256"] == base64.b64encode(mac).decode()
    assert headers["x-heliograph-event"] == wish.id == json.loads(body)["id"]
    assert {name: json.loads(body)[name] for name in ("person", "automation", "event")} == {
        "person": "p",
        "automation": "a",
        "event": {"id": "c1"},
    }
    (told,) = await world.recorded()
    assert (told.kind, told.data.status, told.subject, told.cause) == (
        "webhook.answered",
        200,
        "person:p",
        wish.id,
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"503 Busy", Retry),
        (b"429 Slow", Retry),
        (b"302 Found", Retry),
        (b"404 No", Refused),
        (b"410 Gone", Refused),
    ],
)
async def test_what_may_pass_is_tried_again_and_what_will_not_is_given_up(
    world: World, answer, outcome
) -> None:
    world.answer = answer
    assert isinstance(await world.calls.perform(world.wish(), 1), outcome)
    told = [event.kind for event in await world.recorded()]
    assert told == (["webhook.failed"] if outcome is Refused else [])


async def test_a_call_that_was_given_up_is_told_with_its_reason(world: World) -> None:
    (told,) = world.calls.gave_up(world.wish(), "answered 503", 10)
    assert (told.kind, told.data.reason, told.data.attempts) == ("webhook.failed", "answered 503", 10)


async def test_private_addresses_and_plain_http_are_not_called(world: World) -> None:
    assert isinstance(await world.calls.perform(world.wish("http://169.254.169.254/x"), 1), Refused)
    world.settings = Settings(data="x")
    assert isinstance(await world.calls.perform(world.wish(), 1), Refused)
    assert world.got == []


async def test_a_wish_of_somebody_who_was_erased_is_passed_over(world: World) -> None:
    record = codec.encode(world.wish())._replace(data=codec.REDACTED)
    assert isinstance(await world.calls.perform(codec.decode(record), 1), Skipped)
