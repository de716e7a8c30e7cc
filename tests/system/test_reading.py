"""For how long mails stay open, through whole engines: a real browser, several workers, a stop in the middle."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from playwright.async_api import Browser
from running_engine import SECONDS, Engine

from heliograph.accounts.directory import load_directory
from heliograph.database import open_state
from heliograph.events.event import new_id
from heliograph.events.readtimes import CAP, STEP
from heliograph.refs import MessageRef, Refs

Launch = Callable[..., Engine]

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
"""A headless browser says that it is one, and is taken for a machine."""


CLOCKS = 0.1
"""Seconds by which a clock on the wall may be turned while one measures."""


def pixels(engine: Engine, number: int) -> list[str]:
    state = open_state(engine.data, read_only=True)
    refs = Refs(load_directory(state).master)
    state.dispose()
    messages = [new_id(place) for place in range(number)]
    return [f"/o/{refs.open(MessageRef(engine.keys['account'], message, None))}.gif" for message in messages]


def lasted(engine: Engine, read: dict[str, Any]) -> float:
    """Seconds between an open and its end, as they were measured."""
    (opened,) = (e for e in engine.exported("message.opened") if e["id"] == read["data"]["open"])
    began, ended = (datetime.fromisoformat(event["at"]) for event in (opened, read))
    return (ended - began).total_seconds()


async def test_a_mail_that_was_open_in_a_browser_is_told_of_when_it_is_closed(
    launch: Launch, chromium: Browser
) -> None:
    """LIT-7, LIT-9: by the technique that is used unless told otherwise."""
    engine = launch(workers=2)
    context = await chromium.new_context(user_agent=AGENT)
    page = await context.new_page()
    start = time.monotonic()
    (pixel,) = pixels(engine, 1)
    await page.set_content(f'<p>Hello<img src="{engine.url}{pixel}">', wait_until="commit")
    engine.until(lambda: engine.exported("message.opened"))
    seen = time.monotonic()
    await page.wait_for_timeout(2300)
    least = min(time.monotonic() - seen, CAP)
    assert engine.exported("message.read") == [] or time.monotonic() - start > CAP
    await page.close()
    engine.until(lambda: engine.exported("message.read"))
    most = time.monotonic() - start
    await context.close()
    (read,) = engine.exported("message.read")
    measured = lasted(engine, read)
    assert least - CLOCKS < measured < most + CLOCKS
    told = min(CAP, int(measured // STEP * STEP))
    assert (read["data"]["seconds"], read["data"]["category"]) == (told, "Skimmed" if told < 8 else "Read")
    assert read["data"]["technique"] == "held"


def test_a_stop_lets_go_of_those_who_read_and_tells_of_them(launch: Launch) -> None:
    """LIT-9: with the time that it lasted until then; and it does not take the twenty seconds."""
    engine = launch(workers=2)
    readers = []
    for pixel in pixels(engine, 6):
        reader = socket.create_connection(("127.0.0.1", engine.port), SECONDS)
        reader.sendall(f"GET {pixel} HTTP/1.1\r\nHost: x\r\nUser-Agent: {AGENT}\r\n\r\n".encode())
        assert reader.recv(4096).startswith(b"HTTP/1.1 200")
        readers.append(reader)
    assert engine.stop() == 0
    for reader in readers:
        with reader, reader.makefile("rb") as rest:
            ends = rest.read()
            assert ends.endswith(b"0\r\n\r\n"), "the picture is whole"
    reads = engine.exported("message.read")
    opens = engine.exported("message.opened")
    assert sorted(read["data"]["open"] for read in reads) == sorted(open_["id"] for open_ in opens)
    assert all(lasted(engine, read) < CAP - 1 for read in reads)
    assert {read["data"]["category"] for read in reads} <= {"Glanced", "Skimmed", "Read"}
