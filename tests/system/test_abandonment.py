"""A visitor in a real browser looks, fills a cart and leaves; a whole engine writes to them, unless they have bought."""

from __future__ import annotations

import json
from collections.abc import Callable
from email import message_from_string, policy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from playwright.async_api import Browser
from running_engine import Engine
from web_shop import Recorded, WebShop

BROWSED = """
name: browsed
trigger: {kind: product.viewed}
once: person
again_after: 7d
restart_on_trigger: true
cancel_on: [{kind: [cart.created, cart.updated, order.created], match: person}]
steps:
  - {wait_for: {kind: custom, name: day-ended, match: person, timeout: 1d}}
  - {wait: 1s}
  - {send: {template: seen}}
"""
ABANDONED = """
name: abandoned
trigger: {kind: [cart.created, cart.updated], where: {total_price: {gte: 50}}}
cancel_on: [{kind: order.created}]
steps:
  - {wait_for: {kind: custom, name: day-ended, match: person, timeout: 1d}}
  - {wait: 1s}
  - {send: {template: cart}}
"""
"""The shop says when the day has ended: so the order is behind the cart and before the mail, however slow the machine is."""
SEEN = "{% for one in recently_viewed %}<p>{{ one.title }} seen {{ one.views }}</p>{% endfor %}"
CART = "{% for item in event.line_items %}<p>{{ item.quantity }} x {{ item.name }}</p>{% endfor %}"


class Letters:
    """An SMTP server that keeps what it gets: by address, the paragraphs of the last mail."""

    def __init__(self) -> None:
        self.got: dict[str, str] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_string(envelope.content.decode(), policy=policy.default)
        text = mail.get_body(("plain",)).get_content()
        for address in envelope.rcpt_tos:
            assert address not in self.got, "one mail each"
            self.got[address] = text
        return "250 2.0.0 Kept"


def prepared(launch: Callable[..., Engine], relay: str, site_port: int, files: Path) -> Engine:
    engine = launch(HELIOGRAPH_SMTP_RELAY=relay, HELIOGRAPH_SMTP_FINAL="true")
    for name, text in (("seen.html", SEEN), ("cart.html", CART), ("b.yaml", BROWSED), ("a.yaml", ABANDONED)):
        (files / name).write_text(text)
    origin = f"http://127.0.0.1:{site_port}"
    for command in (
        ("accounts", "set", "from_address=shop@x.example", f"browser_origins={json.dumps([origin])}"),
        ("templates", "save", "seen", "--subject", "Seen", "--html", str(files / "seen.html")),
        ("templates", "save", "cart", "--subject", "Cart", "--html", str(files / "cart.html")),
        ("automations", "apply", str(files / "b.yaml")),
        ("automations", "apply", str(files / "a.yaml")),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    for number, title in (("1", "Red shorts"), ("2", "Blue shorts")):
        assert (
            engine.event("products/create", {"id": number, "title": title, "product_exists": True})[0] == 200
        )
    asked = {"origin": origin, "x-event-type": "ready"}
    path = f"/webhooks/store/{engine.keys['store_id']}"
    engine.until(lambda: engine.post(path, b"{}", asked)[0] == 200)
    return engine


def sees(product: int) -> str:
    return f"_rmData.push(['productView', {{productId: {product}}}]);"


def is_named(address: str) -> str:
    return f"var _rmData = _rmData || []; _rmData.push(['setCustomer', '{address}']);"


def fills(cart: str) -> str:
    lines = "[{product_id: 1, quantity: 2, name: 'Red shorts'}]"
    return (
        f"_rmData.push(['track', 'carts/update', {{id: '{cart}', total_price: 59.9, line_items: {lines}}}]);"
    )


def told_of(events: list[Recorded]) -> int:
    """How many looks and carts are among them."""
    return sum(event.kind in ("product.viewed", "cart.updated") for event in events)


@pytest.fixture
def letters() -> Any:
    controller = Controller(Letters(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


async def test_whoever_left_is_written_to_and_whoever_bought_is_not(
    launch: Callable[..., Engine], letters: Controller, chromium: Browser, tmp_path: Path
) -> None:
    """S3:L161 "Browse Abandonment", RM-10: by ordinary automations on what `track.js` tells."""
    site_port, kept = free_port(), letters.handler
    engine = prepared(launch, f"smtp://127.0.0.1:{letters.port}", site_port, tmp_path)
    async with WebShop(engine, site_port) as shop:
        visits = {
            "looked@x.example": [sees(1), sees(2), sees(1)],
            "filled@x.example": [sees(2), fills("c1")],
            "bought@x.example": [sees(1), fills("c2")],
        }
        for address, scripts in visits.items():
            page = await (await chromium.new_context()).new_page()
            await shop.visit(page, is_named(address), *scripts)
            told = partial(shop.recorded, f"email:{address}")
            await shop.until(lambda told=told, scripts=scripts: told_of(told()) == len(scripts))
        order = {"id": "o1", "cart_id": "c2", "email": "bought@x.example", "total_price": 59.9}
        assert engine.event("orders/create", order)[0] == 200
        await shop.until(lambda: len(shop.followed("run.cancelled")) == 3)
        for address in visits:
            assert engine.event("day-ended", {"email": address})[0] == 200
        await shop.until(lambda: len(kept.got) == 2)
        await shop.until(lambda: len(shop.followed("run.cancelled", "run.finished")) == 5)
        ended = shop.followed("run.cancelled", "run.finished")
    assert kept.got["looked@x.example"].split() == [
        "Red",
        "shorts",
        "seen",
        "2",
        "Blue",
        "shorts",
        "seen",
        "1",
    ]
    assert kept.got["filled@x.example"].split() == ["2", "x", "Red", "shorts"]
    assert sorted((run.kind, run.data["automation"]) for run in ended) == [
        ("run.cancelled", "abandoned"),
        ("run.cancelled", "browsed"),
        ("run.cancelled", "browsed"),
        ("run.finished", "abandoned"),
        ("run.finished", "browsed"),
    ]
    assert set(kept.got) == {"looked@x.example", "filled@x.example"}
