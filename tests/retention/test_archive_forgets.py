"""An erased person is in no file of the archive either."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from retention_child import NOW
from retention_world import ANN, BEN, World, feed, happened, message

from heliograph.events import subjects
from heliograph.events.codec import REDACTED
from heliograph.events.custom import Custom
from heliograph.events.event import Record
from heliograph.journal.consumer import Erased
from heliograph.journal.sqlite import SqliteJournal
from heliograph.privacy.words import Mask, pseudonym
from heliograph.retention import archive as files
from heliograph.retention.forgetting import archive_forgets

PERSON = "0189d5e2-7d00-7000-8000-000000000001"
WHOM = Erased("", PERSON, (f"person:{PERSON}", f"email:{ANN}"))
PLACE = f"erased:{PERSON}"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = await SqliteJournal.open(tmp_path)
    made = World(tmp_path, journal)
    yield made
    made.state.dispose()
    await journal.close()


def three_days(account: str) -> list[Record]:
    """Ann's mail on one day; Ben speaks of her on the next; nothing of her on the third."""
    said = {"greets": f"{ANN} and joann@x.example"}
    mail = message(1, ANN, day=0, account=account)
    said_so = [
        *mail,
        happened(Custom(name="first", email="zoe@x.example"), "email:zoe@x.example", day=0, account=account),
        happened(Custom(name="noted", body=said), subjects.email(BEN), day=1, account=account),
        *(
            happened(Custom(name="again", email=one), subjects.email(one), day=day, account=account, second=5)
            for day, one in ((0, "zoe@x.example"), (1, ANN), (1, BEN), (2, BEN), (2, BEN))
        ),
    ]
    return [*sorted(said_so, key=lambda record: record.recorded), feed(account, "last")]


@pytest.mark.parametrize("suffix", [".parquet", ".ndjson.gz"])
async def test_an_erasure_reaches_the_archive(
    world: World, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STD-7: what is theirs is blanked, their opens too; others' words get a pseudonym; other files stay as they are."""
    monkeypatch.setattr(files, "SUFFIX", suffix)
    await world.journal.append(three_days(world.account))
    await world.fold()
    assert (await world.retention.run(world.keeps(1), NOW)).removed >= 7
    before = world.archived()
    first, second, third = world.archive.files(world.account)
    untouched = (third.stat().st_ino, third.read_bytes())
    whom = WHOM._replace(account=world.account)
    await archive_forgets(world.archive)(whom, [], Mask(whom))
    after = world.archived()
    assert {name: [one.id for one in content] for name, content in after.items()} == {
        name: [one.id for one in content] for name, content in before.items()
    }
    blank = [one for one in after[first.name] if one.data == REDACTED]
    assert [one.kind for one in blank] == ["message.requested", "message.sent", "message.opened"]
    assert {one.subject for one in blank} == {PLACE}
    (noted,) = [one for one in after[second.name] if b"noted" in one.data]
    assert noted.subject == subjects.email(BEN)
    assert f"{pseudonym(PERSON)} and joann@x.example".encode() in noted.data
    assert untouched == (third.stat().st_ino, third.read_bytes())
    for file in (first, second):
        content = file.read_bytes()
        said = gzip.decompress(content) if suffix.endswith("gz") else repr(list(files.read(file))).encode()
        assert ANN.encode() not in said.replace(b"joann@x.example", b"")
    archive = {path.name for path in (world.data / "archive" / world.account).iterdir()}
    assert archive == set(before)


async def test_an_erasure_leaves_other_accounts_and_what_has_no_archive_alone(world: World) -> None:
    other = WHOM._replace(account="000000000009")
    await archive_forgets(world.archive)(other, [], Mask(other))
    await world.journal.append(three_days(world.account))
    await world.fold()
    await world.retention.run(world.keeps(1), NOW)
    before = {file: file.stat().st_ino for file in world.archive.files(world.account)}
    await archive_forgets(world.archive)(other, [], Mask(other))
    assert before == {file: file.stat().st_ino for file in world.archive.files(world.account)}
