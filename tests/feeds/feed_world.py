"""What tests of feeds are made of: events, messages, an account, and a receiver on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from typing import Any

import msgspec
from msgspec import inspect

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key, Policy
from heliograph.events import codec
from heliograph.events.event import Data, Event
from heliograph.events.messages import Campaign
from heliograph.events.vocabulary import KINDS
from heliograph.outbound.feeds.dialect import About
from heliograph.signing import Keyring

ACCOUNT = "123456789012"
OTHER = "999999999999"
SECRET = "whsec-0123456789"
NOW = 1_700_000_000_000_000
ADMIN = "admin@shop.example"


def event(
    data: Data, *, at: int = NOW, account: str = ACCOUNT, subject: str = "email:john@doe.com"
) -> Event[Data]:
    return codec.make(data, account=account, subject=subject, now=at)


def email_message(id: str, address: str, campaign: Campaign | None) -> About:
    return About(id, "email", address, campaign=campaign)


def text_message(id: str, number: str, campaign: Campaign | None, *, sender: str = "") -> About:
    return About(id, "sms", number, sender=sender, campaign=campaign)


def directory(*secrets: str, admin: str = ADMIN, **policy: Any) -> Directory:
    """An account whose webhook secrets were made in this order, and another account."""
    accounts = [
        Account(number=ACCOUNT, store_id="shop", policy=Policy(admin_email=admin, **policy)),
        Account(number=OTHER, store_id="other"),
    ]
    keys = [
        Key(
            id=str(number),
            account=ACCOUNT,
            kind="webhook",
            public=f"wh{number}",
            secret=secret,
            created=number,
        )
        for number, secret in enumerate(secrets)
    ]
    return Directory(accounts, keys, Keyring(keys={0: bytes(32)}, current=0))


@dataclass
class Post:
    """One webhook as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded


@dataclass
class Receiver:
    """Answers request after request: a status, `hang` (say nothing) or `reset`; the last is repeated."""

    answers: tuple[int | str, ...]
    port: int = 0
    posts: list[Post] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?key=1"

    async def until(self, count: int, *, seconds: float = 60) -> list[Post]:
        """The posts, once there are so many."""
        async with self.arrived, asyncio.timeout(seconds):
            await self.arrived.wait_for(lambda: len(self.posts) >= count)
        return self.posts

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                headers = dict(BytesHeaderParser().parsebytes(head.partition(b"\r\n")[2]).items())
                answer = self.answers[min(len(self.posts), len(self.answers) - 1)]
                body = await reader.readexactly(int(headers["Content-Length"]))
                async with self.arrived:
                    self.posts.append(Post(headers, body))
                    self.arrived.notify_all()
                if answer == "reset":
                    writer.transport.abort()
                elif answer == "hang":
                    await reader.read()
                else:
                    body = b"" if answer == 204 else b"why?"
                    writer.write(
                        f"HTTP/1.1 {answer} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                    )
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def examples_of_all_kinds() -> Iterator[Data]:
    """One event of every kind there is, with the least that it must say."""
    for kind in KINDS:
        yield msgspec.convert(_least(inspect.type_info(kind)), kind)


def _least(type_: inspect.Type) -> Any:
    if isinstance(type_, inspect.StructType):
        return {item.encode_name: _least(item.type) for item in type_.fields if item.required}
    if isinstance(type_, inspect.UnionType):
        return _least(type_.types[0])
    if isinstance(type_, inspect.LiteralType):
        return type_.values[0]
    simple: dict[type, Any] = {
        inspect.StrType: "x",
        inspect.IntType: 1,
        inspect.FloatType: 1.0,
        inspect.BoolType: True,
        inspect.DictType: {},
        inspect.AnyType: None,
        inspect.NoneType: None,
    }
    return simple.get(type(type_), [])
