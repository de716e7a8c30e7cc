"""The act that sends, for texts and push messages: what it records, against scripted providers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dispatch_world import POLICY, Office, plain, request
from mail_world import ACCOUNT, BASE, MESSAGE, PERSON
from wire_world import APPLE_KEY, LOOPBACK, AppleWorld, HttpWorld, pem

from heliograph.accounts.model import Key, Policy
from heliograph.clock import ManualClock
from heliograph.egress import Egress
from heliograph.events.messages import LinksShortened, MessageRequested
from heliograph.journal.consumer import Delivered, Refused, Retry
from heliograph.react.state.definitions import Template
from heliograph.react.state.devices import Device
from heliograph.settings import Settings

PHONE, TOKEN = "+12025550137", "00fc13adff78"
TEXT = {"sms": "Hi {{ person.first_name }}: https://shop.example/cart?id={{ event.id }}. STOP ends."}
PUSH = {"push_title": "Hi {{ person.first_name }}", "push_body": "Your cart waits"}
CARRIED = {"push_link": "shop://cart/{{ event.id }}", "push_data": {"cart": "{{ event.id }}"}, "push_ttl": 60}


class Worlds:
    """An office with a scripted Twilio and a scripted Apple."""

    def __init__(self, plain: HttpWorld, apple: AppleWorld) -> None:
        self.plain, self.apple = plain, apple
        self.clock = ManualClock()
        self.offices: list[Office] = []
        plain.script.answer((201, {"sid": "SM1", "status": "queued"}))

    def office(self, policy: Policy = POLICY, **more: Any) -> Office:
        twilio = {
            "account_sid": "AC" + "0" * 32,
            "secret": "t",
            "sender": "+12025550100",
            "url": self.plain.url,
        }
        apple = {
            "key_id": "ABC123DEFG",
            "team_id": "DEF123GHIJ",
            "private_key": pem(APPLE_KEY),
            "topic": "com.example.shop",
        }
        keys = [
            Key(id=name, account=ACCOUNT, kind="channel", public=name, secret=json.dumps(options))
            for name, options in (("twilio", twilio), ("apns", apple))
        ]
        egress = Egress(Settings(egress_allow=LOOPBACK))
        made = Office(
            clock=self.clock, policy=policy, keys=keys, egress=egress, http2=self.apple.client(), **more
        )
        self.offices.append(made)
        return made


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[Worlds]:
    plain, apple = HttpWorld(), AppleWorld(tmp_path)
    await plain.start()
    await apple.start()
    made = Worlds(plain, apple)
    yield made
    for office in made.offices:
        await office.close()
    await plain.stop()
    await apple.stop()


def text(office: Office, parts: dict[str, str] | None = None, **wanted: Any) -> Any:
    office.known = office.known._replace(
        template=Template(name="cart", version=3, parts=parts or TEXT, settings={})
    )
    return request(office.clock, **{"channel": "sms", "address": PHONE, **wanted})


def push(office: Office, **wanted: Any) -> Any:
    device = Device(ACCOUNT, TOKEN, "APNS", "", 1_700_000_000_000_000)
    office.known = office.known._replace(
        template=Template(name="cart", version=3, parts=PUSH, settings=CARRIED), device=device
    )
    return request(office.clock, **{"channel": "push", "address": TOKEN, **wanted})


async def test_a_text_is_sent_with_short_links_and_counted(worlds: Worlds) -> None:
    office = worlds.office()
    assert await office.perform(text(office)) == Delivered("SM1 queued")
    links, attempted, sent = await office.told()
    assert isinstance(links.data, LinksShortened)
    (link,) = links.data.links
    body = f"Hi Joe: {BASE}/s/{link.code}. STOP ends."
    assert (link.url, links.data.person) == ("https://shop.example/cart?id=c7", PERSON)
    assert plain([attempted, sent]) == [
        {"message": MESSAGE, "channel": "sms", "address": PHONE, "via": "twilio"},
        {
            "message": MESSAGE,
            "channel": "sms",
            "address": PHONE,
            "via": "twilio",
            "response": "SM1 queued",
            "size": len(body),
            "sender": "+12025550100",
            "body": body,
            "characters": len(body),
            "segments": 1,
            "country": "US",
            "template_version": 3,
        },
    ]
    form = worlds.plain.script.asked[0].form
    assert form["Body"] == body
    path, _, mark = form["StatusCallback"].partition("?message=")
    assert path == f"{BASE}/receipts/twilio/7"
    assert office.refs.read_bounce(mark).message == MESSAGE


async def test_links_are_known_before_the_text_leaves(worlds: Worlds) -> None:
    office = worlds.office(timeout=1.0)
    worlds.plain.script.answer(None)
    await office.perform(text(office))
    assert await office.kinds() == ["links.shortened", "attempted", "in_doubt"]


async def test_who_is_not_to_be_tracked_shares_their_links_with_many(worlds: Worlds) -> None:
    """STD-7"""
    office = worlds.office(msgspec.structs.replace(POLICY, tracking="only_if_allowed"))
    await office.perform(text(office))
    links = (await office.told())[0].data
    assert isinstance(links, LinksShortened) and links.aggregate and links.person is None
    assert links.message != MESSAGE


async def test_links_stay_where_the_account_or_the_template_wants_them_so(worlds: Worlds) -> None:
    office = worlds.office(msgspec.structs.replace(POLICY, shorten_links=False))
    await office.perform(text(office))
    assert "https://shop.example/cart?id=c7." in worlds.plain.script.asked[0].form["Body"]
    assert await office.kinds() == ["attempted", "sent"]


@pytest.mark.parametrize(
    ("address", "category", "details"),
    [
        (
            "12025550137",
            "INVALID_ADDRESS",
            "The phone number you have attempted to send to is not valid or unrecognizable to our system",
        ),
        (
            "+4930901820",
            "INTERNATIONAL_SENDING_PROHIBITED",
            "International message sending is not enabled for your account. "
            "Please contact support to send to this number",
        ),
        (
            "+8816213456789",  # a satellite phone: of no country
            "INTERNATIONAL_SENDING_PROHIBITED",
            "International message sending is not enabled for your account. "
            "Please contact support to send to this number",
        ),
    ],
)
async def test_a_number_that_cannot_be_is_not_tried(
    worlds: Worlds, address: str, category: str, details: str
) -> None:
    """MG-9"""
    office = worlds.office(msgspec.structs.replace(POLICY, sms_countries=("US",)))
    await office.perform(text(office, address=address))
    (bounced,) = plain(await office.told())
    assert (bounced["category"], bounced["details"]) == (category, details)
    assert worlds.plain.script.asked == []


async def test_numbers_of_no_country_are_sent_to_where_that_is_wanted(worlds: Worlds) -> None:
    office = worlds.office(msgspec.structs.replace(POLICY, sms_countries=("?",)))
    await office.perform(text(office, address="+8816213456789"))
    sent = (await office.told())[-1]
    assert sent.kind == "message.sent" and "country" not in plain([sent])[0]


async def test_a_text_that_is_too_long_or_says_nothing_is_a_render_error(worlds: Worlds) -> None:
    office = worlds.office(msgspec.structs.replace(POLICY, sms_segments=1))
    await office.perform(text(office, {"sms": "a" * 161}))
    (failed,) = (await office.told())[0].data.errors  # type: ignore[attr-defined]
    assert (failed.code, failed.part) == ("Text too long", "BODY") and "2 short messages" in failed.message
    office = worlds.office()
    await office.perform(text(office, {"sms": " {% if false %}x{% endif %} "}))
    assert (await office.told())[0].data.errors[0].code == "Text empty"  # type: ignore[attr-defined]


async def test_who_left_gets_no_text_but_the_answer_to_their_own(worlds: Worlds) -> None:
    """47 CFR 64.1200(a)(10) and (12)"""
    office = worlds.office()
    office.suppress("unsubscribed")
    await office.perform(text(office))
    (suppressed,) = plain(await office.told())
    assert (suppressed["channel"], suppressed["code"]) == ("sms", 131)
    office = worlds.office()
    office.suppress("unsubscribed")
    await office.perform(text(office, transactional=True))
    assert plain(await office.told())[-1]["code"] == 131
    office = worlds.office()
    office.suppress("unsubscribed")
    await office.perform(text(office, transactional=True, answers=MESSAGE))
    assert (await office.kinds())[-1] == "sent"


async def test_a_registered_device_is_a_yes_until_its_owner_says_no(worlds: Worlds) -> None:
    office = worlds.office()
    office.suppress(opt_in=None)
    await office.perform(push(office))
    assert (await office.kinds())[-1] == "delivered"
    office = worlds.office()
    office.suppress(opt_in=False)
    await office.perform(push(office))
    assert plain(await office.told())[-1]["code"] == 25


async def test_a_text_needs_a_yes_where_the_account_asks_for_one_and_knows_its_topic(worlds: Worlds) -> None:
    office = worlds.office()
    office.suppress(opt_in=None)
    await office.perform(text(office))
    assert plain(await office.told())[-1]["code"] == 25
    office = worlds.office(msgspec.structs.replace(POLICY, unknown_may_be_texted=True))
    office.suppress(opt_in=None)
    await office.perform(text(office, topic="news"))
    sent = plain(await office.told())[-1]
    assert (sent["topic"], sent["template_version"]) == ("news", 3)


async def test_a_refused_text_has_the_documents_words(worlds: Worlds) -> None:
    """MG-9"""
    office = worlds.office()
    worlds.plain.script.answer((400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}))
    await office.perform(text(office))
    bounced = plain(await office.told())[-1]
    assert bounced["category"] == "ADDRESS_BLOCKED" and bounced["bounce_class"] == "block"
    assert bounced["details"] == (
        "The message could not be sent from this OriginationNumber to the destination address"
    )
    assert bounced["rule"] == "21610 Attempt to send to unsubscribed recipient"


async def test_a_text_that_cannot_leave_fails_at_last(worlds: Worlds) -> None:
    office = worlds.office(message_lifetime=600.0)
    worlds.plain.script.answer((429, {"code": 20429}))
    event = text(office)
    assert isinstance(await office.perform(event), Retry)
    await worlds.clock.advance(590)
    assert isinstance(await office.perform(event, 2), Delivered)
    told = [(one["category"]) for one in plain(await office.told()) if "category" in one]
    assert told == ["SERVICE_FAILURE"]
    assert (await office.kinds()).count("links.shortened") == 1


async def test_a_push_is_sent_and_delivered(worlds: Worlds) -> None:
    office = worlds.office()
    assert await office.perform(push(office)) == Delivered(MESSAGE)
    links, attempted, sent, delivered = await office.told()
    assert isinstance(links.data, LinksShortened) and links.data.channel == "push"
    (link,) = links.data.links
    assert link.url == "shop://cart/c7" and plain([attempted])[0]["via"] == "apns"
    assert plain([sent, delivered])[1] == {
        "message": MESSAGE,
        "channel": "push",
        "address": TOKEN,
        "size": plain([sent])[0]["size"],
        "service": "APNS",
        "delivery_service": "APNs",
    }
    asked = worlds.apple.script.asked[0]
    assert asked.json == {
        "aps": {"alert": {"title": "Hi Joe", "body": "Your cart waits"}, "sound": "default"},
        "cart": "c7",
        "message": MESSAGE,
        "link": "shop://cart/c7",
        "click": f"{BASE}/s/{link.code}",
    }
    assert asked.headers["apns-expiration"] == str(worlds.clock.now() // 1_000_000 + 60)


async def test_a_device_that_is_gone_is_removed(worlds: Worlds) -> None:
    """MG-9: EXPIRED, with the document's words."""
    office = worlds.office()
    worlds.apple.script.answer((410, {"reason": "Unregistered", "timestamp": 1_800_000_000_000}))
    await office.perform(push(office))
    bounced, removed = (await office.told())[-2:]
    (said,) = plain([bounced])
    assert (said["category"], said["details"]) == ("EXPIRED", "The endpoint address is expired.")
    assert (said["service"], said["delivery_service"]) == ("APNS", "APNs")
    assert (removed.kind, plain([removed])) == (
        "device.removed",
        [{"device": TOKEN, "reason": "410 Unregistered"}],
    )


async def test_a_push_that_is_put_off_says_so_in_the_documents_words_and_times_out(worlds: Worlds) -> None:
    """MG-9"""
    office = worlds.office(message_lifetime=400.0)
    worlds.apple.script.answer((503, {"reason": "ServiceUnavailable"}), (429, {"reason": "TooManyRequests"}))
    event = push(office)
    assert isinstance(await office.perform(event), Retry)
    await worlds.clock.advance(60)
    assert isinstance(await office.perform(event, 2), Retry)
    worlds.apple.script.answer((503, {"reason": "Shutdown"}))
    await worlds.clock.advance(300)
    assert isinstance(await office.perform(event, 3), Delivered)
    categories = [one["category"] for one in plain(await office.told()) if "category" in one]
    assert categories == ["TRANSIENT_FAILURE", "THROTTLED", "TIMEOUT"]


async def test_a_device_that_nobody_registered_is_expired_without_a_try(worlds: Worlds) -> None:
    office = worlds.office()
    event = push(office)
    office.known = office.known._replace(device=None)
    await office.perform(event)
    assert await office.kinds() == ["bounced"] and worlds.apple.script.asked == []


async def test_a_device_of_a_service_without_a_key_waits_for_the_operator(worlds: Worlds) -> None:
    office = worlds.office(message_lifetime=100.0)
    event = push(office)
    device = office.known.device
    assert device is not None
    device.service = "FCM"
    outcome = await office.perform(event)
    assert isinstance(outcome, Retry) and "no key for fcm" in outcome.why
    await worlds.clock.advance(101)
    assert isinstance(await office.perform(event, 2), Refused)
    assert await office.kinds() == []


async def test_a_template_without_the_channels_part_is_a_render_error(worlds: Worlds) -> None:
    office = worlds.office()
    event = text(office, {"subject": "x", "text": "y"})
    assert isinstance(event.data, MessageRequested)
    await office.perform(event)
    assert await office.kinds() == ["render_failed"]
