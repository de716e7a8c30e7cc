"""Mail that comes back to a whole engine: sent over a real relay, returned to the engine's own receiver, told everywhere."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from running_engine import SECONDS, Engine
from test_sending import fetched
from webhook_receiver import Hooks

Launch = Callable[..., Engine]


class Relay:
    """An SMTP server that takes everything and remembers the envelopes."""

    def __init__(self) -> None:
        self.envelopes: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 Queued"


@pytest.fixture
def relay() -> Iterator[tuple[Relay, str]]:
    kept = Relay()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def report(recipient: str, returned: bytes) -> bytes:
    """The notice of a server that does not know the recipient, with the mail's headers (RFC 3464)."""
    headers = returned.partition(b"\r\n\r\n")[0].decode()
    return (
        "From: MAILER-DAEMON@mx.x.example\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        "Message-ID: <1@mx.x.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.x.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: user unknown\r\n--b\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\n{headers}\r\n--b--\r\n"
    ).encode()


def complaint(returned: bytes) -> bytes:
    """A feedback report whose enclosed mail names no recipient any more (RFC 5965)."""
    redacted = returned.replace(b"bob@x.example", b"redacted@x.example").partition(b"\r\n\r\n")[0]
    return (
        b"From: fbl@isp.example\r\nMessage-ID: <2@isp.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\n" + redacted + b"\r\n\r\nhi\r\n--b--\r\n"
    )


def prepared(launch: Launch, relay: str, hooks: Hooks, files: Path, **more: str) -> tuple[Engine, int]:
    """An engine that sends, takes mail back, and tells both feeds."""
    port = free_port()
    engine = launch(
        HELIOGRAPH_SMTP_RELAY=relay,
        HELIOGRAPH_EGRESS_ALLOW="127.0.0.0/8",
        HELIOGRAPH_WEBHOOK_HTTPS_ONLY="false",
        HELIOGRAPH_BOUNCE_ADDRESS="b-{reference}@bounces.shop.example",
        HELIOGRAPH_MAIL_LISTEN=f"smtp://127.0.0.1:{port}",
        HELIOGRAPH_MAIL_MAILBOXES="fbl@shop.example",
        **more,
    )
    hooks.secret = engine.keys["webhook_secret"].encode()
    (files / "t.html").write_text("<p>Hello</p>")
    (files / "a.yaml").write_text(
        "name: hello\ntrigger: {kind: custom, name: greeted}\nonce: event\nsteps: [{send: {template: hello}}]\n"
    )
    for command in (
        ("accounts", "set", "from_address=shop@shop.example"),
        ("templates", "save", "hello", "--subject", "Hello", "--html", str(files / "t.html")),
        ("automations", "apply", str(files / "a.yaml")),
        ("feeds", "add", "crm", f"http://127.0.0.1:{hooks.server_port}/hooks"),
        ("feeds", "add", "xml", "queue:activity", "--dialect", "messagegears"),
    ):
        done = engine.run(*command)
        assert done.returncode == 0, done.stderr
    engine.until(lambda: b':crm"' in engine.get("/metrics")[1] and b':xml"' in engine.get("/metrics")[1])
    engine.until(lambda: takes_mail(port))
    return engine, port


def takes_mail(port: int) -> bool:
    """Whether the engine's receiver, a process of its own, is there by now."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except OSError:
        return False
    return True


def bring(port: int, recipient: str, content: bytes) -> None:
    """Hand a mail to the engine's receiver, as a mail server does."""
    with smtplib.SMTP("127.0.0.1", port, timeout=SECONDS) as client:
        client.sendmail("", [recipient], content)


def test_a_notice_and_a_complaint_that_come_back_are_told_everywhere_with_one_id(
    launch: Launch, relay: tuple[Relay, str], hooks: Hooks, tmp_path: Path
) -> None:
    """STD-3, STD-4, STD-5, MG-8: from the return path of a sent mail to webhook, queue, suppression and evidence."""
    kept, url = relay
    engine, port = prepared(launch, url, hooks, tmp_path)
    for name in ("ann", "bob"):
        engine.event("greeted", {"email": f"{name}@x.example"})
    engine.until(lambda: len(kept.envelopes) == 2)
    sent = {recipients[0]: (path, content) for path, recipients, content in kept.envelopes}
    path, content = sent["ann@x.example"]
    assert path.endswith("@bounces.shop.example") and len(path.partition("@")[0]) <= 64
    engine.until(lambda: len(engine.exported("message.sent")) == 2)

    for nobody in (
        f"b-{'a' * 56}@bounces.shop.example",
        "victim@other.example",
    ):  # forged; and it is no relay
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            bring(port, nobody, report("ann@x.example", content))
    for _ in range(2):  # a server that did not hear our 250 brings it again
        bring(port, path.upper(), report("ann@x.example", content))
    bring(port, "fbl@shop.example", complaint(sent["bob@x.example"][1]))
    engine.until(lambda: {"email/bounced", "email/spam"} <= set(hooks.topics()))
    told = {topic: event for topic, event, _ in hooks.told}
    (bounce,) = engine.exported("message.bounced")
    (spam,) = engine.exported("message.complained")
    assert (bounce["data"]["address"], bounce["data"]["code"]) == ("ann@x.example", 10)
    assert spam["data"]["address"] == "bob@x.example"
    assert (told["email/bounced"], told["email/spam"]) == (bounce["id"], spam["id"])
    items = fetched(engine, "activity", 3)
    assert items["BouncedMessageActivity"] == bounce["id"]
    assert items["SpamComplaintActivity"] == spam["id"]

    engine.until(lambda: len(engine.exported("suppression.added")) == 2)
    for name in ("ann", "bob"):
        engine.event("greeted", {"email": f"{name}@x.example"})
    engine.until(lambda: len(engine.exported("message.suppressed")) == 2)
    assert {one["data"]["code"] for one in engine.exported("message.suppressed")} == {130, 132}
    assert len(kept.envelopes) == 2
    shown = engine.run("receipts", "show", bounce["data"]["evidence"])
    assert "550 5.1.1 <ann@x.example>: user unknown" in shown.stdout
    engine.until(lambda: b'heliograph_mails_total{what="notice"} 2.0' in engine.get("/metrics")[1])

    erased = engine.run("people", "erase", "ann@x.example")
    assert erased.returncode == 0, erased.stderr
    assert engine.run("receipts", "show", bounce["data"]["evidence"]).returncode == 2
    bring(port, path, report("ann@x.example", content))  # a late one brings nobody back
    assert not [one for one in engine.exported() if "ann@x.example" in str(one["data"])]
