"""Newsletter events: what becomes of the wish, and phone numbers (RM-11, RM-19)."""

from __future__ import annotations

import json

import pytest
from collect_shop import Shop, answer, vector

from heliograph.accounts.model import Policy


async def test_a_subscription_holds_all_that_the_document_names(shop: Shop) -> None:
    """RM-11, S3:L641-650"""
    body = vector("s3_newsletter_subscribe")
    await shop.send("newsletter/subscribe", body, client="203.0.113.5")
    wish = shop.last.data
    assert (wish.email, wish.phone, wish.customer_id) == ("shopper@gmail.com", "+12025550137", "111112")
    assert (wish.first_name, wish.last_name, wish.tags) == ("Edgar", "Poe", ("politics", "sport"))
    assert (wish.double_optin, wish.source, wish.ip) == (False, "api", "203.0.113.5")
    assert wish.said.body == json.loads(body)
    assert body in shop.journal.records[0].data


async def test_the_account_decides_about_double_opt_in_when_the_event_does_not_say(shop: Shop) -> None:
    """RM-11, wire-facts 6.4 (L653)"""
    await shop.send("newsletter/subscribe", {"email": "a@b.example"})
    assert shop.last.data.double_optin is None
    await shop.send("newsletter/subscribe", {"email": "a@b.example", "double_optin_required": "1"})
    assert shop.last.data.double_optin is True


async def test_plugins_name_the_visitors_address(shop: Shop) -> None:
    """Magento 2 sends client_ip and customerId."""
    await shop.send("newsletter/subscribed", vector("magento2_newsletter_subscribed"))
    assert (shop.last.data.ip, shop.last.data.customer_id) == ("203.0.113.9", "5")


@pytest.mark.parametrize(
    ("how", "said", "kept"),
    [
        ("full", "203.0.113.9", "203.0.113.9"),
        ("truncate", "203.0.113.9", "203.0.113.0"),
        ("truncate", "2001:db8:1:2:3::4", "2001:db8:1::"),
        ("drop", "203.0.113.9", ""),
        ("full", "not an address", "198.51.100.7"),
        ("full", "", "198.51.100.7"),
    ],
)
async def test_addresses_are_kept_as_far_as_the_account_says(how: str, said: str, kept: str) -> None:
    """STD-7"""
    shop = Shop(policy=Policy(ip=how))  # type: ignore[arg-type]  # a literal, by parameter
    await shop.send("newsletter/unsubscribe", {"email": "a@b.example", "client_ip": said})
    assert shop.last.data.ip == kept


@pytest.mark.parametrize("said", ["+12025550137", "+4915112345678", "+15551234567"])
async def test_a_number_in_e164_is_taken(strict: Shop, said: str) -> None:
    """RM-19"""
    reply = await strict.send("newsletter/subscribe", {"sms_phone_number_e164": said})
    assert reply.status == 200
    assert (strict.last.data.phone, strict.last.subject) == (said, f"phone:{said}")


@pytest.mark.parametrize(
    "said", ["2025550137", "+1202", "+999123456789", "+0123456789", "call me", 12025550137]
)
async def test_what_is_no_number_is_not_used(shop: Shop, strict: Shop, said: object) -> None:
    """RM-19"""
    body = {"email": "a@b.example", "sms_phone_number_e164": said}
    refused = await strict.send("newsletter/subscribe", body)
    assert (refused.status, answer(refused)["field"]) == (400, "sms_phone_number_e164")
    noted = await shop.send("newsletter/subscribe", body)
    assert noted.status == 200
    assert shop.last.data.phone is None
    assert shop.last.data.notes[0].startswith("sms_phone_number_e164:")


async def test_a_number_written_for_people_is_put_into_e164(shop: Shop, strict: Shop) -> None:
    """RM-19"""
    body = {"sms_phone_number_e164": "+1 (202) 555-0137"}
    await shop.send("newsletter/subscribe", body)
    assert shop.last.data.phone == "+12025550137"
    assert (await strict.send("newsletter/subscribe", body)).status == 400


async def test_a_wish_to_hear_no_more_is_of_the_address_or_else_of_the_number(shop: Shop) -> None:
    """RM-11"""
    await shop.send("newsletter/unsubscribe", vector("s3_newsletter_unsubscribe"))
    assert (shop.last.data.channel, shop.last.data.address) == ("email", "shopper@gmail.com")
    assert shop.last.data.how == "api"
    await shop.send("newsletter/unsubscribe", {"sms_phone_number_e164": "+12025550137"})
    assert (shop.last.data.channel, shop.last.data.address) == ("sms", "+12025550137")


async def test_a_subscription_that_says_no_is_noted(shop: Shop, strict: Shop) -> None:
    body = {"email": "a@b.example", "accepts_marketing": False}
    assert (await strict.send("newsletter/subscribe", body)).status == 400
    reply = await shop.send("newsletter/subscribe", body)
    assert answer(reply)["notes"][0].startswith("accepts_marketing:")


@pytest.mark.parametrize(
    ("country", "body", "number"),
    [
        ("DE", {"sms_phone_number_e164": "0151 12345678"}, "+4915112345678"),
        ("us", {"sms_phone_number_e164": "(202) 555-0137"}, "+12025550137"),
        ("GBR", {"sms_phone_number_e164": "07400 123456"}, "+447400123456"),
        ("DE", {"sms_phone_number_e164": "+1 202 555 0137"}, "+12025550137"),
        ("DE", {"sms_phone_number_e164": "12"}, None),
        ("", {"sms_phone_number_e164": "0151 12345678"}, None),
    ],
)
async def test_a_national_number_is_of_the_accounts_country(
    country: str, body: dict[str, str], number: str | None
) -> None:
    """RM-19"""
    shop = Shop(policy=Policy(country=country))
    await shop.send("newsletter/subscribe", {"email": "a@b.example", **body})
    assert shop.last.data.phone == number
    assert any(note.startswith("sms_phone_number_e164") for note in shop.last.data.notes)


async def test_a_national_number_is_of_the_customers_own_country_first(shop: Shop) -> None:
    """RM-19; S3 writes USA in addresses."""
    abroad = Shop(policy=Policy(country="DE"))
    address = {"country_code": "USA"}
    said = {"id": 7, "sms_phone_number_e164": "202-555-0137", "default_address": address}
    await abroad.send("customers/create", said)
    assert abroad.last.data.person.sms_phone_number_e164 == "+12025550137"
    assert abroad.last.data.said.body == said


@pytest.mark.parametrize(
    ("how", "kept"), [("truncate", "203.0.113.0"), ("drop", ""), ("full", "203.0.113.9")]
)
async def test_addresses_within_bodies_are_kept_as_far_as_the_account_says(how: str, kept: str) -> None:
    """STD-7: shops put them into orders and wishes; what is no address stays as it was."""
    shop = Shop(policy=Policy(ip=how))  # type: ignore[arg-type]  # a literal, by parameter
    order = {"id": 1, "browser_ip": "203.0.113.9", "client": {"ip_address": "203.0.113.9"}, "zip": "1.2"}
    await shop.send("orders/create", order)
    told = shop.last.raw
    assert told.count(kept.encode()) >= 2 and b'"zip": "1.2"' in told
    assert (b"203.0.113.9" in told) is (how == "full")
    await shop.send("newsletter/subscribe", {"email": "a@b.example", "client_ip": "203.0.113.9"})
    assert (b"203.0.113.9" in shop.last.raw) is (how == "full")


async def test_a_page_cannot_say_whose_number_a_cart_has() -> None:
    """RM-2, RM-9: else anybody could rename a customer."""
    shop = Shop(policy=Policy(browser_origins=("https://shop.example",)))
    cart = {"id": 1, "email": "evil@x.example", "customer": {"id": 1, "email": "evil@x.example"}}
    reply = await shop.send("carts/update", cart, key=False, origin="https://shop.example")
    assert reply.status == 200
    assert shop.last.data.cart.customer.id is None
    assert shop.last.data.notes[0].startswith("customer.id")
