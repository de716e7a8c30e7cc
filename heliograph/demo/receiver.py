"""A receiver of webhooks that checks every signature, and a small web page to look at mails and webhooks.

The check is the document's own sample (S3: PHP, base64 of HMAC-SHA256 over the body) written in Python.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import html
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from aiohttp import web

from heliograph.demo.mailbox import Mailbox, html_of

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Heliograph demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="5">
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui;margin:2rem;max-width:60rem}}
td{{padding:.2rem 1rem .2rem 0;vertical-align:top;overflow-wrap:anywhere;min-width:7rem}}code{{font-size:.85em}}</style>
<h1>Heliograph demo</h1><h2>Mails</h2><table>{mails}</table><h2>Webhooks, newest first</h2><table>{hooks}</table>"""


class Hook(NamedTuple):
    """One webhook as it came."""

    topic: str
    body: dict[str, Any]
    genuine: bool
    at: float


class Receiver:
    """Listens for webhooks at `/hooks` and shows what came at `/`."""

    def __init__(self, mailbox: Mailbox, arrived: Callable[[Hook], None] | None = None) -> None:
        self.hooks: list[Hook] = []
        self.secret = ""
        self.address = ""
        self._mailbox = mailbox
        self._arrived = arrived
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns HOST:PORT."""
        application = web.Application()
        application.add_routes(
            [web.post("/hooks", self._hook), web.get("/", self._page), web.get("/mail/{number}", self._mail)]
        )
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0]
        self.address = f"{bound[0]}:{bound[1]}"
        return self.address

    async def stop(self) -> None:
        """Close the server."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait(self, topic: str, seconds: float, *, count: int = 1) -> Hook:
        """The `count`th webhook of a topic, as soon as it has come. Raises TimeoutError."""

        def enough() -> bool:
            return sum(hook.topic == topic for hook in self.hooks) >= count

        async with asyncio.timeout(seconds), self._came:
            await self._came.wait_for(enough)
        return [hook for hook in self.hooks if hook.topic == topic][count - 1]

    async def _hook(self, request: web.Request) -> web.Response:
        at = time.monotonic()
        body = await request.read()
        digest = base64.b64encode(hmac.new(self.secret.encode(), body, hashlib.sha256).digest()).decode()
        genuine = hmac.compare_digest(digest, request.headers.get("X-Event-Hmac-SHA256", ""))
        hook = Hook(request.headers.get("X-Event-Topic", ""), json.loads(body), genuine, at)
        self.hooks.append(hook)
        async with self._came:
            self._came.notify_all()
        if self._arrived:
            self._arrived(hook)
        return web.Response(text="ok")

    async def _page(self, _: web.Request) -> web.Response:
        mails = "".join(
            f'<tr><td><a href="/mail/{n}">{html.escape(str(mail["subject"]))}</a><td>{html.escape(str(mail["to"]))}'
            for n, mail in enumerate(self._mailbox.mails, 1)
        )
        hooks = "".join(
            f"<tr><td>{html.escape(hook.topic)}<td><code>{html.escape(json.dumps(hook.body))}</code>"
            for hook in reversed(self.hooks[-100:])
        )
        return web.Response(text=PAGE.format(mails=mails, hooks=hooks), content_type="text/html")

    async def _mail(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        mails = self._mailbox.mails
        if not number.isdigit() or not 1 <= int(number) <= len(mails):
            raise web.HTTPNotFound
        return web.Response(text=html_of(mails[int(number) - 1]), content_type="text/html")
