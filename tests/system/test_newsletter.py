"""A newsletter's whole life on a running engine: wished, confirmed, left, wished again, and what receivers are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email import message_from_string, policy
from html import unescape
from re import search
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from free_ports import free_port
from running_engine import Engine
from webhook_receiver import Hooks

Launch = Callable[..., Engine]
ANN = "ann@x.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}


class Mails:
    """An SMTP server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append(envelope.content.decode())
        return "250 2.0.0 Kept"

    def confirm_link(self, place: int, base: str) -> str:
        """The path of the confirmation link in a mail."""
        content = (
            message_from_string(self.got[place], policy=policy.default).get_body(("html",)).get_content()
        )
        found = search(rf'href="{base}(/k/[^"]+)"', content)
        assert found, content
        return unescape(found[1])


@pytest.fixture
def mails() -> Iterator[tuple[Mails, str]]:
    kept = Mails()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield kept, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


@pytest.fixture
def engine(launch: Launch, mails: tuple[Mails, str], hooks: Hooks) -> Engine:
    made = launch(
        HELIOGRAPH_SMTP_RELAY=mails[1],
        HELIOGRAPH_EGRESS_ALLOW="127.0.0.0/8",
        HELIOGRAPH_WEBHOOK_HTTPS_ONLY="false",
    )
    hooks.secret = made.keys["webhook_secret"].encode()
    for command in (
        ("accounts", "set", "from_address=shop@x.example"),
        ("feeds", "add", "crm", f"http://127.0.0.1:{hooks.server_port}/hooks"),
    ):
        done = made.run(*command)
        assert done.returncode == 0, done.stderr
    feed = f'consumer="feed:{made.keys["account"]}:crm"'.encode()
    made.until(lambda: feed in made.get("/metrics")[1])
    return made


def told(hooks: Hooks, topic: str, email: str = ANN) -> list[dict[str, Any]]:
    """What receivers were told of an address under a topic; a delivery that came again was told once."""
    by_event = {event: body for one, event, body in hooks.told if one == topic}
    return [body for body in by_event.values() if body["email"] == email]


def types(hooks: Hooks, topic: str, email: str = ANN) -> list[str]:
    """The types of suppression among it."""
    return [body["type"] for body in told(hooks, topic, email)]


def customer(engine: Engine, email: str = ANN) -> dict[str, Any] | None:
    """What the contacts API shows of somebody."""
    path = f"/api/v2/stores/{engine.keys['store_id']}/customers?email={email}"
    status, body, _ = engine.get(path, {"x-token": engine.keys["store_key"]})
    assert status == 200, body
    found: list[dict[str, Any]] = json.loads(body)["customers"]
    return found[0] if found else None


def test_a_reader_comes_leaves_and_comes_again(
    engine: Engine, mails: tuple[Mails, str], hooks: Hooks
) -> None:
    """RM-11, RM-12, RM-24: double opt-in by the account's setting; a GET changes nothing; only the reader's own wish
    lifts an unsubscription; each step is told under the document's topics, once."""
    added, removed = "email-suppression/added", "email-suppression/removed"
    assert engine.event("newsletter/subscribe", {"email": ANN, "client_ip": "203.0.113.5"})[0] == 200
    engine.until(lambda: mails[0].got and types(hooks, added))
    assert types(hooks, added) == ["pending_opt_in"]
    assert (customer(engine) or {})["suppressions"] == ["pending_opt_in"]

    link = mails[0].confirm_link(0, engine.url)
    for _ in range(3):
        assert engine.get(link)[0] == 200
    assert engine.exported("subscription.confirmed") == [], "looking changes nothing"
    assert engine.raw_post(link, b"", FORM)[0] == 200
    engine.until(lambda: types(hooks, removed) and told(hooks, "newsletter/subscribed"))
    assert types(hooks, removed) == ["pending_opt_in"]
    (subscribed,) = told(hooks, "newsletter/subscribed")
    assert (subscribed["signup_ip"], subscribed["optin_ip"]) == ("203.0.113.5", "127.0.0.1")
    engine.until(lambda: (customer(engine) or {})["accepts_marketing"] is True)

    assert engine.event("newsletter/unsubscribe", {"email": ANN})[0] == 200
    engine.until(lambda: len(types(hooks, added)) == 2 and told(hooks, "email/unsubscribed"))
    assert types(hooks, added)[1] == "unsubscribed"
    assert (
        engine.event("customers/update", {"email": ANN, "accepts_marketing": True, "first_name": "Ann"})[0]
        == 200
    )
    engine.until(lambda: (customer(engine) or {}).get("first_name") == "Ann")
    found = customer(engine) or {}
    assert (found["accepts_marketing"], found["suppressions"]) == (False, ["unsubscribed"])

    assert engine.event("newsletter/subscribe", {"email": ANN})[0] == 200
    engine.until(lambda: len(mails[0].got) == 2 and len(types(hooks, added)) == 3)
    engine.until(lambda: len((customer(engine) or {})["suppressions"]) == 2)
    assert set((customer(engine) or {})["suppressions"]) == {"unsubscribed", "pending_opt_in"}
    again = mails[0].confirm_link(1, engine.url)
    for _ in range(2):
        assert engine.raw_post(again, b"", FORM)[0] == 200
    engine.until(lambda: len(types(hooks, removed)) == 3 and len(told(hooks, "newsletter/subscribed")) == 2)
    assert set(types(hooks, removed)[1:]) == {"unsubscribed", "pending_opt_in"}
    engine.until(lambda: (customer(engine) or {})["suppressions"] == [])
    assert (customer(engine) or {})["accepts_marketing"] is True
    assert len(told(hooks, "email/unsubscribed")) == 1, "nothing was told twice, nor by the shop's record"
    assert hooks.forged == 0


def test_the_event_and_the_account_say_whether_to_ask(
    engine: Engine, mails: tuple[Mails, str], hooks: Hooks
) -> None:
    """RM-11: `double_optin_required` of the event goes before the account's setting, whichever way."""
    engine.event("newsletter/subscribe", {"email": "now@x.example", "double_optin_required": False})
    engine.until(lambda: told(hooks, "newsletter/subscribed", "now@x.example"))
    done = engine.run("accounts", "set", "double_optin=false")
    assert done.returncode == 0, done.stderr

    def taken_at_once() -> bool:
        somebody = f"p{len(hooks.told)}@x.example"
        engine.event("newsletter/subscribe", {"email": somebody})
        engine.until(lambda: somebody in [body["email"] for _, _, body in hooks.told])
        return bool(told(hooks, "newsletter/subscribed", somebody))

    engine.until(taken_at_once)
    asked = len(mails[0].got)
    engine.event("newsletter/subscribe", {"email": "ask@x.example", "double_optin_required": True})
    engine.until(lambda: types(hooks, "email-suppression/added", "ask@x.example") == ["pending_opt_in"])
    engine.until(lambda: len(mails[0].got) > asked)
    assert not told(hooks, "newsletter/subscribed", "ask@x.example")


def test_a_sign_up_form_and_an_upload_lead_the_same_way(
    engine: Engine, mails: tuple[Mails, str], hooks: Hooks
) -> None:
    """RM-18, RM-24: contacts of the contacts API become people whose consent is asked, recorded or withdrawn."""
    stores = f"/api/v1/stores/{engine.keys['store_id']}"
    headers = {"x-token": engine.keys["store_key"], "content-type": "application/json"}
    form = {"email": ANN, "firstName": "Ann", "marketingAllowed": True, "tags": ["popup"]}
    status, answer = engine.post(f"{stores}/contacts", json.dumps(form).encode(), headers)
    assert (status, answer["status"]) == (200, "OK")
    engine.until(lambda: mails[0].got)
    assert "Hello Ann" in mails[0].got[0]
    engine.raw_post(mails[0].confirm_link(0, engine.url), b"", FORM)
    engine.until(lambda: told(hooks, "newsletter/subscribed"))
    upload = {
        "contacts": [
            {"email": ANN, "tags": ["import"]},
            {"email": "bob@x.example", "accepts_marketing": True},
            {},
        ],
        "append_tags": True,
    }
    status, answer = engine.post(
        f"/api/v2/stores/{engine.keys['store_id']}/contacts/batch", json.dumps(upload).encode(), headers
    )
    assert (status, answer["success"], answer["failed"]) == (200, 2, 1)
    engine.until(lambda: told(hooks, "newsletter/subscribed", "bob@x.example"))
    engine.until(lambda: (customer(engine) or {})["tags"] == ["popup", "import"])
    leave = {"email": ANN, "reason": "asked support"}
    assert engine.post(f"{stores}/contacts/unsubscribe", json.dumps(leave).encode(), headers)[0] == 200
    engine.until(
        lambda: told(hooks, "email/unsubscribed") and len(types(hooks, "email-suppression/added")) == 2
    )
    assert told(hooks, "email-suppression/added")[1]["reason"] == "asked support"
    assert len(mails[0].got) == 1, "nobody else was asked"


def test_an_operator_sees_what_a_plugin_does_otherwise(engine: Engine) -> None:
    """RM-6: `heliograph oddities`, and the notes in `export`."""
    order = {
        "id": "000000123",
        "email": ANN,
        "total_discounts": "-5.0000",
        "updated_at": "2023-05-01 10:05:00",
    }
    assert engine.event("orders/updated", order, x_platform="MAGENTO")[0] == 200
    done = engine.run("oddities")
    assert done.returncode == 0, done.stderr
    assert "total_discounts: is text and below zero; its size is taken" in done.stdout
    assert "MAGENTO" in done.stdout and "orders/updated" in done.stdout
    (event,) = engine.exported("order.updated")
    assert "updated_at: has no time zone; read as UTC" in event["data"]["notes"]
