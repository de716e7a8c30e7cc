"""The journal on disk: its files, what is made anew from it, its bounds, and what is gone after an erasure."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from journal_records import ACCOUNT, START, numbered, record

from heliograph.errors import JournalFull, OperatorError
from heliograph.events.event import Record
from heliograph.journal import committing, file_reader, journal_file, seen, subject_index
from heliograph.journal.file_reader import FileReader
from heliograph.journal.reading import open_reader
from heliograph.journal.sqlite import SqliteJournal

WHO = "victim@example.com"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = await SqliteJournal.open(tmp_path)
    yield journal
    await journal.close()


def bytes_on_disk(data: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data.iterdir() if path.is_file())


async def test_what_was_recorded_is_there_after_opening_again(tmp_path: Path) -> None:
    records = [record(), numbered(1)]
    journal = await SqliteJournal.open(tmp_path)
    await journal.append(records)
    await journal.close()
    journal = await SqliteJournal.open(tmp_path)
    assert await journal.head() == 2
    await journal.append([last := record()])
    assert [entry.id for entry in await journal.read(0)] == [one.id for one in (*records, last)]
    await journal.close()


async def test_the_directory_is_made_and_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(data := tmp_path / "new" / "data")
    await journal.append_once([numbered(1)])
    await journal.of(["email:a"])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {path.name for path in data.iterdir()} >= {"journal.db", "journal.lock", "seen.db", "subjects.db"}
    for path in data.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    await journal.close()


async def test_the_file_is_durable_and_has_no_index_but_its_rowid(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    await journal.append([record()])
    with apsw.Connection(str(tmp_path / "journal.db")) as shell:
        assert shell.pragma("journal_mode") == "wal"
        assert shell.pragma("page_size") == 16_384
        assert shell.execute("SELECT type, name FROM sqlite_schema").fetchall() == [("table", "event")]
    writing = journal._committer.file._connection
    assert writing.pragma("synchronous") == 2
    assert writing.pragma("secure_delete") == 1


async def test_a_second_owner_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path)
    holder = (tmp_path / "journal.lock").read_text().strip()
    with pytest.raises(OperatorError, match=rf"process {holder}\b.*stop"):
        await SqliteJournal.open(tmp_path)
    await journal.append([record()])
    await journal.close()
    await (await SqliteJournal.open(tmp_path)).close()


async def test_a_file_that_is_no_journal_or_a_newer_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database, though long enough to be looked at" * 1000)
    with pytest.raises(OperatorError, match=r"journal\.db"):
        await SqliteJournal.open(tmp_path)
    (tmp_path / "journal.db").unlink()
    with apsw.Connection(str(tmp_path / "journal.db")) as shell:
        shell.pragma("user_version", journal_file.VERSION + 1)
    with pytest.raises(OperatorError, match="newer"):
        await SqliteJournal.open(tmp_path)
    with pytest.raises(OperatorError, match="data: "):
        await SqliteJournal.open(tmp_path / "journal.db")


@pytest.mark.parametrize("harm", ["removed", "garbage", "cut", "another's", "a longer one's"])
@pytest.mark.parametrize("name", ["seen.db", "subjects.db"])
async def test_what_is_derived_is_made_anew_when_it_is_lost(tmp_path: Path, name: str, harm: str) -> None:
    journal = await SqliteJournal.open(tmp_path / "data")
    for start in range(0, 3000, 500):
        await journal.append_once(
            [numbered(n)._replace(subject=f"s:{n % 3}") for n in range(start, start + 500)]
        )
    assert len(await journal.of(["s:1"], limit=5000)) == 1000
    await journal.close()
    file = tmp_path / "data" / name
    if harm == "removed":
        file.unlink()
    elif harm == "garbage":
        file.write_bytes(b"\xa5" * 50_000)
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:4096])
    else:
        other = await SqliteJournal.open(tmp_path / "other")
        await other.append([record() for _ in range(2000 if harm == "another's" else 4000)])
        await other.of(["s:1"])
        await other.close()
        file.write_bytes((tmp_path / "other" / name).read_bytes())
    journal = await SqliteJournal.open(tmp_path / "data")
    assert list(await journal.append_once([numbered(2999), numbered(0), numbered(3000)])) == [
        False,
        False,
        True,
    ]
    assert [entry.seq for entry in await journal.of(["s:1"], limit=5000)] == list(range(2, 3001, 3))
    await journal.close()


async def test_damage_that_shows_later_is_mended_too(
    tmp_path: Path, journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    """The keys' table is lost while the file is open: the next question finds out."""
    await journal.append_once([numbered(n) for n in range(9000)])
    await journal.of(["nobody"])
    for name in ("seen.db", "subjects.db"):
        with apsw.Connection(str(tmp_path / name)) as shell:
            shell.set_busy_timeout(60_000)
            shell.execute("DROP TABLE key")
    assert not any(await journal.append_once([numbered(n) for n in range(9000)]))
    assert len(await journal.of([numbered(1).subject], limit=9999)) == 9000
    assert "made anew" in caplog.text


async def test_ids_recorded_long_ago_are_found_in_the_file(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small portions, so that memory, what is on its way to the file, and the file itself all take part."""
    monkeypatch.setattr(seen, "FLUSH_KEYS", 50)
    for start in range(0, 4000, 40):
        calls = [journal.append_once([numbered(n) for n in range(start, start + 40)]) for _ in range(2)]
        assert sorted(map(sum, await asyncio.gather(*calls))) == [0, 40]
    again = await asyncio.gather(*(journal.append_once([numbered(n)]) for n in range(4000)))
    assert not any(flag for (flag,) in again)
    assert await journal.head() == 4000


DAY = 86_400 * 1_000_000


async def days(journal: SqliteJournal, numbers: range) -> list[bool]:
    """One event a day, each in an append of its own; which of them were new."""
    made = [numbered(n)._replace(recorded=START + n * DAY) for n in numbers]
    return [(await journal.append_once([one]))[0] for one in made]


def seen_files(data: Path) -> list[Path]:
    """The files of ids, the older first."""
    return sorted(data.glob("seen*.db"), key=lambda path: int(path.stem.partition("-")[2] or 0))


@pytest.mark.parametrize("harm", ["none", "restart", "the older file is lost", "the newer file is lost"])
async def test_ids_are_known_for_a_span_at_least_and_two_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    monkeypatch.setattr(seen, "FLUSH_KEYS", 1)
    journal = await SqliteJournal.open(tmp_path, repeat_span=10 * DAY)
    assert all(await days(journal, range(100)))
    older, newer = seen_files(tmp_path)
    assert older.name != "seen.db"
    if harm != "none":
        await journal.close()
        older, newer = seen_files(tmp_path)
        if harm != "restart":
            (older if harm.startswith("the older") else newer).unlink()
        journal = await SqliteJournal.open(tmp_path, repeat_span=10 * DAY)
    assert not any(await days(journal, range(90, 100)))
    if harm in ("none", "restart"):
        # Files change when the thread beside the journal comes to it, which on a busy machine is some appends later.
        assert all(await days(journal, range(50)))
    else:
        assert not any(await days(journal, range(90))), "made anew from the whole journal"
    await journal.close()


async def test_without_a_span_ids_are_known_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "FLUSH_KEYS", 1)
    journal = await SqliteJournal.open(tmp_path)
    assert all(await days(journal, range(50))) and not any(await days(journal, range(50)))
    await journal.close()


async def test_ids_on_their_way_to_the_file_are_known_all_the_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "FLUSH_KEYS", 2)
    await (await SqliteJournal.open(tmp_path)).close()
    reader = file_reader.FileReader(tmp_path)
    ids = seen.Seen(tmp_path, reader)
    keys = [bytes([number] * 16) for number in range(4)]
    assert not ids.due()
    ids.add(keys[:2], 2, "b")
    assert ids.due()
    ids.add(keys[2:3], 3, "c")
    assert ids.known(keys) == set(keys[:3])
    assert not ids.due(), "one at a time"
    ids.flush()
    assert ids.known(keys) == set(keys[:3])
    ids.close()
    reader.close()


async def test_a_full_queue_refuses_at_once_and_takes_again_later(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path, queue_limit=1000, queue_bytes=1 << 20)
    ends = await asyncio.gather(*(journal.append([record()]) for _ in range(1500)), return_exceptions=True)
    full = [end for end in ends if end is not None]
    assert len(full) == journal.refused == 500
    assert all(isinstance(end, JournalFull) and end.retry_after == 1 for end in full)
    large = [journal.append([record(b"x" * 400_000)]) for _ in range(4)]
    ends = await asyncio.gather(*large, return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), type(None), JournalFull, JournalFull]
    await journal.append([record()])
    assert await journal.head() == 1003
    assert journal.waiting == 0
    await journal.close()


async def test_one_append_beyond_the_bound_is_taken_when_nothing_waits(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path, queue_limit=10, queue_bytes=1000)
    await journal.append([record(b"x" * 5000) for _ in range(50)])
    assert await journal.head() == 50
    await journal.close()


@pytest.mark.parametrize(
    "unfit",
    [
        record(subject="email:\ud800@example.com"),
        record()._replace(at=2**63),
        record()._replace(kind=None),
        record()._replace(data="text"),
        ("too", "short"),
    ],
    ids=["lone surrogate", "number beyond 64 bits", "no kind", "text for bytes", "no record"],
)
async def test_a_record_that_cannot_be_stored_harms_nobody_else(
    journal: SqliteJournal, unfit: Record
) -> None:
    def good() -> list[Record]:
        return [record(), record()]

    many = [record() for _ in range(200)]
    calls = (good(), [record(), unfit], good(), [*many, unfit], good(), [unfit], good())
    ends = await asyncio.gather(*(journal.append(one) for one in calls), return_exceptions=True)
    assert [end is None for end in ends] == [True, False, True, False, True, False, True]
    assert await journal.head() == 8
    await journal.append(many)
    assert [entry.id for entry in await journal.read(8)] == [one.id for one in many]


async def test_an_erased_person_is_gone_from_every_file(tmp_path: Path, journal: SqliteJournal) -> None:
    """STD-7: small, large and overflowing rows; in the file, its log, and what is derived from it."""
    theirs = [
        b'{"email":"%s","more":"%s"}' % (WHO.encode(), b"y" * size) for size in (10, 1400, 9000, 70_000)
    ]
    for number in range(150):
        subject = f"email:{WHO}" if number % 3 == 0 else f"email:other{number}@example.com"
        data = theirs[number % 4] if number % 3 == 0 else b'{"other":"%s"}' % (b"z" * (number * 37))
        await journal.append([record(data, subject=subject)])
    index = await journal.of([f"email:{WHO}"])
    assert len(index) == 50
    before = bytes_on_disk(tmp_path)
    assert before.count(WHO.encode()) > 100
    assert b"y" * 5 in before
    assert await journal.redact([f"email:{WHO}"], account=ACCOUNT, replacement="erased:f00") == 50
    await journal.append([record(b'{"after":1}')])
    after = bytes_on_disk(tmp_path)
    assert WHO.encode() not in after
    assert b"y" * 5 not in after
    assert subject_index._hash(f"email:{WHO}") not in after
    assert after.count(b"erased:f00") >= 50
    assert len(await journal.read(0)) == 151


async def test_an_erasure_that_was_cut_short_is_finished_by_asking_again(
    tmp_path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append([record(subject=f"email:{WHO}") for _ in range(20)])
    monkeypatch.setattr(subject_index.SubjectIndex, "forget", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await journal.redact([f"email:{WHO}"], account=ACCOUNT, replacement="erased:1")
    monkeypatch.undo()
    assert list(await journal.of([f"email:{WHO}"])) == []
    assert len(await journal.of(["erased:1"])) == 20
    assert await journal.redact([f"email:{WHO}"], account=ACCOUNT, replacement="erased:2") == 0
    assert WHO.encode() not in bytes_on_disk(tmp_path)
    assert subject_index._hash(f"email:{WHO}") not in bytes_on_disk(tmp_path)
    assert len(await journal.of(["erased:1"])) == 20


class Earlier(FileReader):
    """Asked where the journal ends it answers first what was true some moments ago."""

    ends = [5]

    def head(self) -> int:
        return self.ends.pop() if self.ends else super().head()


async def test_an_index_that_another_process_carried_on_meanwhile_is_not_made_anew(
    tmp_path: Path, journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    await journal.append([numbered(number) for number in range(10)])
    assert len(await journal.of([numbered(0).subject])) > 0  # the index goes up to 10
    index, reader = subject_index.SubjectIndex(tmp_path), Earlier(tmp_path)
    index.catch_up(reader)
    assert not reader.ends and "made anew" not in caplog.text
    index.close()
    reader.close()


async def test_two_subjects_with_one_hash_are_told_apart(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_index, "_hash", lambda subject: subject[:8].encode().ljust(8))
    await journal.append([record(subject=f"email:ab{number % 3}") for number in range(30)])
    assert [entry.seq for entry in await journal.of(["email:ab1"], limit=3)] == [2, 5, 8]
    assert await journal.redact(["email:ab1"], account=ACCOUNT, replacement="erased:1") == 10
    assert [entry.seq for entry in await journal.of(["email:ab2"])] == list(range(3, 31, 3))
    assert len(await journal.of(["erased:1"])) == 10


async def test_a_reader_that_stays_in_the_past_does_not_stop_the_writer(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    await journal.append([record()])
    with apsw.Connection(str(tmp_path / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY) as backup:
        rows = backup.execute("SELECT seq FROM event UNION ALL SELECT seq FROM event")
        rows.fetchone()
        for _ in range(20):
            await journal.append([record(b"x" * 1400) for _ in range(500)])
        rows.close()
    assert await journal.head() == 10_001


async def test_the_log_is_emptied_while_events_keep_coming(
    tmp_path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a bound it grew to gigabytes. Here 40 MB go through it."""
    monkeypatch.setattr(committing, "SWEEP_PAGES", 100)
    batch = [record(b"x" * 2000) for _ in range(500)]
    for _ in range(40):
        await journal.append(batch)
    assert (tmp_path / "journal.db-wal").stat().st_size < 16 << 20


async def test_reading_goes_beyond_one_statement(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reader, "WINDOW", 7)
    monkeypatch.setattr(file_reader, "CHUNK_ROWS", 5)
    kinds = ["rare" if number % 23 == 0 else "frequent" for number in range(100)]
    await journal.append([record(b"%d" % number, kind=kind) for number, kind in enumerate(kinds)])
    rare = [number for number, kind in enumerate(kinds) if kind == "rare"]
    assert [int(entry.data) for entry in await journal.read(0, kinds=frozenset(("rare",)))] == rare
    assert [int(entry.data) for entry in await journal.read(24, kinds=frozenset(("rare",)), limit=2)] == rare[
        2:4
    ]
    assert [int(entry.data) for entry in await journal.read(3, limit=60)] == list(range(3, 63))
    assert len(await journal.of([record().subject], after=1, limit=98)) == 98


async def test_very_large_entries_come_in_portions_and_none_is_passed_over(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reader, "READ_BYTES", 3000)
    monkeypatch.setattr(file_reader, "CHUNK_BYTES", 1500)
    await journal.append([record(b"x" * (number * 37 % 2500)) for number in range(200)])
    for search in (None, frozenset(("custom",))):
        seen_places: list[int] = []
        while entries := await journal.read(seen_places[-1] if seen_places else 0, kinds=search):
            assert sum(len(entry.data) for entry in entries) < 3000 + 2500
            seen_places += [entry.seq for entry in entries]
        assert seen_places == list(range(1, 201))
    assert 0 < len(await journal.of([record().subject])) < 200


async def test_tools_read_beside_a_running_engine_and_after_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no journal"):
        open_reader(tmp_path)
    journal = await SqliteJournal.open(tmp_path)
    await journal.append([record(), numbered(1)])
    reader = open_reader(tmp_path)
    assert [entry.seq for entry in await reader.read(0)] == [1, 2]
    news = asyncio.create_task(reader.wait(2, 60))
    await journal.append([record()])
    assert await news == await reader.head() == 3
    assert await reader.wait(3, 0.01) == 3
    await journal.close()
    assert len(await reader.read(0)) == 3
    await reader.close()
    reader = open_reader(tmp_path)
    assert [entry.id for entry in await reader.of([record().subject], after=1)] == [
        numbered(1).id,
        (await reader.read(2))[0].id,
    ]
    await reader.close()
