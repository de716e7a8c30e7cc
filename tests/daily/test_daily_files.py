"""A day's opens as files: their names, what is in them, and that none is ever overwritten (LIT-15)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from daily_world import CODE, EMPTY, World, names, rows
from sqlalchemy import select

from heliograph.clock import from_datetime
from heliograph.events.engagement import MessageOpened
from heliograph.events.messages import Campaign, MessageRequested
from heliograph.outbound.daily import days, files
from heliograph.outbound.daily.days import DAILY
from heliograph.outbound.daily.rows import COLUMNS
from heliograph.outbound.daily.target import Failed, Outcome, Put, Target
from heliograph.settings import Settings

HOUR = 3_600.0
NOON = from_datetime(datetime(2026, 3, 2, 12, tzinfo=UTC))

HEADER_2012 = (
    "created,email_address,custom_type,mail_client,mail_client_specific,mail_client_friendly_name,rendering_engine,"
    "platform,read_seconds,read_category,city,region,country,long,lat,referrer,user_agent,ip_address,campaign_guid"
)
"""The header of a real export (wire-facts 2.3)."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "daily"


@pytest.fixture
async def world(tmp_path: Path, folder: Path) -> AsyncIterator[World]:
    one = World(tmp_path / "data", start=NOON, address=str(folder))
    yield one
    await one.close()


async def test_each_campaign_has_a_zip_of_its_day_by_the_documented_name(world: World, folder: Path) -> None:
    """LIT-15: header-only where nobody opened it."""
    await world.code(CODE)
    await world.code(EMPTY)
    await world.opened(custom_id="c1", custom_type="t", custom_data="d", referrer="https://r.example")
    await world.clock.advance(13 * HOUR)
    await world.run()
    assert names(folder) == ["89r4i3l4_2026_03_02.zip", "ekpz8q6s_2026_03_02.zip"]
    name, (row,) = rows(folder / "89r4i3l4_2026_03_02.zip")
    assert name == "89r4i3l4_2026_03_02.csv"
    assert row == dict.fromkeys(COLUMNS, "") | {
        "created_at": "2026-03-02T12:00:00",
        "custom_id": "c1",
        "custom_type": "t",
        "custom_data": "d",
        "mail_client": "Outlook",
        "mail_client_specific": "Outlook 2019",
        "mail_client_friendly_name": "Outlook 2019",
        "platform": "desktop",
        "read_seconds": "8",
        "read_category": "read",
        "referrer": "https://r.example",
        "user_agent": "UA",
        "campaign_guid": "89r4i3l4",
        "reliability_category": "Reliable",
    }
    assert rows(folder / "ekpz8q6s_2026_03_02.zip") == ("ekpz8q6s_2026_03_02.csv", [])


def test_the_columns_are_those_of_the_known_export_under_todays_names() -> None:
    renamed = {"created": "created_at", "email_address": "custom_id"}
    assert COLUMNS[:19] == tuple(renamed.get(name, name) for name in HEADER_2012.split(","))


async def test_a_day_is_written_once_and_not_before_it_is_over(world: World, folder: Path) -> None:
    await world.code()
    await world.clock.advance(12 * HOUR + 800)
    await world.run()
    assert names(folder) == []
    await world.clock.advance(200)
    await world.run()
    assert names(folder) == ["89r4i3l4_2026_03_02.zip"]
    await world.run()
    assert await world.mails() == []


async def test_a_name_that_is_taken_is_an_error_that_is_told_and_nothing_is_overwritten(
    world: World, folder: Path
) -> None:
    """LIT-15"""
    await world.code(CODE)
    await world.code(EMPTY)
    theirs = theirs_in(folder)
    await world.clock.advance(13 * HOUR)
    await world.run()
    await world.run()
    assert theirs.read_bytes() == b"theirs"
    assert names(folder) == ["89r4i3l4_2026_03_02.zip", "ekpz8q6s_2026_03_02.zip"]
    (mail,) = await world.mails()
    assert (mail.address, mail.template) == ("ops@x.example", "daily-report-failed")
    assert mail.context["report"]["files"] == [{"name": "89r4i3l4_2026_03_02.zip", "reason": days.TAKEN}]


async def test_missed_days_are_caught_up_each_as_a_file_of_its_own(world: World, folder: Path) -> None:
    """LIT-15"""
    await world.code()
    await world.clock.advance(13 * HOUR)
    await world.run()
    await world.opened(custom_id="third")
    await world.clock.advance(24 * HOUR)
    await world.opened(custom_id="fourth")
    await world.clock.advance(24 * HOUR)
    await world.run()
    assert names(folder) == [f"89r4i3l4_2026_03_0{day}.zip" for day in (2, 3, 4)]
    for day, custom_id in ((3, "third"), (4, "fourth")):
        _, (row,) = rows(folder / f"89r4i3l4_2026_03_0{day}.zip")
        assert row["custom_id"] == custom_id


async def test_days_are_those_of_the_accounts_zone(tmp_path: Path, folder: Path) -> None:
    world = World(tmp_path / "data", start=NOON, address=str(folder), zone="America/New_York")
    await world.code()
    await world.clock.advance(16.5 * HOUR)  # 23:30 there
    await world.opened(custom_id="late")
    await world.clock.advance(1 * HOUR)
    await world.opened(custom_id="early")
    await world.run()
    _, found = rows(folder / "89r4i3l4_2026_03_02.zip")
    assert [row["custom_id"] for row in found] == ["late"]
    await world.clock.advance(24 * HOUR)
    await world.run()
    _, found = rows(folder / "89r4i3l4_2026_03_03.zip")
    assert [row["custom_id"] for row in found] == ["early"]
    await world.close()


def test_a_day_on_which_clocks_change_has_23_hours() -> None:
    begin, end = files.span_of(date(2026, 3, 8), ZoneInfo("America/New_York"))
    assert (end - begin) / 1_000_000 / 3_600 == 23


async def test_a_file_sent_just_before_a_crash_is_not_taken_for_somebody_elses(
    world: World, folder: Path
) -> None:
    await world.code()
    await world.clock.advance(13 * HOUR)
    crash = world.daily()

    async def write(change: Any) -> None:
        if names(folder):
            raise KeyboardInterrupt
        await world.writer.run(change)

    with pytest.raises(KeyboardInterrupt):
        await replace(crash, write=write).run(world.account, world.clock.now())
    assert names(folder) == ["89r4i3l4_2026_03_02.zip"]
    await world.run()
    assert await world.mails() == []
    assert {(row.name, row.state) for row in noted(world)} == {
        ("89r4i3l4_2026_03_02.zip", "delivered"),
        ("", "done"),
    }


def theirs_in(folder: Path) -> Path:
    """Somebody else's file, under a name that ours will have."""
    folder.mkdir()
    theirs = folder / "89r4i3l4_2026_03_02.zip"
    theirs.write_bytes(b"theirs")
    return theirs


def noted(world: World) -> Sequence[Any]:
    with world.state.connect() as connection:
        return connection.execute(select(DAILY)).all()


async def test_what_fails_is_tried_again_and_told_once_when_it_is_late(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIT-15"""
    down = True

    async def put(address: str, some: Sequence[Path], settings: Settings) -> list[Outcome]:
        return [Failed("no route") if down else Put() for _ in some]

    monkeypatch.setattr(days, "target_of", lambda _: Target(scheme="", put=put))
    await world.code()
    await world.clock.advance(13 * HOUR)
    await world.run()
    assert await world.mails() == []
    for _ in range(2):
        await world.clock.advance(4 * HOUR)
        await world.run()
        (mail,) = await world.mails()
        assert mail.context["report"]["files"][0]["reason"] == "no route"
    down = False
    await world.run()
    assert {(row.name, row.state) for row in noted(world)} == {
        ("89r4i3l4_2026_03_02.zip", "delivered"),
        ("", "done"),
    }


async def test_campaigns_of_our_own_have_files_of_days_on_which_they_were_opened(
    world: World, folder: Path
) -> None:
    wanted = MessageRequested(
        address="a@x.example", template="t", person="p", campaign=Campaign(id=7, name="c")
    )
    message = (await world.happen(wanted, subject="person:p")).id
    await world.happen(MessageOpened(message=message), subject="person:p")
    await world.clock.advance(13 * HOUR)
    await world.run()
    assert names(folder) == ["00000007_2026_03_02.zip"]
    _, (row,) = rows(folder / "00000007_2026_03_02.zip")
    assert (row["custom_id"], row["campaign_guid"], row["read_seconds"]) == ("p", "00000007", "")


async def test_what_a_spreadsheet_would_compute_is_made_text(world: World, folder: Path) -> None:
    await world.code()
    await world.opened(custom_id="=HYPERLINK(1)", user_agent="@SUM(A1)")
    await world.clock.advance(13 * HOUR)
    await world.run()
    _, (row,) = rows(folder / "89r4i3l4_2026_03_02.zip")
    assert (row["custom_id"], row["user_agent"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")


async def test_other_accounts_opens_and_names_that_are_no_names_are_in_no_file(
    world: World, folder: Path
) -> None:
    await world.code()
    await world.happen(MessageOpened(campaign=CODE), account="000000000002")
    await world.opened(guid="../../etc")
    await world.clock.advance(13 * HOUR)
    await world.run()
    assert names(folder) == ["89r4i3l4_2026_03_02.zip"]
    assert rows(folder / "89r4i3l4_2026_03_02.zip")[1] == []


async def test_a_days_opens_are_found_in_a_long_journal(world: World, folder: Path) -> None:
    await world.code()
    for day in range(4):
        for number in range(30):
            await world.opened(custom_id=f"{day}-{number}")
        await world.clock.advance(24 * HOUR)
    outcomes = await days.deliver(
        world.journal, world.state, world.account, date(2026, 3, 4), str(folder), world.settings
    )
    assert list(outcomes.values()) == [Put()]
    _, found = rows(folder / "89r4i3l4_2026_03_04.zip")
    assert [row["custom_id"] for row in found] == [f"2-{number}" for number in range(30)]
