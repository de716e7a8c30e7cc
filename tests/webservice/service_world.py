"""An account with the web service: its one page as it is served, over a journal on disk and a state that follows it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from lxml import etree

from heliograph import webservice
from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.app.pages import pages
from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, open_state
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.event import AnyEvent, Data, Event
from heliograph.events.messages import MessageRequested
from heliograph.journal.sqlite import SqliteJournal
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings

NOW = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z
NAMESPACE = "{http://messagegears.com/3.1/webService}"
SCHEMA = etree.XMLSchema(etree.parse(Path(webservice.__file__).parent / "schema.xsd"))


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def xml(self) -> Any:
        """The root, checked against the schema that `Action=XSD` serves."""
        root = etree.fromstring(self.raw)
        SCHEMA.assertValid(root)
        return root

    def text(self, path: str) -> str | None:
        """The text of an element: `RequestErrors/RequestError/ErrorCode`."""
        found: str | None = self.xml.findtext("/".join(NAMESPACE + name for name in path.split("/")))
        return found

    @property
    def error(self) -> str | None:
        """The message of a failed call; None where it was done."""
        assert self.status == 200
        failed = self.text("Result") == "REQUEST_FAILED"
        return self.text("RequestErrors/RequestError/ErrorMessage") if failed else None


class World:
    """Opened by the fixture `world`."""

    def __init__(self, data: Path, journal: SqliteJournal) -> None:
        self.clock = ManualClock(NOW)
        self.journal = journal
        self.state = open_state(data)
        METADATA.create_all(self.state)
        made = keys.first_start(self.state, data, "http://x.example", NOW)
        assert made is not None
        self.account, self.key, self.store_key = made["account"], made["api_key"], made["store_key"]
        self.reading = open_state(data, read_only=True)
        self.directory = load_directory(self.reading)
        self.means = webservice.Means(
            journal=journal,
            state=self.reading,
            directory=self.directory,
            clock=self.clock,
            egress=Egress(Settings(egress_allow=("127.0.0.0/8",))),
            base="https://mail.shop.example",
        )
        settings = Settings(data=str(data), address_rate=1000)
        self.application = pages(journal, self.reading, webservice.routes(self.means, settings))
        self._folded = 0

    def event(self, data: Data, *, at: int | None = None, **more: Any) -> Event[Data]:
        """An event of this account."""
        now = self.clock.now() if at is None else at
        more.setdefault("subject", "email:joe@x.example")
        return codec.make(data, account=more.pop("account", self.account), now=now, **more)

    async def happen(self, *events: AnyEvent) -> None:
        """Record these, and fold them."""
        await self.journal.append([codec.encode(event) for event in events])
        await self.follow()

    async def message(self, **said: Any) -> AnyEvent:
        """A message that was asked for."""
        wanted = {"address": "joe@x.example", "template": "t", **said}
        event = self.event(MessageRequested(**wanted))
        await self.happen(event)
        return event

    async def follow(self) -> None:
        """Fold what is recorded."""
        while entries := await self.journal.read(self._folded):
            self._folded = entries[-1].seq
            events = [codec.decode(entry) for entry in entries]
            with self.state.begin() as connection:
                for fold in FOLDS:
                    fold.apply(connection, [one for one in events if one.kind in fold.kinds])

    async def told(self, *kinds: str) -> list[AnyEvent]:
        """What is in the journal, of these kinds."""
        return [codec.decode(one) for one in await self.journal.read(0, kinds=frozenset(kinds))]

    async def call(self, action: str, **fields: str) -> Answer:
        """A call with the right credentials, by POST."""
        said = {"Action": action, "AccountId": self.account, "ApiKey": self.key, **fields}
        return await self.post(urlencode(said).encode())

    async def post(self, body: bytes) -> Answer:
        """A POST of this form."""
        return await self.ask("POST", b"", body)

    async def ask(self, method: str, query: bytes, body: bytes) -> Answer:
        """One request, as the entry hands it to the pages."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": "/3.1/WebService",
            "raw_path": b"/3.1/WebService",
            "query_string": query,
            "root_path": "",
            "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
            "client": ("198.51.100.7", 1),
            "server": ("x.example", 80),
        }
        told: list[Any] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not given:
                await asyncio.Event().wait()  # the client stays
            return given.pop()

        async def send(message: Any) -> None:
            told.append(message)

        await self.application(scope, receive, send)
        head = {name.decode(): value.decode() for name, value in told[0]["headers"]}
        return Answer(told[0]["status"], head, b"".join(one.get("body", b"") for one in told[1:]))
