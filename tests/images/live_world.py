"""Live pictures of one worker without its processes: the API and the doors, on a journal in memory and a real state."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from door_calls import Doors
from starlette.applications import Starlette

from heliograph.accounts import keys
from heliograph.accounts.directory import Directory, load_directory
from heliograph.accounts.model import KeyKind
from heliograph.app.pages import pages
from heliograph.clock import ManualClock
from heliograph.database import open_state
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.journal.memory import MemoryJournal
from heliograph.migrations import migrate
from heliograph.outbound.images import live
from heliograph.outbound.images.sources.picture import Picture, PictureType, Unusable
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.refs import Refs
from heliograph.settings import Settings
from heliograph.web.http import Reply

READERS = Readers()
BASE = "https://pictures.example"
NOW = 1_700_000_000_000_000  # 2023-11-14T22:13:20Z


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gallery:
    """Operators' pictures without a network: one picture for each known URL."""

    def __init__(self) -> None:
        self.pictures: dict[str, Picture] = {}

    def hang(self, url: str, body: bytes, type: PictureType = "image/png") -> None:
        self.pictures[url] = Picture(type, 10, 10, body)

    async def picture(self, url: str) -> Picture | None:
        return self.pictures.get(url)

    async def look(self, url: str) -> Picture | Unusable:
        return self.pictures.get(url) or Unusable("could not be fetched (dns: no address)")


class World:
    """A worker's live pictures. Two of them on one journal and state are two workers."""

    def __init__(
        self,
        data: Path,
        journal: MemoryJournal,
        clock: ManualClock,
        credentials: dict[str, Any],
        **settings: Any,
    ) -> None:
        self.journal, self.clock, self.data, self.keys = journal, clock, data, credentials
        self.engine = open_state(data, read_only=True)
        self.directory: Directory = load_directory(self.engine)
        self.refs = Refs(self.directory.master)
        parts: dict[str, Any] = {"data": str(data), "base_url": BASE, **settings}
        self.gallery = Gallery()
        self.live = live.open_live(
            Settings(**parts), self.directory, self.refs, journal, self.engine, clock, self.gallery, READERS
        )
        self.app: Starlette = pages(journal, self.engine, self.live.pages)
        self.doors = Doors(tuple(self.live.doors))
        self.folded = 0

    async def call(
        self, method: str, path: str, body: Any = None, *, key: str | None = "api", **headers: str
    ) -> Answer:
        """A call of the API below `/v3/personalize`, or of an absolute path."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent.setdefault("authorization", f"Bearer {self.keys['api_key'] if key == 'api' else key}")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None:
            sent.setdefault("content-type", "application/json")
        return await self.raw(
            method, path if path.startswith("/") else f"/v3/personalize/{path}", content, sent
        )

    async def raw(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        split = urlsplit(path)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": split.path,
            "raw_path": split.path.encode(),
            "query_string": split.query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": ("198.51.100.9", 1),
            "server": ("pictures.example", 443),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], told, b"".join(one.get("body", b"") for one in sent[1:]))

    async def look(
        self, url: str, method: str = "GET", *, client: str = "203.0.113.77", **headers: str
    ) -> Reply:
        """What a mail client gets for a URL that was published."""
        split = urlsplit(url)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.doors.ask(split.path, method=method, query=split.query, headers=sent, client=client)

    async def events(self, *kinds: str) -> Sequence[AnyEvent]:
        entries = [codec.decode(entry) for entry in await self.journal.read(0)]
        return [event for event in entries if not kinds or event.kind in kinds]

    async def fold(self) -> None:
        """What the engine does with what was recorded."""
        writing = open_state(self.data)
        entries = await self.journal.read(self.folded)
        with writing.begin() as connection:
            for fold in FOLDS:
                mine = [codec.decode(entry) for entry in entries if entry.kind in fold.kinds]
                if mine:
                    fold.apply(connection, mine)
        self.folded = entries[-1].seq if entries else self.folded
        writing.dispose()

    async def publish(self, segment: str, **attributes: Any) -> Any:
        """The `data` of a publication that must succeed."""
        answer = await self.call("POST", f"{segment}/publish", {"data": {"attributes": attributes}})
        assert answer.status == 200, answer.body
        return answer.json["data"]

    def add_key(self, kind: KeyKind, account: str | None = None) -> tuple[str, str]:
        """A further key: its public part and its secret."""
        writing = open_state(self.data)
        with writing.begin() as connection:
            key, secret = keys.add_key(connection, account or self.keys["account"], kind, NOW)
        self.directory.reload(writing)
        writing.dispose()
        return key.public, secret

    async def close(self) -> None:
        self.live.close()
        self.engine.dispose()


def prepared(data: Path) -> dict[str, Any]:
    """A data directory as a first start leaves it; its credentials."""
    data.mkdir(exist_ok=True)
    engine = open_state(data)
    migrate(engine)
    made = keys.first_start(engine, data, BASE, NOW)
    engine.dispose()
    assert made is not None
    return made
