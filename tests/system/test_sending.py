"""Mail and webhooks through a whole engine that is killed while it works: sent at most once, told at least once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_string, policy
from html import unescape
from pathlib import Path
from re import search
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from running_engine import Engine
from webhook_receiver import Hooks

Launch = Callable[..., Engine]
PEOPLE = 150


class Mailbox:
    """An SMTP server that counts what each address got."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.update(envelope.rcpt_tos)
        return "250 2.0.0 Kept"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    kept = Mailbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def prepared(launch: Launch, relay: str, hooks: Hooks, files: Path) -> Engine:
    engine = launch(
        HELIOGRAPH_SMTP_RELAY=relay,
        HELIOGRAPH_EGRESS_ALLOW="127.0.0.0/8",
        HELIOGRAPH_WEBHOOK_HTTPS_ONLY="false",
    )
    hooks.secret = engine.keys["webhook_secret"].encode()
    (files / "t.html").write_text('<p>Hello <a href="https://shop.example/{{ event.number }}">you</a></p>')
    (files / "a.yaml").write_text(
        "name: hello\ntrigger: {kind: custom, name: greeted}\nonce: event\nsteps: [{send: {template: hello}}]\n"
    )
    for command in (
        ("accounts", "set", "from_address=shop@x.example"),
        ("templates", "save", "hello", "--subject", "Hello", "--html", str(files / "t.html")),
        ("automations", "apply", str(files / "a.yaml")),
        ("feeds", "add", "crm", f"http://127.0.0.1:{hooks.server_port}/hooks"),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    feed = f'consumer="feed:{engine.keys["account"]}:crm"'.encode()
    engine.until(lambda: feed in engine.get("/metrics")[1])
    return engine


def test_an_engine_killed_while_sending_mails_nobody_twice_and_forgets_nobody(
    launch: Launch, mailbox: tuple[Mailbox, str], hooks: Hooks, tmp_path: Path
) -> None:
    kept, relay = mailbox
    engine = prepared(launch, relay, hooks, tmp_path)

    def arrived() -> int:
        """How many mails are over: what is in doubt may never have come."""
        doubted = {event["data"]["address"] for event in engine.exported("message.in_doubt")}
        return len(doubted | set(kept.got))

    for number in range(PEOPLE):
        body = {"email": f"p{number}@x.example", "number": number}
        assert engine.event("greeted", body)[0] == 200
        if part := {40: "outbound", 65: "engine", 90: "outbound"}.get(number):
            enough = min(arrived() + 5, number + 1)  # it may have kept up
            engine.until(lambda enough=enough: arrived() >= enough)
            engine.kill(part)

    def settled() -> bool:
        events = engine.exported("message.sent", "message.in_doubt")
        return len({event["data"]["message"] for event in events}) == PEOPLE

    engine.until(settled)
    sent = {event["data"]["address"] for event in engine.exported("message.sent")}
    doubted = {event["data"]["address"] for event in engine.exported("message.in_doubt")}
    assert not sent & doubted and len(sent) + len(doubted) == PEOPLE
    assert max(kept.got.values()) == 1, "nobody is mailed twice"
    assert sent <= set(kept.got), "what is called sent has arrived"
    requested = engine.exported("message.requested")
    assert len(requested) == len({event["id"] for event in requested}) == PEOPLE
    engine.until(lambda: len({i for t, i, _ in hooks.told if t == "email/sent"}) >= len(sent))
    assert hooks.forged == 0
    assert {body["email"] for topic, _, body in hooks.told if topic == "email/sent"} == sent


def test_what_is_opened_clicked_and_unsubscribed_is_told_with_one_id(
    launch: Launch, hooks: Hooks, tmp_path: Path
) -> None:
    """STD-1, STD-5, RM-11: through signed links of a mail that really arrived."""
    mails: list[str] = []

    class Reader(Mailbox):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
            mails.append(envelope.content.decode())
            return await super().handle_DATA(server, session, envelope)

    controller = Controller(Reader(), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        engine = prepared(launch, f"smtp://127.0.0.1:{controller.port}", hooks, tmp_path)
        queued = engine.run("feeds", "add", "xml", "queue:activity", "--dialect", "messagegears")
        assert queued.returncode == 0, queued.stderr
        engine.until(lambda: b':xml"' in engine.get("/metrics")[1])
        engine.event("greeted", {"email": "ann@x.example", "number": 7})
        engine.until(lambda: mails)
        links = signed_links(mails[0], engine.url)
        assert engine.get(links["o"])[0] == 200
        status, _, headers = engine.get(links["c"])
        assert (status, headers["location"]) == (302, "https://shop.example/7")
        assert engine.get(links["u"])[0] == 200
        assert "email/unsubscribed" not in hooks.topics(), "looking changes nothing"
        form = {"content-type": "application/x-www-form-urlencoded"}
        for _ in range(2):
            request = engine.raw_post(links["u"], b"List-Unsubscribe=One-Click", form)
            assert request[0] == 200 and request[2]["set-cookie"] is None
        wanted = {
            "email/sent",
            "email/opened",
            "email/clicked",
            "email/unsubscribed",
            "email-suppression/added",
        }
        engine.until(lambda: wanted <= set(hooks.topics()))
        assert hooks.topics()["email/unsubscribed"] == 1, "said twice, told once"
        assert {body["email"] for _, _, body in hooks.told} == {"ann@x.example"}
        told = {topic: event for topic, event, _ in hooks.told}
        assert {event["id"] for event in engine.exported("message.opened")} == {told["email/opened"]}
        items = fetched(engine, "activity", 3)
        assert items["OpenActivity"] == told["email/opened"]
        assert items["ClickActivity"] == told["email/clicked"]
        assert items["UnsubActivity"] == told["email/unsubscribed"]
        came = {event["id"] for kind in ("message.opened", "link.clicked") for event in engine.exported(kind)}
        engine.until(lambda: came <= {one["data"]["event"] for one in engine.exported("reader.judged")})
        engine.event("greeted", {"email": "ann@x.example", "number": 8})
        engine.until(lambda: engine.exported("message.suppressed"))
        assert engine.exported("message.suppressed")[0]["data"]["code"] == 131
        assert len(mails) == 1
    finally:
        controller.stop()


def fetched(engine: Engine, name: str, count: int) -> dict[str, str]:
    """The ids of the items in a queue of activities, fetched as a client of the vendor's fetches them."""
    keys = engine.keys["aws"]
    sqs = boto3.client(
        "sqs",
        endpoint_url=engine.url,
        region_name="us-east-1",
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
    )
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, str] = {}

    def all_there() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            (item,) = ElementTree.fromstring(message["Body"])
            found[item.tag] = item.findtext("ActivityId") or ""
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    engine.until(all_there)
    return found


def signed_links(mail: str, base: str) -> dict[str, str]:
    """The pixel (o), the first tracked link (c) and the one-click address (u) of a mail, as paths."""
    parsed = message_from_string(mail, policy=policy.default)
    content = parsed.get_body(("html",)).get_content()
    pixel, link = search(rf'src="{base}(/o/[^"]+)"', content), search(rf'href="{base}(/c/[^"]+)"', content)
    leave = search(rf"<{base}(/u/[^>]+)>", parsed["list-unsubscribe"])
    assert pixel and link and leave
    return {"o": unescape(pixel[1]), "c": unescape(link[1]), "u": unescape(leave[1])}
