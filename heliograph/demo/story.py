"""The story that the demo plays: a cart is abandoned, the mail arrives, is opened, read and clicked, the order
comes, and the next mail is cancelled. Everything goes over real sockets; the figures are measured here."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

from heliograph import database
from heliograph.app import automations, define, occupancy, templates
from heliograph.app.accounts import set_policy
from heliograph.demo.mailbox import Mailbox, html_of
from heliograph.demo.receiver import Hook, Receiver
from heliograph.errors import OperatorError
from heliograph.settings import Settings, load

FILES = Path(__file__).parent / "shop"
AUTOMATIONS = ("abandoned-cart", "last-call")
BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CUSTOMER = {"id": "1001", "email": "john.snow@thewall.example", "first_name": "John", "last_name": "Snow"}
WAIT = 120.0
"""Seconds that any one step may take before the demo has failed: on a busy machine the processes alone may need half a minute."""

console = Console(highlight=False)


async def play(*, listen: str, data: str | None, end: bool) -> int:
    """Play the story; returns the exit status. Without `end`, go on serving until Ctrl-C. Raises `OperatorError` where
    `data` were made before, since the story's cart would be no news there, or where somebody else listens."""
    if data and (Path(data) / database.FILE).exists():
        raise OperatorError(
            f"there are data in {data} already, and the demo begins with none: name another directory, or go on with "
            f"`heliograph serve --data {data}`"
        )
    occupancy.listenable(listen)
    with tempfile.TemporaryDirectory(prefix="heliograph-demo-") as made:
        mailbox = Mailbox()
        receiver = Receiver(mailbox)
        settings = load(
            {
                "data": data or made,
                "listen": listen,
                "smtp_relay": f"smtp://{await mailbox.start()}",
                "smtp_final": True,
                "egress_allow": ("127.0.0.0/8",),
                "webhook_https_only": False,
                "log_format": "console",
                "log_level": "warning",
            }
        )
        await receiver.start()
        process = await _serve(settings)
        try:
            async with aiohttp.ClientSession() as shop:
                told = await _told(Story(settings, shop, mailbox, receiver, process))
                if told and not end:
                    await _keep_serving(settings, receiver, process)
                return 0 if told else 1
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                await process.wait()
            await receiver.stop()
            await mailbox.stop()


class Story:
    """One telling: the shop's side, the customer's side, and what the webhooks say."""

    def __init__(
        self,
        settings: Settings,
        shop: aiohttp.ClientSession,
        mailbox: Mailbox,
        receiver: Receiver,
        engine: asyncio.subprocess.Process,
    ) -> None:
        self._settings, self._shop, self._engine = settings, shop, engine
        self._mailbox, self._receiver = mailbox, receiver
        self._url = f"http://{settings.listen}"
        self._keys: dict[str, Any] = {}

    async def tell(self) -> None:
        """All of it. Raises TimeoutError or AssertionError where the engine does not do its part."""
        await self._ready()
        await self._define()
        await self._abandon()
        mail = await self._arrive()
        await self._open_and_read(mail)
        await self._click(mail)
        await self._order()

    async def _ready(self) -> None:
        start = time.monotonic()
        while time.monotonic() - start < WAIT and self._engine.returncode is None:
            try:
                async with self._shop.get(f"{self._url}/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)
        else:
            raise TimeoutError("the engine did not become ready")
        self._keys = json.loads((Path(self._settings.data) / "credentials.json").read_text())
        self._receiver.secret = self._keys["webhook_secret"]
        _say("ready", f"serving on {self._url}, account {self._keys['account']}", time.monotonic() - start)

    async def _define(self) -> None:
        set_policy(self._settings, None, {"from_address": "shop@demo.example", "from_name": "The Wall Shop"})
        for name in AUTOMATIONS:
            parts = {"subject": _subject(name), "html": (FILES / f"{name}.html").read_text()}
            await templates.save(self._settings, None, name, parts, {})
            await automations.apply(self._settings, None, FILES / f"{name}.yaml")
        url = f"http://{self._receiver.address}/hooks"
        await define.save_feed(self._settings, None, "demo", "remarkety", url, (), {})
        await _until(
            lambda: define.feeds(self._settings, None) and len(define.automations(self._settings, None)) == 2
        )
        await self._served()
        _say("defined", "two templates, two automations, one webhook feed")

    async def _served(self) -> None:
        async with asyncio.timeout(WAIT):
            while True:
                async with self._shop.get(f"{self._url}/metrics") as answer:
                    if f'consumer="feed:{self._keys["account"]}:demo"' in await answer.text():
                        return
                await asyncio.sleep(0.05)

    async def _abandon(self) -> None:
        await self._send("customers/create", {**CUSTOMER, "accepts_marketing": True})
        await self._hooked("newsletter/subscribed", time.monotonic())
        cart = json.loads((FILES / "cart.json").read_text())
        took = await self._send("carts/create", cart)
        _say("cart", f"John fills a cart worth {cart['total_price']} {cart['currency']} and leaves", took)

    async def _arrive(self) -> EmailMessage:
        start = time.monotonic()
        mail = await self._mailbox.wait(1, WAIT)
        _say("mail", f"“{mail['subject']}” arrives, one-click header and all", time.monotonic() - start)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # noqa: S101 - the demo checks itself
        await self._hooked("email/sent", self._mailbox.times[0])
        await self._hooked("email/delivered", self._mailbox.times[0])
        return mail

    async def _open_and_read(self, mail: EmailMessage) -> None:
        pixel = re.search(r'src="([^"]+/o/[^"]+)"', html_of(mail))
        assert pixel, "the mail has no open pixel"  # noqa: S101
        took = await self._get(html.unescape(pixel[1]), 200)
        _say("open", "John opens it: the pixel is recorded durably", took)
        await self._hooked("email/opened", time.monotonic() - took)
        text = mail.get_body(("plain",))
        assert text is not None, "the mail has no text part"  # noqa: S101
        _say("read", "and reads: " + " ".join(str(text.get_content()).split())[:52] + " ...")

    async def _click(self, mail: EmailMessage) -> None:
        link = re.search(r'href="([^"]+/c/[^"]+)"', html_of(mail))
        assert link, "the mail has no tracked link"  # noqa: S101
        took = await self._get(html.unescape(link[1]), 302)
        _say("click", "John clicks and is redirected to the shop", took)
        await self._hooked("email/clicked", time.monotonic() - took)

    async def _order(self) -> None:
        took = await self._send("orders/create", json.loads((FILES / "order.json").read_text()))
        _say("order", "John buys; the order closes the cart", took)
        cancelled = await self._exported("run.cancelled")
        _say("cancelled", f"the second mail will not be sent: {cancelled['data']['reason']}")

    async def _exported(self, kind: str) -> dict[str, Any]:
        command = (
            sys.executable,
            "-m",
            "heliograph",
            "export",
            "events",
            "--kind",
            kind,
            "--data",
            self._settings.data,
        )
        for _ in range(100):
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            output, _err = await process.communicate()
            if output:
                found: dict[str, Any] = json.loads(output.splitlines()[0])
                return found
            await asyncio.sleep(0.1)
        raise TimeoutError(f"no {kind} was recorded")

    async def _send(self, kind: str, body: dict[str, Any]) -> float:
        start = time.monotonic()
        async with self._shop.post(
            f"{self._url}/webhooks/store/{self._keys['store_id']}",
            json=body,
            headers={"x-token": self._keys["store_key"], "x-event-type": kind, "x-platform": "custom"},
        ) as answer:
            assert answer.status == 200, await answer.text()  # noqa: S101
        return time.monotonic() - start

    async def _get(self, url: str, status: int) -> float:
        start = time.monotonic()
        async with self._shop.get(url, allow_redirects=False, headers={"user-agent": BROWSER}) as answer:
            assert answer.status == status, answer.status  # noqa: S101
            await answer.content.readany()  # a pixel lasts as long as somebody looks
        return time.monotonic() - start

    async def _hooked(self, topic: str, since: float) -> None:
        hook: Hook = await self._receiver.wait(topic, WAIT)
        assert hook.genuine, f"the signature of {topic} is wrong"  # noqa: S101
        _say("webhook", f"{topic} told, signature verified", max(0.0, hook.at - since), indent=True)


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.05)


async def _told(story: Story) -> bool:
    try:
        await story.tell()
    except (TimeoutError, AssertionError, OSError) as error:
        console.print(f"[red]The demo failed: {str(error) or type(error).__name__}[/red]")
        return False
    return True


async def _serve(settings: Settings) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "heliograph", "serve"),
        env={**os.environ, **_variables(settings)},
        stdout=asyncio.subprocess.DEVNULL,
    )


def _variables(settings: Settings) -> dict[str, str]:
    names = ("data", "listen", "smtp_relay", "smtp_final", "webhook_https_only", "log_format", "log_level")
    found = {
        f"HELIOGRAPH_{name.upper()}": str(getattr(settings, name)).lower() for name in names if name != "data"
    }
    found["HELIOGRAPH_EGRESS_ALLOW"] = ",".join(settings.egress_allow)
    found["HELIOGRAPH_DATA"] = settings.data
    return found


async def _keep_serving(settings: Settings, receiver: Receiver, process: asyncio.subprocess.Process) -> None:
    console.print(
        f"\nStill serving. Mails and webhooks: [bold]http://{receiver.address}/[/bold]\n"
        f"Send events to http://{settings.listen}/webhooks/store/STORE_ID; the keys are in "
        f"{settings.data}/credentials.json\nCtrl-C ends it.",
        soft_wrap=True,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    waiting = [asyncio.create_task(stopped.wait()), asyncio.create_task(process.wait())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


def _subject(name: str) -> str:
    return (FILES / f"{name}.subject").read_text().strip()


def _say(step: str, words: str, seconds: float | None = None, *, indent: bool = False) -> None:
    took = "" if seconds is None else f"  [dim]{seconds * 1000:.1f} ms[/dim]"
    console.print(
        f"{'    ' if indent else '  '}[bold cyan]{step:<10}[/bold cyan] {words}{took}", soft_wrap=True
    )
