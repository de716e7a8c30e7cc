"""A mail's own pages on a whole engine: its web copy, the preference page by keyboard, and leaving by one click."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from playwright.async_api import Browser
from running_engine import Engine

ANN = "ann@x.example"
HTML = (
    '<a href="https://shop.example/tea">Tea</a> <a href="{{ web_copy_url }}">In the browser</a> '
    '<a href="{{ preferences_url }}">Preferences</a> <a href="{{ unsubscribe_url }}">Leave</a>'
)
ONE_CLICK = b"List-Unsubscribe=One-Click"


class Letters:
    """An SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 2.0.0 Kept"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, str]]:
    kept = Letters()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def engine(launch: Callable[..., Engine], letters: tuple[Letters, str], tmp_path: Path) -> Engine:
    made = launch(HELIOGRAPH_SMTP_RELAY=letters[1])
    (tmp_path / "t.html").write_text(HTML)
    (tmp_path / "topics.yaml").write_text("- {name: news, titles: {en: News, de: Neues}}\n- {name: offers}\n")
    for command in (
        ("accounts", "set", "from_address=shop@x.example", "from_name=Tea Shop"),
        (
            "templates",
            "save",
            "news",
            "--subject",
            "News",
            "--html",
            str(tmp_path / "t.html"),
            "--set",
            "topic=news",
        ),
        ("subscription-topics", "apply", str(tmp_path / "topics.yaml")),
    ):
        done = made.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    customer = {"id": 7, "email": ANN, "accepts_marketing": True, "sms_phone_number_e164": "+12025550137"}
    assert made.event("customers/create", customer)[0] == 200
    made.until(lambda: made.exported("consent.granted"))
    return made


def mailed(engine: Engine, kept: Letters) -> tuple[str, dict[str, str], EmailMessage]:
    """A mail that has arrived: its message's id, and its links by their words."""
    body = json.dumps({"template": "news", "to": ANN}).encode()
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    number, (status, said) = len(kept.got), engine.post("/api/v1/messages", body, headers)
    assert status == 202
    engine.until(lambda: len(kept.got) > number)
    mail = kept.got[number]
    page = mail.get_body(("html",))
    assert page is not None
    links = {
        words: unescape(url)
        for url, words in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)', page.get_content())
    }
    return said["id"], {words: url.removeprefix(engine.url) for words, url in links.items()}, mail


async def test_the_pages_of_a_mail_do_what_they_say_and_a_look_changes_nothing(
    engine: Engine, letters: tuple[Letters, str], chromium: Browser
) -> None:
    """STD-1, STD-2"""
    message, links, mail = mailed(engine, letters[0])
    page = await (await chromium.new_context(locale="de-DE")).new_page()

    # The page is made of what was sent, as state has it: some milliseconds after the mail came.
    engine.until(lambda: engine.get(links["In the browser"])[0] == 200)
    await page.goto(engine.url + links["In the browser"], wait_until="commit")
    engine.until(lambda: [one for one in engine.exported("message.opened") if one["data"].get("web_copy")])
    await page.close()
    copy = engine.get(links["In the browser"])[1].decode()
    clicked = re.search(r'<a href="([^"]+)"[^>]*>Tea', copy)
    assert clicked
    assert (
        engine.get(unescape(clicked[1]).removeprefix(engine.url))[2]["location"] == "https://shop.example/tea"
    )
    engine.until(lambda: [one for one in engine.exported("link.clicked") if one["data"].get("web_copy")])

    wishes = ("subscription_topic.chosen", "unsubscription.requested", "marketing.paused")
    for name in ("Preferences", "Leave"):
        assert engine.get(links[name])[0] == 200
    assert engine.exported(*wishes) == [], "a look changes nothing"

    page = await (await chromium.new_context(locale="de-DE", java_script_enabled=False)).new_page()
    await page.goto(engine.url + links["Preferences"])
    assert await page.locator("html").get_attribute("lang") == "de"
    assert await page.get_by_role("checkbox", name="Neues").is_checked()
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.value") == "news":
            break
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await page.get_by_role("status").wait_for()
    await page.close()
    engine.until(lambda: engine.exported("subscription_topic.chosen"))
    (chosen,) = engine.exported("subscription_topic.chosen")
    assert (chosen["data"]["topic"], chosen["data"]["wanted"]) == ("news", False)
    engine.until(lambda: b'"topic_left"' in refused(engine))

    header = str(mail["List-Unsubscribe"])
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    one_click = re.findall(r"<(http[^>]+)>", header)[0].removeprefix(engine.url)
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert [engine.raw_post(one_click, ONE_CLICK, form)[0] for _ in range(2)] == [200, 200]
    engine.until(lambda: engine.exported("unsubscription.requested"))
    (left,) = engine.exported("unsubscription.requested")
    assert (left["data"]["how"], left["data"]["message"]) == ("one_click", message)


def refused(engine: Engine) -> bytes:
    """What is said of one more message about that topic."""
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    _, said = engine.post("/api/v1/messages", json.dumps({"template": "news", "to": ANN}).encode(), headers)
    path = f"/api/v1/messages/{said['id']}"
    engine.until(lambda: b'"message.s' in engine.get(path, headers)[1])
    return engine.get(path, headers)[1]
