"""`/api/v1/people`: whom it finds, what it shows of them, and what it orders."""

from __future__ import annotations

import asyncio

from api_world import World
from sqlalchemy import delete, select

from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated
from heliograph.events.consent import (
    ConsentGranted,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    TrackingChosen,
)
from heliograph.events.definitions import SegmentSaved
from heliograph.events.engagement import LinkClicked, MessageOpened, VoteCast
from heliograph.events.event import Redacted
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.events.people import Customer, ErasureRequested, PersonErased, PersonMerged
from heliograph.react.state import people

PEOPLE = "/api/v1/people"


async def test_a_person_is_found_by_everything_they_are_known_as(world: World) -> None:
    ann = await world.customer(id="007", email="Ann@X.example", sms_phone_number_e164="+12025550137")
    for query in ({"email": "ANN@x.example"}, {"customer_id": "007"}, {"phone": "+12025550137"}):
        answer = await world.ask("GET", PEOPLE, **query)
        assert answer.status == 200
        (person,) = answer.json["people"]
        assert person["id"] == ann.id
    assert person["identities"][0] == {
        "kind": "customer",
        "value": "007",
        "since": "2023-11-14T22:13:21.000000Z",
        "ended_at": None,
    }
    assert (await world.ask("GET", PEOPLE, email="nobody@x.example")).json == {"people": [], "next": None}


async def test_everybody_is_listed_page_by_page(world: World) -> None:
    made = [(await world.customer(id=number)).id for number in range(5)]
    await world.customer(account=world.other, id=9)
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await world.ask("GET", PEOPLE, limit=2, after=after)).json
        seen += [person["id"] for person in page["people"]]
        after = page["next"]
    assert seen == made


async def test_nobody_sees_people_of_another_account(world: World) -> None:
    ann = await world.customer(id=7, email="ann@x.example")
    for path in ("", "/events", "/consent", "/export"):
        assert (await world.ask("GET", f"{PEOPLE}/{ann.id}{path}", key=world.other_key)).status == 404
    for method, path in (("POST", "/erasure"), ("POST", "/merge"), ("PUT", "/tracking")):
        body = {"other": ann.id} if path == "/merge" else {"allowed": True} if path == "/tracking" else None
        assert (await world.ask(method, f"{PEOPLE}/{ann.id}{path}", body, key=world.other_key)).status == 404
    assert (await world.ask("GET", PEOPLE, key=world.other_key)).json["people"] == []


async def test_the_timeline_goes_back_page_by_page(world: World) -> None:
    ann = await world.customer(id=7, email="ann@x.example")
    for number in range(5):
        await world.happen(
            CartUpdated(cart=Cart(id=number, email="ann@x.example")), subject="email:ann@x.example"
        )
    await world.happen(CartUpdated(cart=Cart(id=9, email="ben@x.example")), subject="email:ben@x.example")
    await world.happen(
        CartUpdated(cart=Cart(id=8, email="ann@x.example")),
        subject="email:ann@x.example",
        account=world.other,
    )
    carts: list[int] = []
    query: dict[str, int] = {"limit": 2}
    while True:
        page = (await world.ask("GET", f"{PEOPLE}/{ann.id}/events", **query)).json
        carts += [event["data"]["cart"]["id"] for event in page["events"] if event["kind"] == "cart.updated"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert carts == [4, 3, 2, 1, 0]
    assert page["events"][-1]["id"] == ann.id


async def test_the_proof_of_consent_has_when_where_from_and_to_which_text(world: World) -> None:
    """STD-7"""
    ann = await world.customer(id=7, email="ann@x.example")
    mine = {"subject": "email:ann@x.example"}
    await world.happen(SubscriptionRequested(email="ann@x.example", ip="203.0.113.0", source="form"), **mine)
    await world.happen(SubscriptionConfirmed(address="ann@x.example", ip="203.0.113.1"), **mine)
    granted = ConsentGranted(
        address="ann@x.example",
        requested_at=world.clock.now() - 1,
        confirmed_at=world.clock.now(),
        signup_ip="203.0.113.0",
        optin_ip="203.0.113.1",
        source="form",
        text_version="2026-01",
    )
    await world.happen(granted, **mine)
    await world.happen(SuppressionAdded(address="ann@x.example", type="hard_bounce", reason="550"), **mine)
    record = (await world.ask("GET", f"{PEOPLE}/{ann.id}/consent")).json
    (address,) = record["addresses"]
    assert (address["channel"], address["address"], address["opted_in"]) == ("email", "ann@x.example", True)
    assert [one["type"] for one in address["suppressions"]] == ["hard_bounce"]
    kinds = [entry["kind"] for entry in address["log"]]
    assert kinds == ["subscription.requested", "subscription.confirmed", "consent.granted"]
    proof = address["log"][-1]
    assert (proof["ip"], proof["optin_ip"], proof["text_version"]) == (
        "203.0.113.0",
        "203.0.113.1",
        "2026-01",
    )
    assert proof["confirmed_at"].startswith("2023-11-14T22:13:")


async def test_a_choice_about_tracking_is_on_record_with_its_proof(world: World) -> None:
    """STD-7"""
    ann = await world.customer(id=7, email="ann@x.example")
    said = {"allowed": False, "source": "letter", "ip": "203.0.113.9", "text_version": "v3"}
    answer = await world.ask("PUT", f"{PEOPLE}/{ann.id}/tracking", said)
    assert answer.status == 202
    await world.follow()
    person = (await world.ask("GET", f"{PEOPLE}/{ann.id}")).json
    assert person["accepts_tracking"] is False
    record = (await world.ask("GET", f"{PEOPLE}/{ann.id}/consent")).json
    assert record["accepts_tracking"] is False
    (entry,) = record["addresses"][0]["log"]
    assert (entry["kind"], entry["opted_in"], entry["text_version"]) == (TrackingChosen.kind, False, "v3")
    await world.customer(id=7, email="ann@x.example", accepts_tracking=True)
    assert (await world.ask("GET", f"{PEOPLE}/{ann.id}")).json["accepts_tracking"] is False


async def test_two_records_are_merged_by_order_and_both_ids_lead_to_one(world: World) -> None:
    """RM-9: by hand where no rule may decide it."""
    ann = await world.customer(id=1, email="ann@x.example")
    anna = await world.customer(id=2, email="anna@x.example", first_name="Anna")
    answer = await world.ask("POST", f"{PEOPLE}/{ann.id}/merge", {"other": anna.id, "because": "she called"})
    assert (answer.status, answer.json["person"], answer.json["other"]) == (202, ann.id, anna.id)
    await world.follow()
    person = (await world.ask("GET", f"{PEOPLE}/{anna.id}")).json
    assert (person["id"], person["first_name"]) == (ann.id, "Anna")
    assert {(one["kind"], one["value"]) for one in person["identities"]} == {
        ("customer", "1"),
        ("customer", "2"),
        ("email", "ann@x.example"),
        ("email", "anna@x.example"),
        ("person", anna.id),
    }
    newest = (await world.ask("GET", f"{PEOPLE}/{ann.id}/events", limit=1)).json["events"][0]
    assert newest["kind"] == PersonMerged.kind
    assert newest["data"]["because"] == "she called"
    again = await world.ask("POST", f"{PEOPLE}/{ann.id}/merge", {"other": anna.id})
    assert (again.status, again.json["field"]) == (400, "other")
    nobody = await world.ask("POST", f"{PEOPLE}/{ann.id}/merge", {"other": "nobody"})
    assert (nobody.status, nobody.json["field"]) == (400, "other")


async def test_a_guest_whose_address_the_shop_gives_a_customer_is_that_customer(world: World) -> None:
    """RM-9: decided by rule, told as an event, the same after a replay."""
    guest = await world.happen(
        OrderCreated(order=Order(id=1, email="ann@x.example")), subject="email:ann@x.example"
    )
    ann = await world.customer(id=7, email="old@x.example")
    renamed = await world.customer(id=7, email="ann@x.example")
    (merged,) = await world.journal.read(0, kinds=frozenset((PersonMerged.kind,)))
    assert (merged.cause, merged.subject) == (renamed.id, f"person:{ann.id}")
    person = (await world.ask("GET", f"{PEOPLE}/{guest.id}")).json
    assert (person["id"], person["email"]) == (ann.id, "ann@x.example")
    events = [codec.decode(entry) for entry in await world.journal.read(0)]
    with world.state.begin() as connection:
        before = [connection.execute(select(table)).all() for table in people.FOLD.tables]
        for table in people.FOLD.tables:
            connection.execute(delete(table))
        people.FOLD.apply(connection, [event for event in events if event.kind in people.FOLD.kinds])
        assert [connection.execute(select(table)).all() for table in people.FOLD.tables] == before


async def test_an_export_holds_everything_that_is_known(world: World) -> None:
    """STD-7"""
    ann = await world.customer(id=7, email="ann@x.example", first_name="Ann")
    mine = {"subject": "email:ann@x.example"}
    hers = {"subject": f"person:{ann.id}"}
    await world.happen(OrderCreated(order=Order(id="o1", email="ann@x.example", total_price=5)), **mine)
    await world.happen(CartUpdated(cart=Cart(id="c1", customer=None)), subject="cart:c1")
    await world.happen(CartUpdated(cart=Cart(id="c1", email="ann@x.example")), **mine)
    gift = Order(id="o2", email="gift@x.example", customer=Customer(id=7, email="ann@x.example"))
    await world.happen(OrderCreated(order=gift), subject="email:gift@x.example")
    wanted = await world.happen(
        MessageRequested(address="ann@x.example", template="hello", person=ann.id), **hers
    )
    await world.happen(MessageSent(message=wanted.id, address="ann@x.example", subject="Hi Ann"), **hers)
    await world.happen(MessageOpened(message=wanted.id), **hers)
    await world.happen(
        LinkClicked(message=wanted.id, url="https://x.example"), subject=f"message:{wanted.id}"
    )
    await world.happen(VoteCast(tracker="t", option=1, person=ann.id), **hers)
    for name, person in (("buyers", {"orders.count": 2}), ("sleepers", {"engagement.sent": 0})):
        await world.happen(SegmentSaved(name=name, who=person), subject=f"segment:{name}")
    await world.customer(id=8, email="ben@x.example")
    told = (await world.ask("GET", f"{PEOPLE}/{ann.id}/export")).json
    assert told["person"]["first_name"] == "Ann"
    assert [one["id"] for one in told["orders"]] == ["o1", "o2"]
    assert [one["id"] for one in told["carts"]] == ["c1"]
    (mail,) = told["messages"]
    assert (mail["subject"], mail["state"]) == ("Hi Ann", "sent")
    assert [len(told[name]) for name in ("opens", "clicks", "votes")] == [1, 1, 1]
    assert told["engagement"]["sent"] == 1
    assert told["engagement"]["sent_at"].startswith("20")
    assert told["segments"] == ["buyers"]
    assert len(told["events"]) == 10
    assert b"ben@x.example" not in (await world.ask("GET", f"{PEOPLE}/{ann.id}/export")).raw


async def test_an_erasure_is_taken_on_and_can_be_asked_about(world: World) -> None:
    """STD-7: the engine carries it out; here its end is told by hand."""
    ann = await world.customer(id=7, email="ann@x.example")
    asking = asyncio.create_task(world.ask("POST", f"{PEOPLE}/{ann.id}/erasure"))
    while not asking.done():
        await world.follow()
        await world.clock.advance(0.02)
    task = await asking
    assert (task.status, task.json["state"], task.json["person"]) == (202, "requested", ann.id)
    await world.follow()
    (order,) = await world.journal.read(0, kinds=frozenset((ErasureRequested.kind,)))
    assert order.id == task.json["id"]
    assert b"ann@x" not in order.data
    assert (await world.ask("GET", f"/api/v1/erasures/{order.id}")).json["state"] == "requested"
    await world.happen(PersonErased(person=ann.id, events=3), subject=f"erased:{ann.id}")
    done = (await world.ask("GET", f"/api/v1/erasures/{order.id}")).json
    assert (done["state"], done["events"]) == ("done", 3)
    assert done["finished_at"] > done["requested_at"]
    assert (await world.ask("GET", f"/api/v1/erasures/{order.id}", key=world.other_key)).status == 404
    assert (await world.ask("GET", f"{PEOPLE}/{ann.id}")).status == 404


async def test_what_was_erased_says_nothing_in_a_timeline(world: World) -> None:
    ann = await world.customer(id=7, email="ann@x.example")
    await world.journal.redact(["email:ann@x.example"], account=world.account, replacement=f"person:{ann.id}")
    (event,) = (await world.ask("GET", f"{PEOPLE}/{ann.id}/events")).json["events"]
    assert event["data"] == {"redacted": True}
    assert isinstance(codec.decode((await world.journal.read(0))[0]).data, Redacted)
