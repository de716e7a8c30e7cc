"""Every program that the documentation shows to shop engineers, run against an engine as it stands on the page."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from free_ports import free_port
from pages import RUN, blocks, installed, run, written
from playwright.async_api import Browser
from running_engine import SECONDS, Engine
from standardwebhooks.webhooks import Webhook

SHOPS, SENDING, RECEIVING = "shops.md", "how-to/send-events.md", "how-to/receive-webhooks.md"
JOBS = {
    "customer": {"person.updated": 1},
    "cart": {"cart.updated": 1},
    "order": {"order.created": 1},
    "product": {"product.updated": 1},
    "newsletter": {"subscription.requested": 1, "unsubscription.requested": 1},
    "batch": {"person.updated": 1},
}
"""What each job of the page is, and what it leaves in the journal."""

SECRET = "hwh_example"


class Store(NamedTuple):
    """An account of its own, so that ids of one program are not another one's repeats."""

    account: str
    environ: dict[str, str]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    environ = {"HELIOGRAPH_EGRESS_ALLOW": "127.0.0.0/8", "HELIOGRAPH_WEBHOOK_HTTPS_ONLY": "false"}
    running = Engine(tmp_path_factory.mktemp("documented") / "data", 1, environ)
    running.start()
    yield running
    running.stop()


def store(engine: Engine, name: str) -> Store:
    made = json.loads(engine.run("accounts", "add", name).stdout)
    key = json.loads(engine.run("keys", "add", "store", "--account", made["account"]).stdout)
    environ = {"BASE": engine.url, "STORE": made["store_id"], "KEY": key["secret"], "HOME": "/nonexistent"}
    headers = {"x-token": key["secret"], "x-event-type": "ping"}
    path = f"/webhooks/store/{made['store_id']}"
    engine.until(lambda: engine.raw_post(path, b"{}", headers)[0] == 200)  # the worker knows the key
    return Store(made["account"], environ)


def kinds(engine: Engine, of: Store) -> Counter[str]:
    """What the journal has of a store, but for what the engine says itself."""
    said = [event for event in engine.exported() if event["account"] == of.account]
    return Counter(
        event["kind"] for event in said if event["data"].get("said", {}).get("type") not in (None, "ping")
    )


@pytest.mark.parametrize("language", RUN)
def test_every_job_of_the_page_for_shops_does_what_it_says(
    engine: Engine, tmp_path: Path, language: str
) -> None:
    found = {block.name: block.text for block in blocks(SHOPS) if block.language == language}
    client = [found.pop("client")] if language != "sh" else []
    found.pop("verify")
    assert found.keys() == JOBS.keys(), "each job in each language"
    shop = store(engine, language)
    for job, text in found.items():
        told = run(language, written(tmp_path, language, *client, text), **shop.environ)
        assert "refused" in told or job != "batch" or language == "sh"
    assert kinds(engine, shop) == sum((Counter(JOBS[job]) for job in found), Counter())


@pytest.mark.parametrize("language", RUN)
def test_every_check_of_a_signature_tells_genuine_from_forged(tmp_path: Path, language: str) -> None:
    """RM-14"""
    (text,) = [block.text for block in blocks(SHOPS) if (block.language, block.name) == (language, "verify")]
    program = written(tmp_path, language, text)
    body = '{"email":"jöhn@example.com"}'.encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    for said, expected in ((signature, "genuine"), (signature[::-1], "forged"), ("", "forged")):
        assert run(language, program, stdin=body, SIGNATURE=said, SECRET=SECRET).strip() == expected
    assert run(language, program, stdin=body + b" ", SIGNATURE=signature, SECRET=SECRET).strip() == "forged"


@pytest.mark.parametrize("form", ["base64", "hex"])
def test_the_check_in_go_takes_both_forms_where_go_is_installed(tmp_path: Path, form: str) -> None:
    """RM-14"""
    (text,) = [b.text for b in blocks(RECEIVING) if (b.language, b.name) == ("go", "remarkety")]
    assert "base64.StdEncoding" in text and "hex.EncodeToString" in text
    if shutil.which("go") is None:
        return
    program, body = written(tmp_path, "go", text), '{"email":"jöhn@example.com"}'.encode()
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    signature = mac.hex() if form == "hex" else base64.b64encode(mac).decode()
    assert run("go", program, stdin=body, SIGNATURE=signature, SECRET=SECRET).strip() == "genuine"
    assert run("go", program, stdin=body + b" ", SIGNATURE=signature, SECRET=SECRET).strip() == "forged"


@pytest.mark.parametrize("language", ["python", "js", "php", *(["go"] if shutil.which("go") else [])])
def test_every_check_of_standard_webhooks_tells_genuine_from_forged_and_from_old(
    tmp_path: Path, language: str
) -> None:
    """Signed by the specification's own library; Go where it is installed."""
    (text,) = [b.text for b in blocks(RECEIVING) if (b.language, b.name) == (language, "standard")]
    program = written(tmp_path, language, text)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = '{"email":"jöhn@example.com"}'

    def told(ago: int = 0, *, sent: str = body, before: str = "") -> str:
        """What the program says of a message that was signed so many minutes ago."""
        at = datetime.now(UTC) - timedelta(minutes=ago)
        signature = before + Webhook(secret).sign("msg_1", at, body)
        environ = {
            "ID": "msg_1",
            "TIMESTAMP": str(int(at.timestamp())),
            "SIGNATURE": signature,
            "SECRET": secret,
        }
        return run(language, program, stdin=sent.encode(), **environ).strip()

    assert told() == "genuine"
    assert told(before="v1,bm90aGluZw== ") == "genuine"
    assert told(sent=body + " ") == "forged"
    assert told(6) == told(-7) == "forged"


def test_the_programs_of_the_api_page_are_taken(engine: Engine, tmp_path: Path) -> None:
    found = [block for block in blocks(SENDING) if block.language in RUN]
    assert {block.language for block in found} == set(RUN) and len(found) >= 6
    shop = store(engine, "sending")
    for block in found:
        told = run(block.language, written(tmp_path, block.language, block.text), **shop.environ)
        assert "ok" in told or block.language == "php", told
    counted = kinds(engine, shop)
    assert counted == {
        "order.created": 2, "product.created": 1, "cart.updated": 2, "person.updated": 1, "subscription.requested": 1,
    }  # fmt: skip


@pytest.mark.parametrize("language", ["python", "js", "php"])
def test_the_receivers_of_the_page_take_what_is_genuine_alone(
    engine: Engine, tmp_path: Path, language: str
) -> None:
    """RM-14: real deliveries, and forged ones."""
    installed(language)
    (text,) = [b.text for b in blocks(RECEIVING) if (b.language, b.name) == (language, "")]
    program = written(tmp_path, language, text).resolve()
    port = free_port()
    command = (
        ["php", "-S", f"127.0.0.1:{port}", str(program)]
        if language == "php"
        else [*RUN[language], str(program)]
    )
    environ = os.environ | {"PORT": str(port), "SECRET": engine.keys["webhook_secret"]}
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=output, stderr=output) as receiver,
    ):
        try:
            url = f"http://127.0.0.1:{port}/hooks"
            engine.until(lambda: _answer(url, b"{}", "forged") == 401)
            assert (
                engine.run("feeds", "add", language, url, "--account", engine.keys["account"]).returncode == 0
            )
            wish = {"email": f"{language}@x.example", "double_optin_required": False}
            lag = f'consumer="feed:{engine.keys["account"]}:{language}",kind="act"}} 0.0'
            engine.until(lambda: lag in engine.get("/metrics")[1].decode())
            assert engine.event("newsletter/subscribe", wish)[0] == 200
            engine.until(lambda: _told(language, tmp_path, log, wish["email"]))
            in_hex = ("--option", "hmac_form=hex", "--account", engine.keys["account"])
            assert engine.run("feeds", "add", language, url, *in_hex).returncode == 0
            second = {"email": f"{language}.hex@x.example", "double_optin_required": False}
            assert engine.event("newsletter/subscribe", second)[0] == 200
            engine.until(lambda: _told(language, tmp_path, log, second["email"]))
            assert (
                engine.run("feeds", "remove", language, "--account", engine.keys["account"]).returncode == 0
            )
        finally:
            receiver.terminate()


async def test_the_form_of_the_page_subscribes_its_visitor(
    engine: Engine, tmp_path: Path, chromium: Browser
) -> None:
    """RM-13: a page of a listed origin, without a key."""
    (text,) = [block.text for block in blocks(SHOPS) if block.name == "page"]
    page_text = text.replace("https://events.example.com", engine.url).replace(
        "YOUR_STORE_ID", engine.keys["store_id"]
    )
    assert page_text != text
    (tmp_path / "index.html").write_text(page_text)
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        changed = engine.run(
            "accounts", "set", f'browser_origins=["{origin}"]', "--account", engine.keys["account"]
        )
        assert changed.returncode == 0, changed.stderr
        path = f"/webhooks/store/{engine.keys['store_id']}"
        headers = {"origin": origin, "x-event-type": "ping"}
        engine.until(lambda: engine.raw_post(path, b"{}", headers)[0] == 200)  # the worker knows the origin
        page = await chromium.new_page()
        page.set_default_timeout(SECONDS * 1000)
        await page.goto(origin)
        await page.fill("input", "page@x.example")
        await page.click("button")
        await page.wait_for_function("document.querySelector('output').value === 'Look into your mailbox.'")
        server.shutdown()
    engine.until(
        lambda: (
            {event["kind"] for event in engine.exported() if "page@x.example" in json.dumps(event)}
            >= {"subscription.requested", "product.viewed"}
        )
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _answer(url: str, body: bytes, signature: str) -> int:
    done = subprocess.run(
        [
            "curl",
            "-s",
            "-o",
            "-",
            "-w",
            "%{http_code}",
            "-H",
            f"X-Event-Hmac-SHA256: {signature}",
            "--data-binary",
            "@-",
            url,
        ],
        input=body,
        capture_output=True,
        check=False,
    )
    return int(done.stdout[-3:] or b"0")


def _told(language: str, folder: Path, log: Path, email: str) -> bool:
    """Whether the receiver took a genuine delivery: Python's keeps it, the others print it."""
    kept = (folder / "webhooks.db") if language == "python" else log
    return email.encode() in kept.read_bytes()
