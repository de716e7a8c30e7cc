"""An account with its API: the pages as they are served, over a journal in memory and a state that follows it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from heliograph import api
from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import KeyKind
from heliograph.api.call import Means
from heliograph.app.pages import pages
from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, Reading, open_state
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.event import AnyEvent, Data
from heliograph.events.people import Customer, PersonUpdated
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.consumer import Reaction
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means as FeedMeans
from heliograph.queues.file import QueueFile
from heliograph.react import identities
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.settings import Settings

NOW = 1_700_000_000 * SECOND


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.raw)


class World:
    """One account with a key of the API, and a second account beside it."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock(NOW)
        self.journal = MemoryJournal()
        self.state = open_state(data)
        METADATA.create_all(self.state)
        made = keys.first_start(self.state, data, "http://x.example", NOW)
        assert made is not None
        self.account, self.key = made["account"], made["api_key"]
        self.store_key = made["store_key"]
        with self.state.begin() as connection:
            self.other = keys.add_account(connection, "Other", NOW).number
            _, self.other_key = keys.add_key(connection, self.other, "api", NOW)
        self.reading = open_state(data, read_only=True)
        receivers = Settings(egress_allow=("127.0.0.0/8",), webhook_https_only=False, webhook_timeout=60.0)
        egress = Egress(receivers)
        self.means = Means(
            journal=self.journal,
            state=self.reading,
            evidence=EvidenceFiles(data),
            directory=load_directory(self.reading),
            clock=self.clock,
            feeds=FeedMeans(
                reading=Reading(self.reading),
                directory=load_directory(self.reading),
                egress=egress,
                queues=QueueFile(data),
                links=Links(),
                journal=self.journal,
                readers=Readers(),
                settings=receivers,
                clock=self.clock,
            ),
            egress=egress,
            base="https://mail.shop.example",
        )
        settings = Settings(data=str(data), address_rate=1000, key_rate=1000)
        self.application = pages(self.journal, self.reading, api.routes(self.means, settings))
        self._folded = 0

    def close(self) -> None:
        """Let go."""
        self.means.feeds.queues.close()
        self.reading.dispose()
        self.state.dispose()

    async def happen(self, data: Data, *, subject: str = "account:1", account: str | None = None) -> AnyEvent:
        """Record an event a second later, and fold it."""
        await self.clock.advance(1)
        event = codec.make(data, account=account or self.account, subject=subject, now=self.clock.now())
        await self.journal.append([codec.encode(event)])
        await self.follow()
        return event

    async def customer(self, account: str | None = None, **fields: Any) -> AnyEvent:
        """A shop tells of a customer."""
        subject = f"email:{fields['email']}" if fields.get("email") else f"customer:{fields.get('id')}"
        return await self.happen(PersonUpdated(person=Customer(**fields)), subject=subject, account=account)

    async def follow(self, reaction: Reaction = identities.REACTION) -> None:
        """Fold what is recorded, and let the reaction decide on it, until nothing comes of it."""
        while entries := await self.journal.read(self._folded):
            self._folded = entries[-1].seq
            events = [codec.decode(entry) for entry in entries]
            with self.state.begin() as connection:
                for fold in FOLDS:
                    fold.apply(connection, [one for one in events if one.kind in fold.kinds])
                mine = [one for one in events if one.kind in reaction.kinds]
                following = reaction.decide(connection, mine, self.clock.now())
            await self.journal.append_once([codec.encode(one) for one in following])

    def policy(self, **changes: Any) -> None:
        """Change the account's policy."""
        with self.state.begin() as connection:
            keys.set_policy(connection, self.account, changes)
        self.means.directory.reload(self.reading)

    def new_key(self, kind: KeyKind) -> str:
        """A key of another kind."""
        with self.state.begin() as connection:
            _, secret = keys.add_key(connection, self.account, kind, NOW)
        self.means.directory.reload(self.reading)
        return secret

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = "",
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """One request, as the entry hands it to the pages. `key` empty: the account's own; None: none."""
        sent = {"x-api-key": key or self.key} if key is not None else {}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            sent["content-type"] = "application/json"
        sent |= headers or {}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": urlencode(query, doseq=True).encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": ("198.51.100.7", 1),
            "server": ("x.example", 80),
        }
        told: list[Any] = []
        given = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not given:
                await asyncio.Event().wait()  # the client stays
            return given.pop()

        async def send(message: Any) -> None:
            told.append(message)

        await self.application(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        return Answer(told[0]["status"], head, b"".join(one.get("body", b"") for one in told[1:]))
