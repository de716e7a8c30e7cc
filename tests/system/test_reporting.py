"""Reports as an operator sees them: a running engine, its commands, a replay, and a day's files (LIT-13 to LIT-15)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from running_engine import Engine
from sqlalchemy import select

from heliograph.accounts.directory import load_directory
from heliograph.app.storage import remote
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.events import codec, subjects
from heliograph.events.engagement import LinkClicked, MessageOpened, MessageRead
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import Campaign, MessageRequested, MessageSent
from heliograph.outbound.daily.days import DAILY
from heliograph.settings import Settings

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 14_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
SPRING = Campaign(id=7, name="Spring [bold]")


def campaign(engine: Engine) -> None:
    """Two messages of a campaign, sent; one is opened on a phone, read and clicked. All of it is recorded at once: of an open
    whose read time nobody tells in time the engine tells that it is not known."""
    state = open_state(engine.data, read_only=True)
    (account,) = load_directory(state).accounts
    state.dispose()
    now, who = SystemClock().now(), subjects.person("0" * 36)
    told: list[AnyEvent] = []

    def tell(data: Data) -> AnyEvent:
        told.append(codec.make(data, account=account, subject=who, now=now + len(told)))
        return told[-1]

    wanted = MessageRequested(address="a@x.example", template="t", campaign=SPRING, automation="welcome")
    first, second = tell(wanted), tell(wanted)
    for one in (first, second):
        tell(MessageSent(message=one.id, address="a@x.example"))
    opened = tell(MessageOpened(message=first.id, user_agent=PHONE, method="GET", mode="dark"))
    tell(MessageRead(open=opened.id, message=first.id, seconds=8, category="Read"))
    tell(LinkClicked(message=first.id, user_agent=PHONE, url="https://x.example/[/red]?a", link=0))

    async def append() -> None:
        async with remote(Settings(data=str(engine.data))) as journal:
            await journal.append([codec.encode(event) for event in told])

    asyncio.run(append())


def report(engine: Engine, *which: str) -> Any:
    done = engine.run("report", *which, "--json")
    return json.loads(done.stdout)["report"] if done.returncode == 0 else None


def test_a_report_is_shown_replayed_and_handed_out(launch: Callable[..., Engine], tmp_path: Path) -> None:
    """LIT-13, LIT-14, LIT-15"""
    engine = launch()
    campaign(engine)
    engine.until(lambda: (found := report(engine, "7")) and found["clicks"]["by_person"] == 1)
    before = report(engine, "Spring [bold]")
    assert (before["mail"]["sent"], before["opens"]["total"], before["reading"]["read"]) == (2, 1, 1)
    assert before["opens"]["modes"]["dark"] == 1
    assert report(engine, "--automation", "welcome") == report(engine, "--template", "t") == before

    shown = engine.run("report", "7")
    assert shown.returncode == 0, shown.stderr
    assert "https://x.example/[/red]" in shown.stdout and "Apple iPhone" in shown.stdout
    assert "█" in shown.stdout

    (row,) = csv.DictReader(io.StringIO(engine.run("report", "7", "--csv").stdout))
    assert (row["campaign_guid"], row["read_category"], row["mail_client"]) == (
        "00000007",
        "read",
        "Apple iPhone",
    )

    (opened,) = engine.exported("message.opened")
    today = datetime.fromisoformat(opened["recorded"]).date()
    daily = ("report", "daily", "--date", today.isoformat(), "--to", str(tmp_path / "out"))
    assert engine.run(*daily).stdout.split() == [f"00000007_{today:%Y_%m_%d}.zip"]
    (archive,) = (tmp_path / "out").iterdir()
    assert zipfile.ZipFile(archive).namelist() == [f"00000007_{today:%Y_%m_%d}.csv"]
    again = engine.run(*daily)
    assert again.returncode == 2 and "already" in again.stderr

    engine.stop()
    assert engine.run("replay", "reports").returncode == 0
    assert report(engine, "7") == before


def test_a_persons_timeline_is_shown_under_all_their_names(launch: Callable[..., Engine]) -> None:
    engine = launch()
    engine.event("customers/create", {"id": 7, "email": "ann@x.example"})
    engine.event("carts/create", {"id": 1, "customer": {"id": 7}})
    engine.event("customers/update", {"id": 7, "email": "ann@new.example"})
    engine.until(lambda: engine.run("people", "show", "ann@new.example").returncode == 0)
    page = json.loads(engine.run("people", "timeline", "7", "-n", "2", "--json").stdout)
    assert [event["kind"] for event in page["events"]] == ["person.updated", "cart.created"]
    older = engine.run("people", "timeline", "7", "--before", str(page["next"]))
    assert "person.created" in older.stdout and "cart.created" not in older.stdout
    shown = json.loads(engine.run("people", "show", "7").stdout)
    assert {one["value"] for one in shown["identities"]} == {"7", "ann@x.example", "ann@new.example"}


def test_what_is_not_there_is_said_plainly(launch: Callable[..., Engine]) -> None:
    engine = launch()
    for command, said in (
        (("report", "nothing"), "nothing was counted"),
        (("report", "7", "--job", "j"), "name a campaign"),
        (("report", "daily", "--date", "yesterday"), "--date"),
        (("report", "daily", "--date", "2026-01-31"), "--to"),
        (("report", "list", "--of", "weather"), "--of"),
    ):
        done = engine.run(*command)
        assert done.returncode == 2, command
        assert said in done.stderr.replace("\n", " "), done.stderr


def test_an_engine_delivers_the_day_before_by_itself(launch: Callable[..., Engine], tmp_path: Path) -> None:
    """LIT-15: noted as done, though no code was there to report on."""
    engine = launch()
    assert engine.run("accounts", "set", f"daily_reports={tmp_path / 'out'}").returncode == 0
    engine.stop()
    engine.start()
    state = open_state(engine.data, read_only=True)

    def done() -> bool:
        with state.connect() as connection:
            return {row.state for row in connection.execute(select(DAILY))} == {"done"}

    engine.until(done)
    state.dispose()
