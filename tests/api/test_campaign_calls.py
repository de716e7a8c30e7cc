"""`/api/v1/campaigns`: tracking codes made, changed, stopped and pasted."""

from __future__ import annotations

import asyncio
import re

import pytest
from api_world import Answer, World

from heliograph import senders
from heliograph.events.engagement import MessageOpened

CAMPAIGNS = "/api/v1/campaigns"


async def done(world: World, method: str, path: str, body=None, **more) -> Answer:
    """A call that records something, while state follows."""
    asking = asyncio.create_task(world.ask(method, f"{CAMPAIGNS}{path}", body, **more))
    while not asking.done():
        await world.follow()
        await world.clock.advance(0.02)
    return await asking


async def test_a_campaign_has_a_guid_of_its_own(world: World) -> None:
    """LIT-2"""
    made = [(await done(world, "POST", "", {"name": f"N{number}"})).json for number in range(20)]
    guids = {one["guid"] for one in made}
    assert len(guids) == 20
    for guid in guids:
        assert re.fullmatch("[0-9a-z]{8}", guid) and re.search("[0-9]", guid) and re.search("[a-z]", guid)
    listed = (await world.ask("GET", CAMPAIGNS, limit=15)).json
    rest = (await world.ask("GET", CAMPAIGNS, after=listed["next"])).json
    assert [one["guid"] for one in listed["campaigns"] + rest["campaigns"]] == [
        one["guid"] for one in reversed(made)
    ]
    assert rest["next"] is None


async def test_a_campaign_is_made_changed_stopped_started_and_archived(world: World) -> None:
    body = {
        "name": "Spring",
        "sender": "mailchimp",
        "expires_at": "2030-01-01T00:00:00Z",
        "tags": ["a", "b"],
        "custom_type": "news",
        "email_type": "newsletter",
    }
    answer = await done(world, "POST", "", body)
    assert answer.status == 201
    made = answer.json
    assert made["records"] and made["individual"]
    assert made["merge_tag"] == "*|UNIQID|*"
    assert made["expires_at"] == "2030-01-01T00:00:00.000000Z"
    guid = made["guid"]
    changed = (await done(world, "PATCH", f"/{guid}", {"name": "Summer", "expires_at": None})).json
    assert changed == {**made, "name": "Summer", "expires_at": None}
    stopped = (await done(world, "POST", f"/{guid}/stop")).json
    assert not stopped["records"] and stopped["stopped_at"]
    assert (await done(world, "POST", f"/{guid}/start")).json["records"]
    await done(world, "PATCH", f"/{guid}", {"expires_at": "2020-01-01T00:00:00Z"})
    assert not (await world.ask("GET", f"{CAMPAIGNS}/{guid}")).json["records"]
    await done(world, "POST", f"/{guid}/archive")
    assert (await world.ask("GET", CAMPAIGNS)).json["campaigns"] == []
    assert (await world.ask("GET", CAMPAIGNS, archived="true")).json["campaigns"][0]["guid"] == guid


async def test_a_campaigns_unfilled_merge_tags_are_shown(world: World) -> None:
    """LIT-5"""
    guid = (await done(world, "POST", "", {"name": "N"})).json["guid"]
    for custom_id in ("[UNIQUE]", "ann", "[UNIQUE]"):
        await world.happen(MessageOpened(campaign=guid, custom_id=custom_id))
    assert (await world.ask("GET", f"{CAMPAIGNS}/{guid}")).json["unfilled"] == {"[UNIQUE]": 2}


async def test_accounts_have_campaigns_of_their_own(world: World) -> None:
    guid = (await done(world, "POST", "", {"name": "N"})).json["guid"]
    for method, path in (("GET", ""), ("GET", "/snippet"), ("POST", "/stop"), ("PATCH", "")):
        body = {} if method == "PATCH" else None
        answer = await world.ask(method, f"{CAMPAIGNS}/{guid}{path}", body, key=world.other_key)
        assert answer.status == 404
    assert (await world.ask("GET", CAMPAIGNS, key=world.other_key)).json["campaigns"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "N", "sender": "nobody"}, "sender"),
        ({"name": "N", "expires_at": "soon"}, "expires_at"),
        ({"name": "N", "custom_data": "x" * 501}, "custom_data"),
        ({"name": "N", "tags": [""]}, "tags"),
    ],
)
async def test_what_is_wrong_is_named(world: World, body, field) -> None:
    answer = await world.ask("POST", CAMPAIGNS, body)
    assert (answer.status, answer.json["field"]) == (400, field)


async def test_the_snippet_of_every_sender_can_be_asked_for(world: World) -> None:
    """LIT-1"""
    guid = (await done(world, "POST", "", {"name": "N", "custom_type": "a b&c", "sender": "braze"})).json[
        "guid"
    ]
    listed = (await world.ask("GET", f"{CAMPAIGNS}/senders")).json["senders"]
    assert [one["name"] for one in listed] == [one.name for one in senders.senders()]
    assert len(listed) >= 20
    for one in listed:
        html = (await world.ask("GET", f"{CAMPAIGNS}/{guid}/snippet", sender=one["name"])).json["html"]
        assert html.count(f"/v2/{guid}?") == 8
        assert html.count(f"d={one['merge_tag']}&") == 8
        assert html.count("t=a%20b%26c") == 8
    own = (await world.ask("GET", f"{CAMPAIGNS}/{guid}/snippet")).json["html"]
    assert own.count("d={{${user_id} | url_encode}}") == 8
    custom = (await world.ask("GET", f"{CAMPAIGNS}/{guid}/snippet", merge_tag="[CONTACT-ID]")).json["html"]
    assert custom.count("d=[CONTACT-ID]") == 8


async def test_without_leave_to_track_people_a_campaign_names_nobody(world: World) -> None:
    """STD-7: the account's policy decides, unless the campaign says that everybody agreed."""
    world.policy(tracking="only_if_allowed")
    made = (await done(world, "POST", "", {"name": "N", "sender": "mailchimp"})).json
    assert not made["individual"]
    html = (await world.ask("GET", f"{CAMPAIGNS}/{made['guid']}/snippet")).json["html"]
    assert "UNIQID" not in html
    agreed = (await done(world, "POST", "", {"name": "N", "individual": True})).json
    assert agreed["individual"]
