"""A shop's web site on one port, a whole engine behind another: what pages send goes through real sockets.

In front of the engine stands a door that can be told to misbehave as the internet does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import ClientSession, web
from free_ports import free_port
from playwright.async_api import Page
from running_engine import SECONDS, Engine

VECTORS = Path(__file__).parent / "vectors"
VENDOR = "https://d3ryumxhbd2uw7.cloudfront.net"

_numbers = itertools.count()

Fault = int | str
"""What befalls a request of a page: a status that the door answers by itself; `proxy`, 503 without a word of CORS,
as load balancers do; `cut`, no answer and nothing recorded; `lost`, recorded and the answer lost."""


@dataclass(frozen=True)
class Recorded:
    """An event as the journal has it."""

    kind: str
    subject: str
    at: int
    recorded: int
    cause: str | None
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is about, in a word: for asserting on lists."""
        return str(self.data.get("product_id") or self.data.get("name") or self.kind)


class WebShop:
    """The site, the door, and what was recorded. `pages` are the bodies of HTML pages by path."""

    def __init__(self, engine: Engine, site_port: int) -> None:
        self.engine, self.site_port = engine, site_port
        self.site = f"http://127.0.0.1:{site_port}"
        self.door_port = free_port()
        self.door = f"http://127.0.0.1:{self.door_port}"
        self.store = engine.keys["store_id"]
        who = next(_numbers)
        self.ann, self.ben = f"ann{who}@x.example", f"ben{who}@x.example"
        self.anns, self.bens = f"email:{self.ann}", f"email:{self.ben}"
        self.is_ann = f"var _rmData = _rmData || []; _rmData.push(['setCustomer', '{self.ann}']);"
        """Two visitors whom no other test knows, and what a page says that knows the first."""
        self.pages: dict[str, str] = {}
        self.faults: deque[Fault] = deque()
        self.sent: list[list[dict[str, Any]]] = []
        """The batches that pages sent, whatever befell them."""
        self.open = asyncio.Event()
        """While it is not set, what pages send waits at the door."""
        self.open.set()
        self._from = self._head()

    async def __aenter__(self) -> WebShop:
        self._client = ClientSession(auto_decompress=False)
        self._runners = [await _serve(self._page, self.site_port), await _serve(self._pass, self.door_port)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.set()
        for runner in self._runners:
            await runner.cleanup()
        await self._client.close()

    def snippet(self, name: str, **replaced: str) -> str:
        """A snippet of the document, verbatim but for the host and what the document says to fill in."""
        text = (VECTORS / name).read_text().replace(VENDOR, self.door)
        for old, new in {"AAABBB": self.store, "<STORE_ID>": self.store, **replaced}.items():
            text = text.replace(old, new)
        return text

    def html(self, *scripts: str) -> str:
        """A page with these scripts, and the document's snippet "just before the </body> tag" (S3:L102)."""
        inline = "".join(f"<script>{script}</script>" for script in scripts)
        return f"<!doctype html><body><h1>Shop</h1>{inline}{self.snippet('s3_snippet.html')}</body>"

    def recorded(self, subject: str | None = None) -> list[Recorded]:
        """What was recorded since this shop opened, of one subject or of all but the engine's own doings."""
        return [event for event in self._read() if event.cause is None and subject in (None, event.subject)]

    def followed(self, *kinds: str) -> list[Recorded]:
        """What the engine made of it since this shop opened, of these kinds."""
        return [event for event in self._read() if event.cause is not None and event.kind in kinds]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true."""
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, (
                f"it did not happen; recorded: {self.recorded()}, sent: {self.sent}"
            )
            await asyncio.sleep(0.01)

    async def visit(self, page: Page, *scripts: str, path: str = "/") -> None:
        """Show a page with these scripts, and wait for ours."""
        self.pages[path] = self.html(*scripts)
        page.set_default_timeout(SECONDS * 1000)
        await page.goto(self.site + path)
        await page.wait_for_function("_rmData.heliograph === true && _rmData.hasOwnProperty('push')")

    def _read(self) -> list[Recorded]:
        rows = self._ask(
            "SELECT kind, subject, at, recorded, cause, data FROM event WHERE seq > ? ORDER BY seq",
            self._from,
        )
        return [Recorded(*row[:5], json.loads(row[5])) for row in rows]

    def _head(self) -> int:
        return int(self._ask("SELECT ifnull(max(seq), 0) FROM event")[0][0])

    def _ask(self, query: str, *values: int) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.engine.data / 'journal.db'}?mode=ro", uri=True)) as journal:
            return journal.execute(query, values).fetchall()

    async def _page(self, request: web.Request) -> web.Response:
        if request.path not in self.pages:
            return web.Response(status=404)
        return web.Response(text=self.pages[request.path], content_type="text/html")

    async def _pass(self, request: web.Request) -> web.Response:
        body = await request.read()
        fault: Fault = ""
        if request.method == "POST":
            self.sent.append(json.loads(body))
            await self.open.wait()
            if request.transport is None or request.transport.is_closing():
                return web.Response()  # its page hung up before it had everything out
            fault = self.faults.popleft() if self.faults else ""
        named = {"access-control-allow-origin": request.headers.get("origin", "")}
        if isinstance(fault, int):
            return web.Response(status=fault, headers=named)
        if fault == "proxy":
            return web.Response(status=503)
        if fault == "cut":
            return self._cut(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        url = self.engine.url + request.path_qs
        async with self._client.request(request.method, url, data=body, headers=headers) as answer:
            told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            passed = web.Response(status=answer.status, body=await answer.read(), headers=told)
        return self._cut(request) if fault == "lost" else passed

    @staticmethod
    def _cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()


_HOP_BY_HOP = {"content-length", "connection", "transfer-encoding", "date", "server"}


async def _serve(answer: Any, port: int) -> web.AppRunner:
    application = web.Application(client_max_size=1 << 22)
    application.router.add_route("*", "/{path:.*}", answer)
    # Who is being answered at the end is answered: what a page said on leaving is not recorded amid the next test.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=SECONDS)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    return runner
