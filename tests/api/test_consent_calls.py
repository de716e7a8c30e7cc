"""What an operator records of a person's wishes by the API, and the devices that they have."""

from __future__ import annotations

from api_world import World

from heliograph.events import codec
from heliograph.events.consent import SuppressionAdded
from heliograph.events.people import DeviceRegistered
from heliograph.react.policies.reaction import reaction

PEOPLE = "/api/v1/people"


async def test_an_answer_given_elsewhere_is_on_record_with_where_and_who_put_it_there(world: World) -> None:
    """STD-7"""
    ann = await world.customer(id=7, email="ann@x.example", sms_phone_number_e164="+12025550137")
    path = f"{PEOPLE}/{ann.id}/consent"
    policies = reaction(world.means.directory)
    yes = {
        "opted_in": True,
        "source": "sign-up sheet, fair in May",
        "ip": "198.51.100.9",
        "double_optin": False,
    }
    assert (await world.ask("PUT", path, yes)).status == 202
    await world.follow(policies)
    (mail,) = [one for one in (await world.ask("GET", path)).json["addresses"] if one["channel"] == "email"]
    assert mail["opted_in"] is True
    assert {one["source"] for one in mail["log"]} == {"sign-up sheet, fair in May"}
    key = world.means.directory.token(world.key)
    wished = [
        codec.decode(one) for one in await world.journal.read(0) if one.kind == "subscription.requested"
    ]
    assert key is not None and wished[0].data.said.source == f"api key {key.public}"

    no = {"opted_in": False, "source": "by phone", "channel": "sms"}
    assert (await world.ask("PUT", path, no)).status == 202
    await world.follow(policies)
    (texts,) = [one for one in (await world.ask("GET", path)).json["addresses"] if one["channel"] == "sms"]
    assert texts["opted_in"] is False and texts["suppressions"][0]["type"] == "unsubscribed"
    assert any(one["reason"] == "by phone" for one in texts["log"])


async def test_a_no_on_a_device_holds_for_that_device_whose_owner_it_must_be(world: World) -> None:
    ann, bob = await world.customer(id=7, email="ann@x.example"), await world.customer(id=8)
    device = DeviceRegistered(device="t1", service="FCM", email="ann@x.example")
    await world.happen(device, subject="email:ann@x.example")
    no = {"opted_in": False, "source": "by phone", "channel": "push", "address": "t1"}
    refused = await world.ask("PUT", f"{PEOPLE}/{bob.id}/consent", no)
    assert (refused.status, refused.json["field"]) == (400, "address")
    assert (await world.ask("PUT", f"{PEOPLE}/{ann.id}/consent", no)).status == 202
    await world.follow(reaction(world.means.directory))
    (one,) = (await world.ask("GET", f"{PEOPLE}/{ann.id}/devices")).json["devices"]
    assert one["suppressions"] == ["unsubscribed"]


async def test_an_answer_that_says_too_little_is_refused(world: World) -> None:
    ann = await world.customer(id=7, email="ann@x.example")
    path = f"{PEOPLE}/{ann.id}/consent"
    for body, field in (
        ({"opted_in": True}, "source"),
        ({"opted_in": True, "source": ""}, "source"),
        ({"opted_in": True, "source": "x", "channel": "sms"}, "address"),
        ({"opted_in": True, "source": "x", "address": "nobody"}, "address"),
        ({"opted_in": False, "source": "x", "channel": "push"}, "address"),
    ):
        answer = await world.ask("PUT", path, body)
        assert (answer.status, answer.json["field"]) == (400, field), body
    assert (
        await world.ask("PUT", path, {"opted_in": True, "source": "x"}, key=world.other_key)
    ).status == 404


async def test_a_persons_devices_are_shown_and_find_them(world: World) -> None:
    ann = await world.customer(id=7, email="ann@x.example")
    device = DeviceRegistered(device="t1", service="FCM", application="shop", email="ann@x.example")
    await world.happen(device, subject="email:ann@x.example")
    (found,) = (await world.ask("GET", PEOPLE, device="t1")).json["people"]
    assert found["id"] == ann.id
    (one,) = (await world.ask("GET", f"{PEOPLE}/{ann.id}/devices")).json["devices"]
    assert (one["device"], one["service"], one["application"], one["suppressions"]) == (
        "t1",
        "FCM",
        "shop",
        [],
    )
    yes = {"opted_in": True, "source": "x", "channel": "push", "address": "t1"}
    answer = await world.ask("PUT", f"{PEOPLE}/{ann.id}/consent", yes)
    assert (answer.status, answer.json["field"]) == (400, "channel")
    await world.happen(SuppressionAdded(address="t1", channel="push", type="unsubscribed"))
    (one,) = (await world.ask("GET", f"{PEOPLE}/{ann.id}/devices")).json["devices"]
    assert one["suppressions"] == ["unsubscribed"]


async def test_people_are_found_by_a_tag_page_by_page(world: World) -> None:
    tagged = [
        (await world.customer(id=number + 1, tags=["vip"] if number % 2 else ["vipers"])).id
        for number in range(6)
    ]
    await world.customer(account=world.other, id=9, tags=["vip"])
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await world.ask("GET", PEOPLE, tag="vip", limit=2, after=after)).json
        seen += [person["id"] for person in page["people"]]
        after = page["next"]
    assert seen == tagged[1::2]


async def test_a_number_is_found_however_it_is_written(world: World) -> None:
    await world.customer(id=7, sms_phone_number_e164="+12025550137")
    for written in ("+12025550137", "+1 202 555 0137", " 12025550137"):
        assert len((await world.ask("GET", PEOPLE, phone=written)).json["people"]) == 1, written
