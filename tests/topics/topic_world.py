"""What tests of topics are made of: an engine without its process, on a clock turned by hand, and receivers on real
sockets that behave as the world does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

import apsw
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import SECOND, ManualClock
from heliograph.events import codec
from heliograph.events.event import Data, Event
from heliograph.events.topics import TopicConfirmed, TopicCreated, TopicPublished, TopicSubscribed
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.topics import Means, deliveries
from heliograph.queues import keeping, messages
from heliograph.signing import Keyring

ACCOUNT = "123456789012"
OTHER = "999999999999"
TOPIC = "orders"
ARN = f"arn:aws:sns:us-east-1:{ACCOUNT}:{TOPIC}"
LIFETIME = 3 * 86_400 * SECOND
Answer = int | str | bytes


def directory() -> Directory:
    accounts = [Account(number=ACCOUNT, store_id="shop"), Account(number=OTHER, store_id="other")]
    return Directory(accounts, [], Keyring(keys={0: bytes(32)}, current=0))


@dataclass
class Post:
    """One request as it came in, and when by the engine's clock."""

    at: int
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


@dataclass
class Receiver:
    """Answers request after request: a status, `hang`, `reset`, `forever` (a body without an end), or raw bytes; the
    last is repeated."""

    clock: ManualClock
    answers: tuple[Answer, ...]
    port: int = 0
    posts: list[Post] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sns"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                first, _, rest = head.partition(b"\r\n")
                headers = dict(BytesHeaderParser().parsebytes(rest).items())
                body = await reader.readexactly(int(headers["Content-Length"]))
                answer = self.answers[min(len(self.posts), len(self.answers) - 1)]
                self.posts.append(Post(self.clock.now(), first.split()[1].decode(), headers, body))
                await self._answer(answer, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if answer == "reset":
            writer.transport.abort()
        elif answer == "hang":
            await reader.read()
        elif answer == "forever":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
            while not writer.transport.is_closing():
                writer.write(bytes(65_536))
                await writer.drain()
        elif isinstance(answer, bytes):
            writer.write(answer)
        else:
            writer.write(f"HTTP/1.1 {answer} X\r\nContent-Length: 4\r\n\r\nwhy?".encode())
        await writer.drain()


Receive = Callable[..., Awaitable[Receiver]]


@dataclass
class House:
    """An engine process without its process."""

    journal: SqliteJournal
    loops: Loops
    clock: ManualClock
    means: Means
    state: Engine
    count: int = 0

    async def happen(self, *data: Data, account: str = ACCOUNT, at: int | None = None) -> list[Event[Any]]:
        """Record these, each of an account's topic, a microsecond behind what happened before, and let folds and acts
        see them."""
        await self.clock.advance(1 / SECOND)
        now = self.clock.now() if at is None else at
        events = [codec.make(one, account=account, subject="topic:t", now=now) for one in data]
        await self.journal.append([codec.encode(one) for one in events])
        await self.caught_up()
        return events

    async def subscribe(
        self, endpoint: str, *, confirmed: bool = True, topic: str = TOPIC, **attributes: str
    ) -> str:
        """A topic and a subscription to it, served from now on; returns its id."""
        self.count += 1
        id_ = f"00000000-0000-4000-8000-{self.count:012d}"
        protocol = "sqs" if endpoint.startswith("arn:") else endpoint.partition(":")[0]
        nonce = f"{self.count:016x}"
        subscribed = TopicSubscribed(
            topic=topic,
            subscription=id_,
            protocol=protocol,
            endpoint=endpoint,
            owner=ACCOUNT,
            nonce=nonce,
            expires=self.clock.now() + LIFETIME,
            attributes=attributes,
            confirmed=confirmed,
        )
        await self.happen(TopicCreated(topic=topic), subscribed)
        await self.serve()
        return id_

    async def confirm(self, id_: str, nonce: str, topic: str = TOPIC) -> None:
        await self.happen(TopicConfirmed(topic=topic, subscription=id_, nonce=nonce))
        await self.serve()

    async def serve(self) -> None:
        """Begin the acts of what is saved, as the engine does."""
        acts = [deliveries.subscription_act(one, self.means) for one in self.served()]
        self.loops.set_acts([deliveries.confirmations_act(self.means), *acts])
        await self.caught_up()

    def served(self) -> list[deliveries.Served]:
        """Every subscription that gets messages."""
        with self.means.engine.connect() as connection:
            return deliveries.served(connection, self.clock.now())

    async def publish(self, body: str = "hello", **fields: Any) -> Event[TopicPublished]:
        (event,) = await self.happen(TopicPublished(**{"topic": TOPIC, "body": body, **fields}))
        return event

    async def caught_up(self) -> None:
        async with asyncio.timeout(60):
            await self.loops.caught_up()

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let time go by, a little at once, everything that falls due being done in its time."""
        end = self.clock.now() + int(seconds * SECOND)
        while self.clock.now() < end:
            await self.clock.advance(min(step, (end - self.clock.now()) / SECOND))
            await self.caught_up()

    async def queue(self, name: str, **attributes: str) -> str:
        """A queue of ours; its ARN."""
        now = self.clock.now() // 1000
        await self.means.queues.do(lambda c: keeping.create(c, ACCOUNT, name, attributes, {}, now))
        return f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"

    async def fetched(self, name: str) -> list[messages.Received]:
        """What waits in a queue; it is gone then."""
        now = self.clock.now() // 1000

        def fetch(connection: apsw.Connection) -> list[messages.Received]:
            queue = keeping.get(connection, ACCOUNT, name)
            found = messages.receive(connection, queue, 10, 30, now, in_flight=messages.InFlight())
            handles = [messages.read_handle(message.handle) for message in found]
            messages.delete(connection, queue, handles)
            return found

        return await self.means.queues.do(fetch)
