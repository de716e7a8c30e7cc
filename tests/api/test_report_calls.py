"""`/api/v1/reports`: one report whole, its course, its parts, and several side by side (LIT-13, LIT-14)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from api_world import World

from heliograph.accounts import keys
from heliograph.events.definitions import CampaignCreated
from heliograph.events.engagement import LinkClicked, MessageOpened, ReaderJudged
from heliograph.events.messages import Campaign, MessageRequested, MessageSent

REPORTS = "/api/v1/reports"


async def mail(world: World, number: int = 1, **how: Any) -> str:
    """A message of a campaign, sent and opened on an iPhone, and clicked."""
    campaign = Campaign(id=number, name=f"Campaign {number}")
    given: dict[str, Any] = {"address": "a@x.example", "template": "t", "campaign": campaign, **how}
    message = (await world.happen(MessageRequested(**given))).id
    await world.happen(MessageSent(message=message, address="a@x.example"))
    opened = await world.happen(MessageOpened(message=message, mode="dark"))
    await world.happen(
        ReaderJudged(
            event=opened.id, reader="human", reason="r", mail_client="Apple iPhone", platform="mobile"
        )
    )
    clicked = await world.happen(LinkClicked(message=message, url="https://x.example/a?b", link=0))
    await world.happen(ReaderJudged(event=clicked.id, reader="human", reason="r"))
    return message


async def test_a_campaign_is_reported_on_by_number_and_by_name(world: World) -> None:
    """LIT-13, LIT-14"""
    await mail(world)
    for name in ("1", "Campaign 1"):
        answer = await world.ask("GET", f"{REPORTS}/campaign/{name}")
        assert answer.status == 200
        report = answer.json["report"]
        assert report["mail"]["sent"] == report["mail"]["delivered"] == 1
        assert report["opens"]["unique"] == {"all": 1, "by_person": 1, "reliable": 1}
        assert report["opens"]["modes"] == {"dark": 1, "light": 0, "unknown": 0}
        assert report["rates"]["click_to_open"] == 1.0


@pytest.mark.parametrize(("of", "name"), [("job", "j"), ("automation", "welcome"), ("template", "t")])
async def test_jobs_automations_and_templates_have_reports(world: World, of: str, name: str) -> None:
    await mail(world, 1, job="j", automation="welcome")
    await mail(world, 2, template="t" if of == "template" else "other")
    answer = await world.ask("GET", f"{REPORTS}/{of}/{name}")
    assert answer.json["report"]["opens"]["total"] == (2 if of == "template" else 1)


async def test_reports_that_there_are_are_listed_the_latest_first(world: World) -> None:
    await mail(world, 1)
    await world.clock.advance(3600)
    await mail(world, 2)
    answer = await world.ask("GET", REPORTS)
    assert [(one["name"], one["title"]) for one in answer.json["reports"]] == [
        ("2", "Campaign 2"),
        ("1", "Campaign 1"),
    ]
    assert (await world.ask("GET", REPORTS, of="job")).json == {"reports": []}


async def test_the_course_is_in_the_accounts_own_hours(world: World) -> None:
    await mail(world)
    with world.state.begin() as connection:
        keys.set_policy(connection, world.account, {"time_zone": "Asia/Kolkata"})
    world.means.directory.reload(world.reading)
    answer = await world.ask("GET", f"{REPORTS}/campaign/1/course", by="hour")
    (point,) = answer.json["points"]
    assert (point["at"], point["opens"], point["clicks_by_person"]) == ("2023-11-15T03:00:00+05:30", 1, 1)
    later = await world.ask("GET", f"{REPORTS}/campaign/1/course", since="2023-11-16")
    assert later.json == {"time_zone": "Asia/Kolkata", "points": []}
    wrong = await world.ask("GET", f"{REPORTS}/campaign/1/course", since="soon")
    assert (wrong.status, wrong.json["field"]) == (400, "since")


async def test_campaigns_stand_side_by_side(world: World) -> None:
    for number in (1, 2):
        await mail(world, number)
    answer = await world.ask("GET", f"{REPORTS}/comparison", names="2, 1")
    assert [one["name"] for one in answer.json["reports"]] == ["2", "1"]
    missing = await world.ask("GET", f"{REPORTS}/comparison", names="1,nothing")
    assert missing.status == 404
    assert (await world.ask("GET", f"{REPORTS}/comparison", names=",")).status == 400


async def test_links_and_clients_can_be_asked_for_alone(world: World) -> None:
    await mail(world)
    (link,) = (await world.ask("GET", f"{REPORTS}/campaign/1/links")).json["links"]
    assert (link["link"], link["total"]) == ("https://x.example/a", 1)
    clients = (await world.ask("GET", f"{REPORTS}/campaign/1/clients")).json
    assert [one["name"] for one in clients["platforms"]] == ["mobile"]
    assert clients["clients"][0]["share"] == 1.0


async def test_another_accounts_reports_are_not_there(world: World) -> None:
    await mail(world)
    await world.happen(CampaignCreated(guid="89r4i3l4", name="Mine"))
    for path in ("campaign/1", "code/89r4i3l4", "campaign/1/course", "campaign/1/links"):
        assert (await world.ask("GET", f"{REPORTS}/{path}")).status == 200
        assert (await world.ask("GET", f"{REPORTS}/{path}", key=world.other_key)).status == 404
    assert (await world.ask("GET", REPORTS, key=world.other_key)).json == {"reports": []}
    assert (await world.ask("GET", f"{REPORTS}/weather/1")).status == 404


async def test_a_code_that_nobody_opened_yet_has_a_report_of_noughts(world: World) -> None:
    await world.happen(CampaignCreated(guid="89r4i3l4", name="Mine"))
    report = (await world.ask("GET", f"{REPORTS}/code/89r4i3l4")).json["report"]
    assert report["opens"]["total"] == 0 and report["rates"]["opened"] is None
    assert msgspec.json.encode(report)
