"""Events whose days are over are archived, then removed; what is needed stays; a crash loses and doubles nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from retention_child import NOW
from retention_world import ANN, BEN, DAY, START, World, feed, happened, ids, kinds, message, some_days
from sqlalchemy import insert

from heliograph.clock import SECOND
from heliograph.events import subjects
from heliograph.events.commerce import ProductViewed
from heliograph.events.definitions import FeedPaused, FeedRemoved
from heliograph.events.event import Record
from heliograph.events.jobs import RecordPut, RecordRemoved
from heliograph.events.vocabulary import BY_NAME
from heliograph.journal import sqlite
from heliograph.journal.parked import PARKED, RETRIES
from heliograph.journal.sqlite import SqliteJournal
from heliograph.react.state import consent, definitions, erasures, people
from heliograph.retention import archive as files
from heliograph.retention import removing
from heliograph.retention.kept import KEPT, REMOVABLE

CHILD = Path(__file__).parent / "retention_child.py"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = await SqliteJournal.open(tmp_path / "data")
    made = World(tmp_path / "data", journal)
    yield made
    made.state.dispose()
    await journal.close()


async def test_days_that_are_over_are_archived_by_day_then_removed(world: World) -> None:
    """STD-7: whole UTC days by `recorded`; another account's events stay."""
    records = some_days(world.account)
    others = [record._replace(account="000000000009") for record in some_days("x", days=1)]
    await world.journal.append([*records, *others])
    await world.fold()
    done = await world.retention.run(world.keeps(2), START + 4 * DAY + 5 * SECOND)
    assert done.files == ("2023-11-15.parquet", "2023-11-16.parquet")
    archived = world.archived()
    assert list(archived) == list(done.files)
    for day, content in enumerate(archived.values()):
        assert {(one.recorded - START) // DAY for one in content} == {day}
    left = await world.records()
    gone = [record for content in archived.values() for record in content]
    assert done.removed == len(gone) > 10
    assert sorted([*left, *gone]) == sorted([*records, *others]), "byte for byte, in one place or the other"
    assert set(others) <= set(left)
    assert all(one in left for one in records if one.recorded >= START + 2 * DAY)
    again = await world.retention.run(world.keeps(2), START + 4 * DAY + 5 * SECOND)
    assert (again.removed, again.files) == (0, ())


async def test_a_day_that_goes_on_gets_another_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "PORTION", 3)
    await world.journal.append(some_days(world.account))
    await world.fold()
    done = await world.retention.run(world.keeps(3), START + 4 * DAY)
    assert done.files == (
        "2023-11-15.parquet",
        *(f"2023-11-15.{n}.parquet" for n in range(2, len(done.files) + 1)),
    )
    assert [len(content) for content in world.archived().values()][:2] == [3, 3]
    assert len({record.id for content in world.archived().values() for record in content}) == done.removed


async def test_without_pyarrow_the_archive_is_ndjson_with_the_same_events(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SUFFIX", ".ndjson.gz")
    records = some_days(world.account)
    await world.journal.append(records)
    await world.fold()
    done = await world.retention.run(world.keeps(3), START + 4 * DAY)
    assert done.files == ("2023-11-15.ndjson.gz",)
    (gone,) = world.archived().values()
    assert sorted([*await world.records(), *gone]) == sorted(records)


async def test_an_account_may_do_without_an_archive_or_keep_for_ever(world: World) -> None:
    await world.journal.append(some_days(world.account))
    await world.fold()
    assert (await world.retention.run(world.keeps(0), NOW)).removed == 0
    done = await world.retention.run(world.keeps(1, archive=False), NOW)
    assert done.removed > 20 and done.files == ()
    assert world.archived() == {}
    assert kinds(await world.records()) & REMOVABLE <= {"cart.created", "custom", "message.opened"}


async def test_a_replay_after_removal_ends_in_the_same_people_consent_and_definitions(world: World) -> None:
    """STD-7: also whoever came by a custom event, and who refused marketing in a cart."""
    await world.journal.append(some_days(world.account))
    await world.fold()
    folds = ("people", "consent", "definitions", "erasures")
    before = world.remembered(*folds)
    assert len(before["persons"]) == 3 and before["suppressions"] and before["templates"]
    assert any(row[-2] is False or False in row for row in before["opt_ins"])
    assert (await world.retention.run(world.keeps(1), NOW)).removed > 20
    await world.fold()
    assert world.remembered(*folds) == before


async def test_every_kind_that_people_consent_and_definitions_need_is_kept_or_looked_at() -> None:
    looked_at = {"cart.created", "cart.updated", "product.viewed", "custom"}
    for fold in (people.FOLD, consent.FOLD, definitions.FOLD, erasures.FOLD):
        assert fold.kinds <= KEPT | looked_at, fold.name
    assert set(BY_NAME) == KEPT | REMOVABLE


async def test_what_a_paused_feed_has_not_read_stays(world: World) -> None:
    """STD-7: its place counts while it is paused, and no more when it is removed."""
    account = world.account
    await world.journal.append([feed(account, "crm"), *some_days(account)])
    paused = happened(FeedPaused(name="crm"), "feed:crm", day=4, account=account)
    await world.journal.append([paused])
    await world.fold()
    world.stand("act", f"feed:{account}:crm", 9)
    done = await world.retention.run(world.keeps(1), NOW)
    assert done.by == f"act feed:{account}:crm" and done.waiting > 15
    left = {entry.seq for entry in await world.journal.read(0, limit=1000)}
    assert left >= set(range(10, 40)) & left and done.removed + len(left) == await world.journal.head()
    assert set(range(10, await world.journal.head() + 1)) <= left
    await world.journal.append([happened(FeedRemoved(name="crm"), "feed:crm", day=4, account=account)])
    await world.fold()
    assert (await world.retention.run(world.keeps(1), NOW)).removed == done.waiting


async def test_a_fold_that_starts_over_holds_everything(world: World) -> None:
    await world.journal.append(some_days(world.account))
    await world.fold()
    world.stand("replay", "people", 0)
    done = await world.retention.run(world.keeps(1), NOW)
    assert done.removed == 0 and done.waiting > 20 and done.by == "replay people"


@pytest.mark.parametrize("table", [RETRIES, PARKED], ids=lambda table: table.name)
async def test_what_waits_or_is_parked_keeps_its_whole_history(world: World, table: object) -> None:
    mails = [*message(1, ANN, day=0, account=world.account), *message(2, BEN, day=0, account=world.account)]
    await world.journal.append([*mails, *some_days(world.account, days=1), feed(world.account, "x")])
    await world.fold()
    case = {"consumer": "act", "name": "dispatch", "seq": 1, "event": mails[0].id, "account": world.account}
    case |= {"why": "", "attempt": 1, "spared": 0, "due": 0} if table is RETRIES else {
        "why": "", "attempts": 1, "parked_at": 0
    }  # fmt: skip
    with world.state.begin() as connection:
        connection.execute(insert(table).values(**case))  # type: ignore[arg-type]
    done = await world.retention.run(world.keeps(1), NOW)
    left = await world.records()
    assert {mails[0], mails[1]} <= set(left), "the mail that waits, and that it was sent"
    assert mails[3] not in left and done.waiting > 0


async def test_what_was_removed_is_still_no_repeat_after_a_crash(world: World, tmp_path: Path) -> None:
    """The files of ids and subjects are not made anew from a journal in which entries are missing."""
    mails = message(1, ANN, day=0, account=world.account)
    await world.journal.append_once(mails[:1])
    await world.journal.append([feed(world.account, "x")])
    await world.fold()
    assert (await world.retention.run(world.keeps(1), NOW)).removed == 1
    shutil.copytree(world.data, tmp_path / "killed")  # as the files are just now, with nothing let go of
    journal = await SqliteJournal.open(tmp_path / "killed")
    assert list(await journal.append_once(mails[:1])) == [False]
    assert list(await journal.of([subjects.email(ANN)])) == []
    await journal.close()


@pytest.mark.parametrize("where", ["note", "write", "rename", "remove", "end"])
async def test_a_kill_at_any_moment_loses_and_doubles_nothing(world: World, where: str) -> None:
    """STD-7: kill -9 while it is noted, written, renamed, removed, ended."""
    views = [
        happened(ProductViewed(product_id="p"), f"product:{n}", day=0, account=world.account, second=n)
        for n in range(2 * sqlite.REMOVAL)
    ]
    records = [*views, *some_days(world.account)]
    await world.journal.append(records)
    await world.fold()
    await world.journal.close()
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(world.data), world.account, where
    )
    assert await asyncio.wait_for(child.wait(), 60) == -signal.SIGKILL
    written = {file: file.read_bytes() for file in world.archive.files(world.account)}
    assert bool(written) == (where in ("remove", "end"))
    world.journal = await SqliteJournal.open(world.data)
    if where == "remove":
        left = len(await world.journal.read(0, limit=5_000))
        assert len(records) - sqlite.REMOVAL == left, "it was killed in the middle"
    retention = removing.Retention(journal=world.journal, state=world.state, archive=world.archive)
    await retention.run(world.keeps(1), NOW)
    archived = world.archived()
    gone = [record for content in archived.values() for record in content]
    left_over = await world.records()
    assert sorted([*left_over, *gone]) == sorted(records)
    assert len(set(ids(gone))) == len(gone) > 500
    assert all(file.read_bytes() == content for file, content in written.items()), "never written over"
    assert list(archived) == [f"2023-11-{day}.parquet" for day in (15, 16, 17, 18)]
    names = {path.name for path in (world.data / "archive" / world.account).iterdir()}
    assert names == set(archived), "nothing half written is left"
    await world.journal.close()


async def test_a_record_stays_as_long_as_it_stands_and_its_past_goes(world: World) -> None:
    """STD-7: superseded, removed and expired puts are as old as anything else; a replay ends in the same records."""

    def put(key: str, day: int, **more: Any) -> Record:
        data = RecordPut(prefix="D", key=key, record={"day": day}, **more)
        return happened(data, f"record:D-{key}", day=day, account=world.account, second=int(key))

    removed = RecordRemoved(prefix="D", key="2")
    records = [
        put("1", 0),
        put("2", 0),
        put("3", 0, expires_at=START + 2 * DAY),
        put("4", 0),
        put("1", 1),
        happened(removed, "record:D-2", day=1, account=world.account),
        put("5", 3),
    ]
    await world.journal.append(records)
    await world.fold()
    before = world.remembered("records")
    await world.retention.run(world.keeps(1), START + 4 * DAY + 5 * SECOND)
    left = [record for record in await world.records() if record.kind.startswith("record.")]
    assert [(one.subject, one.recorded // DAY - START // DAY) for one in left] == [
        ("record:D-4", 0),
        ("record:D-1", 1),
        ("record:D-5", 3),
    ]
    await world.fold()
    assert [row[:4] for row in world.remembered("records")["records"]] == [
        row[:4] for row in before["records"]
    ]
