"""An account with an engine's folds running: the API to keep records, and the door to look them up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from door_calls import Doors

from heliograph import api
from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.api.call import Means
from heliograph.app.pages import pages
from heliograph.clock import SECOND, SystemClock
from heliograph.database import METADATA, Reading, open_state
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.loops import Loops
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound import records
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means as FeedMeans
from heliograph.queues.file import QueueFile
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.settings import Settings
from heliograph.web.http import Reply

NOW = 1_700_000_000 * SECOND


class AheadClock(SystemClock):
    """The machine's clock, put forward."""

    ahead = 0

    def now(self) -> int:
        return super().now() + self.ahead


class World:
    """Opened by the fixture `world`."""

    def __init__(self, data: Path, journal: SqliteJournal) -> None:
        self.clock = AheadClock()
        self.journal = journal
        self.state = open_state(data)
        METADATA.create_all(self.state)
        made = keys.first_start(self.state, data, "http://x.example", NOW)
        assert made is not None
        self.account, self.key = made["account"], made["api_key"]
        self.store_key = made["store_key"]
        self.reading = open_state(data, read_only=True)
        self.directory = load_directory(self.reading)
        self.settings = Settings(data=str(data), address_rate=1000)
        egress = Egress(self.settings)
        means = Means(
            journal=journal,
            state=self.reading,
            evidence=EvidenceFiles(data),
            directory=self.directory,
            clock=self.clock,
            feeds=FeedMeans(
                reading=Reading(self.reading),
                directory=self.directory,
                egress=egress,
                queues=QueueFile(data),
                links=Links(),
                journal=journal,
                readers=Readers(),
                settings=self.settings,
                clock=self.clock,
            ),
            egress=egress,
            base="http://x.example",
        )
        self.application = pages(journal, self.reading, api.routes(means, self.settings))
        self.doors = Doors(records.routes(self.directory, journal, self.reading, self.clock, self.settings))
        self.loops = Loops(journal=journal, engine=self.state, clock=self.clock, folds=FOLDS, reactions=())

    async def api(self, method: str, path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
        """A call of the operators' API."""
        content = b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": f"/api/v1{path}",
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"x-api-key", self.key.encode()), (b"content-type", b"application/json")],
            "client": ("198.51.100.7", 1),
            "server": ("x.example", 80),
        }
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            told.append(message)

        await self.application(scope, receive, send)
        return told[0]["status"], json.loads(b"".join(one.get("body", b"") for one in told[1:]))

    async def put(self, key: str, record: dict[str, Any], **more: Any) -> None:
        """Keep a record of the data source DEMO2."""
        status, answer = await self.api("PUT", f"/records/DEMO2/{key}", {"record": record, **more})
        assert status == 200, answer

    async def look_up(self, query: str, *, token: str | None = None, method: str = "GET") -> Reply:
        """`/v5/engage/context`, with the API key unless another token is named."""
        sent = {"authorization": self.key if token is None else token}
        return await self.doors.ask("/v5/engage/context", method=method, headers=sent, query=query)

    async def log_in(self, username: str, password: str) -> Reply:
        """`/v5/provisioning/login`."""
        body = json.dumps({"username": username, "password": password}).encode()
        return await self.doors.ask("/v5/provisioning/login", method="POST", content=body)

    async def told(self, *kinds: str) -> list[AnyEvent]:
        """What is in the journal, of these kinds."""
        return [codec.decode(one) for one in await self.journal.read(0, kinds=frozenset(kinds))]
