"""Which technique measures read time better: a real Chromium opens mails, leaves them in four ways, and is believed.

The truth is the time between the request for the pixel and what ended it, as the browser was told; what was measured is
the distance between `message.opened` and the end that `message.read` tells. Each technique on one worker, on two, and
behind an nginx that buffers, as it does unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from benchmarks.http import place
from benchmarks.report import Row
from benchmarks.servers import NGINX, Server, free_port, ours, running
from heliograph.accounts.directory import RELOAD_SECONDS, load_directory
from heliograph.app import accounts
from heliograph.database import open_state
from heliograph.events.engagement import MessageOpened, MessageRead
from heliograph.events.event import SECOND, Entry, new_id
from heliograph.journal.file_reader import FileReader
from heliograph.refs import MessageRef, Refs
from heliograph.settings import load as load_settings

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
"""A headless browser says that it is one, and is taken for a machine."""
STAYED = 30.0
FINAL = 26.0
"""Seconds after the last open by which everything is told."""
TECHNIQUES = ("held", "redirects")


class Leaving(NamedTuple):
    """A way to leave a mail, after so many seconds."""

    name: str
    after: float
    leave: Callable[[Page], Awaitable[object]]


LEAVINGS = (
    *(Leaving("page closed", after, lambda page: page.close()) for after in (1.2, 5.1, 9.7)),
    *(
        Leaving("gone elsewhere", after, lambda page: page.goto("data:text/html,x"))
        for after in (1.6, 4.3, 13.9)
    ),
    *(Leaving("picture removed", after, lambda page: page.evaluate(_REMOVE)) for after in (2.7, 6.6, 11.4)),
    Leaving("kept open", STAYED, lambda page: page.close()),
)
_REMOVE = "document.images[0].remove()"


class Read(NamedTuple):
    """One open: what is true, what was measured (both at most 20 s), and the requests that it took."""

    leaving: str
    true: float
    measured: float | None
    requests: int


def compared(scratch: Path) -> list[Row]:
    """Both techniques in all surroundings."""
    rows = []
    for technique in TECHNIQUES:
        for surroundings, workers in (("one worker", 1), ("two workers", 2), ("behind a buffering nginx", 1)):
            with place(scratch) as here, ours(here, workers=workers) as server:
                _choose(server, technique)
                with (
                    _proxied(here, server)
                    if "nginx" in surroundings
                    else contextlib.nullcontext(server.url) as url
                ):
                    if url is not None:
                        rows += _rows(f"{technique}, {surroundings}", asyncio.run(_reads(server, url)))
    return rows


def _rows(name: str, reads: list[Read]) -> list[Row]:
    rows = []
    for leaving in dict.fromkeys(read.leaving for read in reads):
        some = [read for read in reads if read.leaving == leaving]
        errors = [abs(read.measured - read.true) for read in some if read.measured is not None]
        worst = f"{max(errors):.2f} s" if errors else "-"
        told = f"{len(errors)} of {len(some)} known, off by at most {worst}"
        requests = sum(read.requests for read in some) / len(some)
        rows.append(Row(f"{name}: {leaving}", told, f"{requests:.1f} requests an open"))
    return rows


async def _reads(server: Server, url: str) -> list[Read]:
    refs = Refs(load_directory(open_state(server.data, read_only=True)).master)
    async with _chromium() as browser:
        opened = await asyncio.gather(*(_open(browser, server, url, refs, one) for one in LEAVINGS))
    await asyncio.sleep(max(0.0, FINAL - STAYED))
    entries = await _told(server, [message for message, *_ in opened])
    return [_read(entries, *one) for one in opened]


async def _open(
    browser: Browser, server: Server, url: str, refs: Refs, leaving: Leaving
) -> tuple[str, str, float, int]:
    """One mail, opened and left: the message, how, for how long it was open, and the requests that were made."""
    message = new_id(time.time_ns() // 1000)
    context: BrowserContext = await browser.new_context(user_agent=AGENT)
    page = await context.new_page()
    asked: list[float] = []

    def note(request: Request) -> None:
        if request.url.startswith(url):
            asked.append(time.monotonic())

    page.on("request", note)
    pixel = f"{url}/o/{refs.open(MessageRef(server.keys['account'], message, None))}.gif"
    await page.set_content(f'<p>a mail<img src="{pixel}">', wait_until="commit")
    while not asked:
        await asyncio.sleep(0.01)
    await asyncio.sleep(leaving.after - (time.monotonic() - asked[0]))
    left = time.monotonic()
    await leaving.leave(page)
    await asyncio.sleep(2.5)  # whoever goes on asking is counted
    await context.close()
    return message, leaving.name, min(20.0, left - asked[0]), len(asked)


def _read(entries: list[Entry], message: str, leaving: str, true: float, requests: int) -> Read:
    mine = [entry for entry in entries if json.loads(entry.data).get("message") == message]
    (opened,) = (entry for entry in mine if entry.kind == MessageOpened.kind)
    (read,) = (entry for entry in mine if entry.kind == MessageRead.kind)
    known = json.loads(read.data)["seconds"] >= 0
    return Read(leaving, true, min(20.0, (read.at - opened.at) / SECOND) if known else None, requests)


async def _told(server: Server, messages: list[str]) -> list[Entry]:
    """Everything about opens, once each of them has been told of."""
    reader = FileReader(server.data)
    kinds = frozenset((MessageOpened.kind, MessageRead.kind))
    async with asyncio.timeout(60):
        while True:
            entries = list(await asyncio.to_thread(reader.read, 0, kinds, 10_000))
            if sum(entry.kind == MessageRead.kind for entry in entries) >= len(messages):
                return entries
            await asyncio.sleep(0.2)


def _choose(server: Server, technique: str) -> None:
    settings = load_settings({"data": str(server.data)}, environ={})
    accounts.set_policy(settings, None, {"read_time": technique})
    time.sleep(RELOAD_SECONDS + 0.5)


@contextlib.contextmanager
def _proxied(directory: Path, server: Server) -> Iterator[str | None]:
    """The server behind nginx with its own defaults; None where there is none."""
    if NGINX is None:
        yield None
        return
    port = free_port()
    config = directory / "proxy.conf"
    paths = " ".join(
        f"{kind}_temp_path {directory}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"worker_processes 1; daemon off; pid {directory}/proxy.pid; error_log {directory}/proxy.err;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; client_body_temp_path {directory}/body; {paths}\n"
        f"  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {server.url}; }} }} }}\n"
    )
    url = f"http://127.0.0.1:{port}"
    with running([NGINX, "-c", str(config)], f"{url}/readyz", {}):
        yield url


@contextlib.asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox"]
        )
        yield browser
        await browser.close()
