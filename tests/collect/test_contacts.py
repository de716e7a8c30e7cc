"""The contacts API: sign-up forms, uploads of a hundred, and customers asked for (RM-2, RM-18, RM-24)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from collect_shop import API_KEY, KEYED, ORIGIN, OTHER_STORE_KEY, Call, Counter, answer, as_bytes, headers_of

from heliograph.accounts.model import Policy
from heliograph.events import codec
from heliograph.events.consent import ConsentGranted, SuppressionAdded
from heliograph.events.event import Data

V1 = "/api/v1/stores/AAABBB/contacts"
BATCH = "/api/v2/stores/AAABBB/contacts/batch"
CUSTOMERS = "/api/v2/stores/AAABBB/customers"

DOCUMENTED = {
    "email": "john@shop.example",
    "sms_phone_number": "+14155552671",
    "sms_country_code": "US",
    "firstName": "John",
    "lastName": "Doe",
    "tags": ["VIP", "Wholesale", "tag_3"],
    "marketingAllowed": True,
    "smsMarketingAllowed": True,
    "doubleOptin": False,
    "properties": {
        "country": "United States",
        "state": "CA",
        "city": "Cupertino",
        "zipCode": "12345",
        "address": "1 Infinite Loop",
        "phone": "555-5555",
        "company": "Some Company",
        "rewardsPoints": 100,
        "birth_date": "1989-06-17",
        "gender": "female",
    },
}
"""Every field that the vendor's page on contacts names."""


async def test_a_contact_is_a_customer_and_a_wish(counter: Counter) -> None:
    """RM-24: every documented field ends where S3's customer has it, what was sent stays beside it."""
    body = as_bytes(DOCUMENTED)
    reply = await counter.post(V1, body, KEYED | {"x-platform": "custom"})
    assert reply.status == 200
    person, wish = counter.events
    assert answer(reply) == {"status": "OK", "id": person.id}, "a form plug-in compares status with OK"
    assert (person.kind, person.subject) == ("person.created", "email:john@shop.example")
    assert json.loads(person.raw)["person"] == {
        "email": "john@shop.example",
        "sms_phone_number_e164": "+14155552671",
        "first_name": "John",
        "last_name": "Doe",
        "tags": ["VIP", "Wholesale", "tag_3"],
        "append_tags": True,
        "company": "Some Company",
        "birthdate": "1989-06-17",
        "gender": "female",
        "rewards": {"points": 100},
        "default_address": {
            "country": "United States",
            "region": "CA",
            "city": "Cupertino",
            "zip": "12345",
            "street": "1 Infinite Loop",
            "phone": "555-5555",
        },
    }
    assert b'"body":' + body in counter.journal.records[0].data
    assert (person.data.said.type, person.data.said.platform) == ("contacts", "custom")
    assert (wish.kind, wish.cause, wish.subject) == ("subscription.requested", person.id, person.subject)
    assert (wish.data.email, wish.data.phone) == ("john@shop.example", "+14155552671")
    assert (wish.data.double_optin, wish.data.source) == (False, "api")
    counter.check_readable()


@pytest.mark.parametrize(
    ("said", "wish", "accepts"),
    [
        ({"marketingAllowed": True}, True, None),
        ({"marketingAllowed": True, "doubleOptin": True}, True, None),
        ({"marketingAllowed": "true", "doubleOptin": "false"}, False, None),
        ({"accepts_marketing": True}, True, None),
        ({"doubleOptin": True}, True, None),
        ({"doubleOptin": False}, None, None),
        ({"marketingAllowed": False, "doubleOptin": True}, None, False),
        ({"marketingAllowed": None}, None, None),
        ({}, None, None),
    ],
)
async def test_a_sign_up_is_confirmed_unless_the_form_says_otherwise(
    counter: Counter, said: dict[str, Any], wish: bool | None, accepts: bool | None
) -> None:
    """RM-11: `doubleOptin` is true by default; a no is the shop's record, silence is silence."""
    assert (await counter.post(V1, {"email": "a@b.example", **said})).status == 200
    wishes = [event.data.double_optin for event in counter.events if event.kind == "subscription.requested"]
    assert wishes == ([] if wish is None else [wish])
    assert counter.events[0].data.person.accepts_marketing is accepts


@pytest.mark.parametrize(
    ("number", "country", "e164", "noted"),
    [
        ("+14155552671", None, "+14155552671", []),
        ("(415) 555-2671", "US", "+14155552671", []),
        ("0151 12345678", "de", "+4915112345678", []),
        ("4155552671", None, None, ["sms_phone_number"]),
        ("0151 12345678", "Germany", None, ["sms_country_code", "sms_phone_number"]),
    ],
)
async def test_a_number_is_read_for_its_country(
    counter: Counter, number: str, country: str | None, e164: str | None, noted: list[str]
) -> None:
    """RM-19"""
    body = {"email": "a@b.example", "sms_phone_number": number, "sms_country_code": country}
    assert (await counter.post(V1, body)).status == 200
    assert counter.last.data.person.sms_phone_number_e164 == e164
    assert [note.split(":")[0] for note in counter.last.data.notes] == noted


async def test_a_number_alone_is_a_contact_too(counter: Counter) -> None:
    body = {"sms_phone_number": "+14155552671", "smsMarketingAllowed": True}
    assert (await counter.post(V1, body)).status == 200
    person, wish = counter.events
    assert person.subject == wish.subject == "phone:+14155552671"
    assert (wish.data.email, wish.data.phone, wish.data.double_optin) == (None, "+14155552671", True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"firstName": "John"}, "email"),
        ({"sms_phone_number": "12"}, "sms_phone_number"),
        ({"email": "a\x00@b.example"}, "email"),
    ],
)
async def test_a_contact_of_nobody_is_refused(counter: Counter, body: dict[str, Any], field: str) -> None:
    reply = await counter.post(V1, body)
    assert (reply.status, answer(reply)["field"]) == (400, field)
    assert counter.events == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b'{"email":', b"\xff", b'{"properties":' * 100 + b"1" + b"}" * 100]
)
async def test_a_body_that_is_none_is_refused(counter: Counter, body: bytes) -> None:
    for path in (V1, V1 + "/unsubscribe", BATCH):
        assert (await counter.post(path, body)).status == 400
    assert counter.events == []


async def test_what_does_not_fit_is_left_out_and_noted(counter: Counter) -> None:
    """RM-6: later readers can decode it whatever came."""
    body = {
        "email": "a@b.example",
        "firstName": {"a": 1},
        "tags": True,
        "default_address": "Main St",
        "properties": [1],
    }
    reply = await counter.post(V1, body)
    assert reply.status == 200
    assert {note.split(":")[0] for note in answer(reply)["notes"]} == {
        "firstName",
        "tags",
        "default_address",
        "properties",
    }
    counter.check_readable()


async def test_tags_of_a_form_are_added_and_may_be_text(counter: Counter) -> None:
    """A shop module sends them as text, and an empty one for none."""
    await counter.post(V1, {"email": "a@b.example", "tags": ["one"]})
    await counter.post(V1, {"email": "a@b.example", "tags": "two, three"})
    await counter.post(V1, {"email": "a@b.example", "tags": ""})
    assert (await counter.listed())[0]["tags"] == ["one", "two", "three"]
    await counter.post(V1, {"email": "a@b.example", "tags": ["four"], "append_tags": False})
    assert (await counter.listed())[0]["tags"] == ["four"]


async def test_who_is_known_is_updated(counter: Counter) -> None:
    await counter.post(V1, {"email": "a@b.example", "firstName": "Ann"})
    counter.fold()
    await counter.post(V1, {"email": "A@B.example", "lastName": "Bee"})
    assert counter.kinds == ["person.created", "person.updated"]
    (customer,) = await counter.listed()
    assert (customer["first_name"], customer["last_name"]) == ("Ann", "Bee")


async def test_a_repeat_with_the_senders_id_is_recorded_once(counter: Counter) -> None:
    headers = KEYED | {"x-event-id": "form-7"}
    first = await counter.post(V1, {"email": "a@b.example", "marketingAllowed": True}, headers)
    again = await counter.post(V1, {"email": "a@b.example", "marketingAllowed": True}, headers)
    assert answer(again) == {**answer(first), "duplicate": True}
    assert counter.kinds == ["person.created", "subscription.requested"]


async def test_either_key_opens_the_contacts_and_the_accounts_also_in_x_token(counter: Counter) -> None:
    """RM-2; the page on batches has the account's token in X-Token."""
    body = {"email": "a@b.example"}
    for headers in (KEYED, {"x-api-key": API_KEY}, {"x-token": API_KEY}):
        assert (await counter.post(V1, body, headers)).status == 200
        assert (await counter.post(BATCH, {"contacts": [body]}, headers)).status == 200
        assert (await counter.get(CUSTOMERS, "", headers)).status == 200
    before = len(counter.events)
    for headers in ({}, {"x-token": "wrong"}, {"x-token": OTHER_STORE_KEY}, {"x-api-key": "wrong"}):
        for path in (V1, V1 + "/unsubscribe", BATCH):
            call = Call("POST", path, "", headers, as_bytes(body))
            assert (await counter.call(call)).status == 401
            assert not call.body_was_read
        assert (await counter.get(CUSTOMERS, "", headers)).status == 401
    assert len(counter.events) == before


class TestWithoutAKey:
    """RM-24: existing forms send none; they are held to what pages are."""

    @pytest.fixture
    def counter(self) -> Iterator[Counter]:
        made = Counter(Policy(browser_origins=(ORIGIN,)))
        yield made
        made.state.dispose()

    async def test_a_listed_page_may_sign_up(self, counter: Counter) -> None:
        body = {"email": "a@b.example", "marketingAllowed": True, "doubleOptin": False, "id": 7}
        reply = await counter.post(V1, body, {"origin": ORIGIN})
        assert reply.status == 200
        assert headers_of(reply)["access-control-allow-origin"] == ORIGIN
        person, wish = counter.events
        assert person.data.person.id is None, "a page cannot say whose number it is"
        assert (wish.data.source, wish.data.double_optin) == ("browser", None), "then the account decides"
        assert person.data.keyless and wish.data.keyless, "so it can turn no no into a yes"

    async def test_others_need_a_key(self, counter: Counter) -> None:
        for headers in ({}, {"origin": "https://evil.example"}):
            assert (await counter.post(V1, {"email": "a@b.example"}, headers)).status == 401
        for path in (V1 + "/unsubscribe", BATCH):
            assert (await counter.post(path, {"contacts": []}, {"origin": ORIGIN})).status == 401
        assert (await counter.get(CUSTOMERS, "", {"origin": ORIGIN})).status == 401

    async def test_a_preflight_is_answered(self, counter: Counter) -> None:
        reply = await counter.call(Call("OPTIONS", V1, "", {"origin": ORIGIN}, b""))
        assert (reply.status, headers_of(reply)["access-control-allow-origin"]) == (204, ORIGIN)

    async def test_the_limits_of_pages_hold(self, counter: Counter) -> None:
        statuses = [
            (await counter.post(V1, {"email": "a@b.example"}, {"origin": ORIGIN})).status for _ in range(51)
        ]
        assert statuses == [200] * 50 + [429]
        await counter.clock.advance(60)
        big = {"email": "a@b.example", "properties": {"note": "x" * 140_000}}
        assert (await counter.post(V1, big, {"origin": ORIGIN})).status == 413

    async def test_forms_of_servers_are_let_in_when_the_account_says_so(self) -> None:
        counter = Counter(Policy(open_forms=True))
        assert (await counter.post(V1, {"email": "a@b.example"}, {})).status == 200
        assert (await counter.post(V1, {"email": "a@b.example"}, {"origin": ORIGIN})).status == 401
        assert (await counter.post(V1, {"email": "a@b.example"}, {"x-token": "wrong"})).status == 401
        assert (await counter.post(BATCH, {"contacts": []}, {})).status == 401
        assert (await counter.send("customers/update", {"email": "a@b.example"}, key=False)).status == 401
        counter.state.dispose()


class TestBatches:
    """RM-18"""

    async def test_the_documented_upload_is_answered_as_documented(self, counter: Counter) -> None:
        upload = {
            "contacts": [
                {"email": "guy@remarkety.com", "tags": ["test1", "test2"], "accepts_marketing": True},
                {"email": "invalid", "tags": ["test2"]},
            ],
            "update_existing": True,
            "append_tags": True,
        }
        reply = await counter.post(BATCH, upload)
        assert reply.status == 200
        assert answer(reply) == {
            "success": 1,
            "failed": 1,
            "failedReason": [{"email": "invalid", "reason": "Invalid email address"}],
        }
        (event,) = counter.events
        assert event.subject == "email:guy@remarkety.com"
        assert event.data.person.accepts_marketing is True, (
            "what the shop has on record is no wish of anybody's"
        )
        assert event.data.said.body == upload["contacts"][0]

    async def test_a_hundred_are_taken_and_a_hundred_and_one_are_not(self, counter: Counter) -> None:
        contacts = [{"email": f"p{number}@shop.example"} for number in range(101)]
        assert (await counter.post(BATCH, {"contacts": contacts})).status == 400
        assert counter.events == []
        reply = await counter.post(BATCH, {"contacts": contacts[:100]})
        assert answer(reply) == {"success": 100, "failed": 0, "failedReason": []}
        assert len(counter.events) == 100

    async def test_a_million_tiny_contacts_are_too_many(self, counter: Counter) -> None:
        body = b'{"contacts":[' + b"1," * 500_000 + b"1]}"
        assert (await counter.post(BATCH, body)).status == 400

    @pytest.mark.parametrize(
        "body", [{}, {"contacts": {}}, {"contacts": None}, [], {"contacts": [1], "append_tags": []}]
    )
    async def test_what_is_no_upload_is_refused(self, counter: Counter, body: Any) -> None:
        assert (await counter.post(BATCH, body)).status == 400

    async def test_each_failure_has_its_reason(self, counter: Counter) -> None:
        contacts = [
            5,
            {},
            {"email": None},
            {"sms_phone_number": "12"},
            {"email": ["a"]},
            {"email": "a@b.example"},
        ]
        told = answer(await counter.post(BATCH, {"contacts": contacts}))
        assert (told["success"], told["failed"]) == (1, 5)
        assert all(set(one) == {"email", "reason"} and one["reason"] for one in told["failedReason"])

    async def test_a_strict_account_fails_what_a_lenient_one_mends(self) -> None:
        strict = Counter(Policy(validation="strict"))
        contact = {"email": "a@b.example", "sms_phone_number": "415", "tags": 5}
        told = answer(await strict.post(BATCH, {"contacts": [contact]}))
        assert told["failed"] == 1
        assert all(field in told["failedReason"][0]["reason"] for field in ("tags", "sms_phone_number"))
        strict.state.dispose()

    async def test_tags_are_appended_or_replaced(self, counter: Counter) -> None:
        """RM-9"""
        for tags, append, expected in (
            (["a", "b"], None, ["a", "b"]),
            (["c"], True, ["a", "b", "c"]),
            (["d"], False, ["d"]),
            ([], False, []),
        ):
            upload: dict[str, Any] = {"contacts": [{"email": "a@b.example", "tags": tags}]}
            await counter.post(BATCH, upload | ({} if append is None else {"append_tags": append}))
            assert (await counter.listed())[0]["tags"] == expected

    async def test_only_new_ones_are_made_when_existing_ones_shall_stay(self, counter: Counter) -> None:
        await counter.post(BATCH, {"contacts": [{"email": "a@b.example", "first_name": "Ann"}]})
        counter.fold()
        contacts = [
            {"email": "a@b.example", "first_name": "Other"},
            {"email": "new@b.example", "first_name": "New"},
            {"email": "NEW@b.example", "first_name": "Twice"},
        ]
        reply = await counter.post(BATCH, {"contacts": contacts, "update_existing": False})
        assert answer(reply) == {"success": 3, "failed": 0, "failedReason": []}
        assert [event.subject for event in counter.events[1:]] == ["email:new@b.example"]
        assert {one["first_name"] for one in await counter.listed()} == {"Ann", "New"}

    async def test_even_when_state_was_behind(self, counter: Counter) -> None:
        """Two uploads before the first is folded: the fold knows."""
        contact = {"email": "a@b.example", "first_name": "Ann"}
        await counter.post(BATCH, {"contacts": [contact], "update_existing": False})
        again = {"email": "a@b.example", "first_name": "Other"}
        await counter.post(BATCH, {"contacts": [again], "update_existing": False})
        assert counter.kinds == ["person.created", "person.created"]
        (customer,) = await counter.listed()
        assert customer["first_name"] == "Ann"
        assert "update_existing" not in customer

    async def test_a_wish_may_stand_in_an_upload_too(self, counter: Counter) -> None:
        contacts = [
            {"email": "a@b.example", "marketingAllowed": True},
            {"email": "b@b.example", "accepts_marketing": True, "doubleOptin": True},
            {"email": "c@b.example", "accepts_marketing": True},
        ]
        await counter.post(BATCH, {"contacts": contacts})
        wishes = [event for event in counter.events if event.kind == "subscription.requested"]
        assert [(event.data.email, event.data.double_optin) for event in wishes] == [
            ("a@b.example", True),
            ("b@b.example", True),
        ]


class TestUnsubscribing:
    async def test_by_mail_by_text_or_both(self, counter: Counter) -> None:
        """RM-11; the vendor's page on unsubscribing by API."""
        body = {"email": "a@b.example", "sms_phone_number_e164": "+12021234567", "reason": "asked support"}
        reply = await counter.post(V1 + "/unsubscribe", body)
        assert answer(reply)["status"] == "OK"
        told = [
            (event.kind, event.data.channel, event.data.address, event.data.reason)
            for event in counter.events
        ]
        assert told == [
            ("unsubscription.requested", "email", "a@b.example", "asked support"),
            ("unsubscription.requested", "sms", "+12021234567", "asked support"),
        ]
        await counter.post(V1 + "/unsubscribe", {"email": "b@b.example"})
        assert [event.data.address for event in counter.events[2:]] == ["b@b.example"]

    async def test_of_nobody_it_is_refused(self, counter: Counter) -> None:
        assert (await counter.post(V1 + "/unsubscribe", {"reason": "why"})).status == 400


class TestCustomers:
    """RM-24"""

    async def test_pages_hold_everybody_once_in_order(self, counter: Counter) -> None:
        for number in range(5):
            await counter.clock.advance(1)
            await counter.post(V1, {"email": f"p{number}@shop.example"})
        found = [[one["email"] for one in await counter.listed(f"page={n}&limit=2")] for n in (1, 2, 3, 4)]
        assert [len(page) for page in found] == [2, 2, 1, 0]
        assert [email for page in found for email in page] == [
            f"p{number}@shop.example" for number in range(5)
        ]
        assert len(await counter.listed()) == 5

    async def test_a_customer_is_shown_in_normal_forms(self, counter: Counter) -> None:
        body = {
            "id": "007",
            "email": "A@b.example",
            "gender": "Male",
            "tags": "x, y",
            "birthdate": "01/02/1990",
        }
        await counter.send("customers/update", body)
        (customer,) = await counter.listed("page=1&limit=1&email=a@B.example")
        assert customer["hash"] == counter.last.id
        assert (customer["id"], customer["email"], customer["gender"]) == ("007", "a@b.example", "M")
        assert (customer["tags"], customer["birthdate"]) == (["x", "y"], "01/02/1990")
        assert customer["created_at"] == "2023-11-14T22:13:20+00:00"
        assert (customer["accepts_marketing"], customer["suppressions"]) == (None, [])
        assert await counter.listed("email=nobody@b.example") == []

    async def test_consent_is_shown_as_it_holds(self, counter: Counter) -> None:
        """RM-11: not what the shop's record says, but whether mail may go."""
        await counter.send("customers/update", {"email": "a@b.example", "accepts_marketing": False})
        await record(
            counter,
            ConsentGranted(address="a@b.example", requested_at=1),
            SuppressionAdded(address="a@b.example", type="hard_bounce"),
        )
        (customer,) = await counter.listed()
        assert (customer["accepts_marketing"], customer["suppressions"]) == (True, ["hard_bounce"])

    async def test_deleted_ones_and_other_accounts_are_not_shown(self, counter: Counter) -> None:
        await counter.send("customers/update", {"id": 1, "email": "a@b.example"})
        await counter.send("customers/delete", {"id": 1})
        call = Call(
            "POST",
            V1.replace("AAABBB", "BBBCCC"),
            "",
            {"x-token": OTHER_STORE_KEY},
            b'{"email":"o@b.example"}',
        )
        assert (await counter.call(call)).status == 200
        assert await counter.listed() == []
        assert await counter.listed("email=o@b.example") == await counter.listed("email=a@b.example") == []

    @pytest.mark.parametrize(
        "query", ["page=0", "page=-1", "page=x", "limit=0", "limit=1001", "limit=1e3", "page=²"]
    )
    async def test_pages_are_counted_in_whole_numbers(self, counter: Counter, query: str) -> None:
        reply = await counter.get(CUSTOMERS, query)
        assert (reply.status, answer(reply)["field"]) == (400, query.partition("=")[0])

    async def test_only_looking_is_understood(self, counter: Counter) -> None:
        assert (await counter.post(CUSTOMERS, {})).status == 405
        reply = await counter.call(Call("GET", V1, "", KEYED, b""))
        assert reply.status == 405


@pytest.mark.parametrize(
    "path",
    ["/api/v2/stores/AAABBB/contacts", "/api/v1/stores/AAABBB/customers", "/api/v9/stores", "/api/keys"],
)
async def test_other_paths_are_left_to_the_pages(counter: Counter, path: str) -> None:
    call = Call("POST", path, "", KEYED, b"{}")
    assert await counter.routes["api"].handler(call) is None
    assert not call.body_was_read


async def test_an_unknown_store_is_not_found(counter: Counter) -> None:
    for path in (V1, BATCH, CUSTOMERS):
        assert (await counter.post(path.replace("AAABBB", "NOBODY"), {})).status == 404


async def record(counter: Counter, *said: Data) -> None:
    """What others announce."""
    for data in said:
        event = codec.make(data, account="111111111111", subject="email:a@b.example", now=counter.clock.now())
        await counter.journal.append((codec.encode(event),))


async def test_the_accounts_country_and_privacy_hold_for_contacts_too() -> None:
    """RM-19: a national number is of the account's country where none is named, which may have three letters. STD-7:
    addresses of visitors within bodies are kept as far as the account says."""
    counter = Counter(Policy(country="de", ip="drop"))
    body = {"email": "a@b.example", "sms_phone_number": "0151 12345678", "client_ip": "203.0.113.9"}
    assert (await counter.post(V1, body)).status == 200
    assert counter.last.data.person.sms_phone_number_e164 == "+4915112345678"
    assert b"203.0.113.9" not in counter.journal.records[-1].data
    await counter.post(
        BATCH, {"contacts": [{**body, "sms_phone_number": "(415) 555-2671", "sms_country_code": "USA"}]}
    )
    assert counter.last.data.person.sms_phone_number_e164 == "+14155552671"
    assert b"203.0.113.9" not in counter.journal.records[-1].data
    counter.state.dispose()
