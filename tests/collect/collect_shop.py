"""A shop that sends events: requests as the entry makes them, a journal that keeps them, and the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key, Policy
from heliograph.clock import SECOND, ManualClock
from heliograph.database import memory_state
from heliograph.errors import CallerError, TooLarge, Unavailable
from heliograph.events import codec
from heliograph.events.event import AnyEvent, Record, Unknown
from heliograph.inbound.collect import routes
from heliograph.journal.memory import MemoryJournal
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings
from heliograph.signing import Keyring, fingerprint
from heliograph.web.http import Reply

VECTORS = Path(__file__).parent / "vectors"
NOW = 1_700_000_000 * SECOND
STORE_KEY, API_KEY, OTHER_STORE_KEY, OTHER_API_KEY = "hst_first", "hak_first", "hst_second", "hak_second"
ORIGIN = "https://shop.example"
KEYED = {"x-token": STORE_KEY}


@dataclass
class Call:
    """One request (`heliograph.web.http.Request`)."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes
    client: str = "198.51.100.7"
    body_was_read: bool = False

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    async def body(self, limit: int) -> bytes:
        self.body_was_read = True
        if len(self.content) > limit:
            raise TooLarge(f"over {limit} bytes")
        return self.content


class Kept(MemoryJournal):
    """A journal that can be told to refuse: `fault` is raised instead of recording."""

    fault: Exception | None = None

    @property
    def records(self) -> list[Record]:
        """Everything recorded."""
        return [Record(*entry[1:]) for entry in self._entries]

    async def append(self, records: Sequence[Record]) -> None:
        if self.fault:
            raise self.fault
        await super().append(records)


class Shop:
    """Store AAABBB with its keys, another store BBBCCC with others, and the doors in front of a journal."""

    def __init__(
        self, *, policy: Policy | None = None, settings: Settings | None = None, state: Engine | None = None
    ) -> None:
        self.clock = ManualClock(NOW)
        self.journal = Kept()
        accounts = [
            Account(number="111111111111", store_id="AAABBB", policy=policy or Policy()),
            Account(number="222222222222", store_id="BBBCCC"),
        ]
        keys = [
            _key("111111111111", "store", STORE_KEY),
            _key("111111111111", "api", API_KEY),
            _key("222222222222", "store", OTHER_STORE_KEY),
            _key("222222222222", "api", OTHER_API_KEY),
        ]
        self.directory = Directory(accounts, keys, Keyring({1: b"m" * 32}, 1))
        self.state = state or create_engine("sqlite://")  # which only contacts ask
        found = routes(self.directory, self.journal, self.clock, settings or Settings(), self.state)
        self.routes = {route.prefix: route for route in found}

    async def call(self, call: Call) -> Reply:
        """What the entry does with a request."""
        route = self.routes[call.path.split("/")[1]]
        try:
            return await route.handler(call)
        except (CallerError, Unavailable) as error:
            return route.error(error)

    async def send(
        self,
        type: str | None,
        body: Any,
        *,
        path: str = "/webhooks/store/AAABBB",
        query: str = "",
        method: str = "POST",
        key: bool = True,
        client: str = "198.51.100.7",
        **headers: str,
    ) -> Reply:
        """One event; header names with underscores. `body`: bytes as they are, anything else as JSON."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if type is not None:
            sent["x-event-type"] = type
        if key:
            sent["x-token"] = STORE_KEY
        return await self.call(Call(method, path, query, sent, as_bytes(body), client))

    async def batch(
        self,
        body: Any,
        *,
        path: str = "/api/v1/events/batch",
        query: str = "",
        method: str = "POST",
        **headers: str,
    ) -> Reply:
        """A batch, with the account's key."""
        sent = {"x-api-key": API_KEY} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call(Call(method, path, query, sent, as_bytes(body)))

    @property
    def events(self) -> list[AnyEvent]:
        """Everything recorded, decoded as later readers do."""
        return [codec.decode(record) for record in self.journal.records]

    @property
    def last(self) -> AnyEvent:
        """The event recorded last."""
        return self.events[-1]

    @property
    def stored(self) -> dict[str, Any]:
        """The data of the event recorded last, as JSON."""
        found: dict[str, Any] = json.loads(self.journal.records[-1].data)
        return found

    def check_readable(self) -> None:
        """Every recorded event can be read by whoever comes later."""
        for record in self.journal.records:
            event = codec.decode(record)
            assert not isinstance(event.data, Unknown), record
            assert isinstance(codec.properties(event), dict)
            assert record.subject.isprintable() or "\x00" not in record.subject
            assert 0 <= record.at <= record.recorded + 300 * SECOND


class Counter(Shop):
    """A shop with a state behind it, folded when asked: what was told is there to be asked for."""

    def __init__(self, policy: Policy | None = None) -> None:
        super().__init__(policy=policy, state=memory_state())
        self._folded = 0

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
        """To the contacts API; with the store's key unless `headers` say otherwise."""
        return await self.call(Call("POST", path, "", KEYED if headers is None else headers, as_bytes(body)))

    async def get(self, path: str, query: str = "", headers: dict[str, str] | None = None) -> Reply:
        """The same, asked."""
        return await self.call(Call("GET", path, query, KEYED if headers is None else headers, b""))

    async def listed(self, query: str = "") -> list[dict[str, Any]]:
        """The customers of a page, once state has what was recorded."""
        self.fold()
        reply = await self.get("/api/v2/stores/AAABBB/customers", query)
        assert reply.status == 200, reply.body
        found: list[dict[str, Any]] = answer(reply)["customers"]
        return found

    def fold(self) -> None:
        """What the engine does with what was recorded since."""
        events, self._folded = self.events[self._folded :], len(self.events)
        with self.state.begin() as connection:
            for fold in FOLDS:
                if mine := [event for event in events if event.kind in fold.kinds]:
                    fold.apply(connection, mine)

    @property
    def kinds(self) -> list[str]:
        """The kinds of everything recorded."""
        return [event.kind for event in self.events]


def as_bytes(body: Any) -> bytes:
    """Bytes as they are, anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def vector(name: str) -> bytes:
    """A body as its sender sends it."""
    return (VECTORS / f"{name}.json").read_bytes()


def answer(reply: Reply) -> dict[str, Any]:
    """The JSON of an answer."""
    found: dict[str, Any] = json.loads(reply.body)
    return found


def headers_of(reply: Reply) -> dict[str, str]:
    """The headers of an answer."""
    return dict(reply.headers)


def _key(account: str, kind: Any, token: str) -> Key:
    return Key(
        id=f"key_{token}", account=account, kind=kind, public=token[:5], fingerprint=fingerprint(token)
    )
