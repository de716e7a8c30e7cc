"""What holds for every provider's callbacks: whoever is added to `PROVIDERS` is asked the same (STD-5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from provider_world import ANN, BY, FOREIGN, ISO, MESSAGE, NUMBER, SECONDS, TEXT, Sent, World

from heliograph.errors import JournalFull
from heliograph.events.event import derived_id
from heliograph.inbound.receipts.providers import PROVIDERS

NAMES = [provider.name for provider in PROVIDERS]
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "provider-callbacks.md").read_text()

MAIL = {
    "messageId": "0100-ses",
    "source": "news@shop.example",
    "destination": [ANN],
    "headers": [{"name": "X-Heliograph-Message", "value": MESSAGE}],
}
BOUNCES: dict[str, Any] = {
    "ses": {
        "eventType": "Bounce",
        "mail": MAIL,
        "bounce": {
            "feedbackId": "f1",
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "timestamp": ISO,
            "bouncedRecipients": [
                {
                    "emailAddress": ANN,
                    "action": "failed",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                }
            ],
        },
    },
    "sparkpost": [
        {
            "msys": {
                "message_event": {
                    "type": "bounce",
                    "bounce_class": "10",
                    "event_id": "92356927693813856",
                    "raw_rcpt_to": ANN,
                    "raw_reason": "550 5.1.1 user unknown",
                    "rcpt_meta": {"heliograph_message": MESSAGE},
                    "timestamp": str(SECONDS),
                }
            }
        }
    ],
    "sendgrid": [
        {
            "event": "bounce",
            "type": "bounce",
            "email": ANN,
            "sg_event_id": "sg1",
            "smtp-id": f"<{MESSAGE}@shop.example>",
            "reason": "550 5.1.1 user unknown",
            "status": "5.1.1",
            "timestamp": SECONDS,
        }
    ],
    "mailgun": {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "id": "mg1",
        "timestamp": SECONDS + 0.25,
        "recipient": ANN,
        "delivery-status": {"code": 550, "message": "5.1.1 user unknown"},
        "message": {"headers": {"message-id": f"{MESSAGE}@shop.example"}},
    },
    "postmark": {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 42,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Email": ANN,
        "Details": "smtp;550 5.1.1 user unknown",
        "BouncedAt": "2027-01-15T08:00:00.2735393-00:00",
        "Metadata": {"heliograph_message": MESSAGE},
    },
    "twilio": {
        "MessageSid": "SM1",
        "MessageStatus": "undelivered",
        "ErrorCode": "30005",
        "To": "+12025550137",
        "From": "+12025550100",
    },
    "http": {
        "message": TEXT,
        "to": "+12025550137",
        "report": {"id": "r1", "status": "failed", "error": "UNKNOWN_SUBSCRIBER"},
    },
}
"""A bounce for good of the account's message, as each provider tells it."""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("asked"))
    yield made
    made.state.dispose()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.state.dispose()


def test_every_provider_is_exercised_and_documented() -> None:
    assert set(BY) == set(BOUNCES) == set(NAMES)
    for provider in PROVIDERS:
        assert f"/receipts/{provider.name}/STORE_ID" in PAGE and provider.needs.partition(":")[0] in PAGE


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_provider_tells_is_on_disk_before_it_is_answered(world: World, name: str) -> None:
    sent = BY[name](BOUNCES[name])
    assert (await world.call(name, sent)).status == 200
    (event,) = await world.told()
    data: Any = event.data
    assert (event.kind, event.account, event.cause) == ("message.bounced", NUMBER, data.message)
    assert (data.source, data.bounce_class) == (name, "hard")
    kept = world.files.find(data.evidence, NUMBER)
    assert kept is not None and kept.raw == sent.body
    assert (kept.about.kind, kept.about.events) == (name, (event.id,))


@pytest.mark.parametrize("name", NAMES)
async def test_a_repeat_is_one_event_and_so_is_what_smtp_or_a_notice_said(world: World, name: str) -> None:
    """STD-5: the id is the one that dispatch gives its own bounce."""
    sent = BY[name](BOUNCES[name])
    assert (await world.call(name, sent)).status == 200
    for _ in range(2):
        assert (await world.call(name, sent)).status == (406 if name == "mailgun" else 200)
    world.forget_tokens()  # as another worker, or after a start
    assert (await world.call(name, sent)).status == 200
    (event,) = await world.told()
    assert event.id == derived_id(event.data.message, "message.bounced")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_forged_is_refused_and_leaves_no_trace(world: World, tmp_path: Path, name: str) -> None:
    good = BY[name](BOUNCES[name])
    bare = Sent(good.body, {}, good.query)
    other = Sent(
        good.body.replace(b"unknown", b"unkn0wn").replace(b"SM1", b"SM2").replace(b"r1", b"r2"),
        good.headers,
        good.query,
    )
    if name == "mailgun":
        said = json.loads(good.body)
        bare = Sent(json.dumps({"event-data": said["event-data"]}).encode())
        said["signature"]["signature"] = "0" * 64
        other = Sent(json.dumps(said).encode())
    if name in ("sparkpost", "postmark"):
        other = Sent(good.body, {"authorization": "Basic b3RoZXI6d3Jvbmc="})
    if name == "ses":
        bare = Sent(json.dumps({**json.loads(good.body), "Signature": ""}).encode())
    for forged in (bare, other):
        assert (await world.call(name, forged)).status in (401, 403)
    for headers in ({"authorization": "Basic"}, {"authorization": "Basic !!"}, {"authorization": "Bearer"}):
        assert (await world.call(name, Sent(bare.body, headers, bare.query))).status in (401, 403)
    assert await world.told() == [] and not (tmp_path / "evidence").exists()


@pytest.mark.parametrize("name", NAMES)
async def test_another_accounts_messages_are_not_touched(world: World, name: str) -> None:
    text = json.dumps(BOUNCES[name]).replace(MESSAGE, FOREIGN).replace(TEXT, FOREIGN)
    sent = BY[name](json.loads(text))
    if name == "twilio":
        sent = BY[name].__globals__["by_twilio"](BOUNCES[name], f"message={MESSAGE[:-1]}c")
    assert (await world.call(name, sent)).status == 200
    assert await world.told() == []


@pytest.mark.parametrize("name", NAMES)
async def test_an_account_that_set_nothing_up_is_told_what_is_missing(world: World, name: str) -> None:
    reply = await world.call(name, BY[name](BOUNCES[name]), store="SHOP2")
    assert reply.status in (401, 403) and await world.told() == []


@pytest.mark.parametrize("name", NAMES)
async def test_the_door_knows_its_paths_and_methods(world: World, name: str) -> None:
    sent = BY[name](BOUNCES[name])
    assert (await world.call(name, sent, store="NOBODY")).status == 404
    assert (await world.call(f"{name}/x", sent)).status == 404
    assert (await world.call("nobody", sent)).status == 404
    for method in ("GET", "HEAD", "PUT"):
        assert (await world.call(name, sent, method=method)).status == 405
    assert (await world.call(name, Sent(b"x" * 300_000, sent.headers))).status == 413
    assert await world.told() == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_full_journal_is_answered_503_and_nothing_is_lost(
    world: World, name: str, monkeypatch: Any
) -> None:
    async def full(_: Any) -> Any:
        raise JournalFull("full")

    sent = BY[name](BOUNCES[name])
    with monkeypatch.context() as patch:
        patch.setattr(world.journal, "append_once", full)
        assert (await world.call(name, sent)).status == 503
    assert (await world.call(name, sent)).status == 200
    assert len(await world.told()) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_only_listed_networks_may_call_where_there_is_a_list(tmp_path: Path, name: str) -> None:
    world = World(tmp_path, receipt_networks=("192.0.2.0/24", "2001:db8::/32"))
    sent = BY[name](BOUNCES[name])
    assert (await world.call(name, sent, client="198.51.100.1")).status == 403
    assert (await world.call(name, sent, client="nonsense")).status == 403
    assert (await world.call(name, sent, client="192.0.2.77")).status == 200
    world.state.dispose()


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def broken(value: Any, odd: Any, at: int) -> Any:
    """The value with one of its parts replaced."""
    places: list[tuple[Any, Any]] = []

    def walk(inside: Any) -> None:
        for key, part in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
            places.append((inside, key))
            if isinstance(part, dict | list):
                walk(part)

    copied = json.loads(json.dumps(value))
    walk(copied)
    inside, key = places[at % len(places)]
    inside[key] = odd
    return copied


@pytest.mark.parametrize("name", [name for name in NAMES if name != "twilio"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=ODD, at=st.integers(0, 50))
async def test_what_a_provider_garbles_is_never_our_fault(asked: World, name: str, odd: Any, at: int) -> None:
    """Signed, and with any part of it replaced by anything: an answer, no 500."""
    asked.forget_tokens()
    assert (await asked.call(name, BY[name](broken(BOUNCES[name], odd, at)))).status in (200, 400)
    asked.forget_tokens()
    assert (await asked.call(name, BY[name](odd))).status in (200, 400)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "authorization",
                "x-twilio-signature",
                "x-twilio-email-event-webhook-signature",
                "x-twilio-email-event-webhook-timestamp",
                "content-type",
            ]
        ),
        st.text(max_size=20),
    ),
    query=st.text(max_size=20),
)
async def test_garbage_is_never_our_fault(
    asked: World, name: str, body: bytes, headers: Any, query: str
) -> None:
    assert (await asked.call(name, Sent(body, headers, query))).status in (400, 401, 403)
