"""One process owns the journal; others hand it their events through its socket."""

from __future__ import annotations

import asyncio
import socket
import stat
import struct
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from journal_records import ACCOUNT, numbered, record

from heliograph.errors import JournalFull, OperatorError, Unavailable
from heliograph.events.event import Record
from heliograph.journal import remote
from heliograph.journal.frames import SOCKET, Hand
from heliograph.journal.remote import RemoteJournal
from heliograph.journal.sqlite import SqliteJournal
from heliograph.journal.writer import JournalServer, serve_journal

PATIENCE = 60.0


class Owner:
    """An owner that can be stopped and started."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.journal: SqliteJournal
        self.server: JournalServer

    async def start(self, **options: int) -> None:
        self.journal = await SqliteJournal.open(self.data, **options)
        self.server = await serve_journal(self.journal, self.data / SOCKET)

    async def stop(self) -> None:
        await self.server.close()
        await self.journal.close()


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    owner = Owner(tmp_path)
    await owner.start()
    yield owner
    await owner.stop()


@pytest.fixture
async def client(owner: Owner) -> AsyncIterator[RemoteJournal]:
    client = await RemoteJournal.connect(owner.data)
    yield client
    await client.close()


async def test_the_socket_is_for_its_owner_alone(owner: Owner) -> None:
    assert stat.S_IMODE((owner.data / SOCKET).stat().st_mode) == 0o600


async def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / SOCKET))
    owner = Owner(tmp_path)
    await owner.start()
    client = await RemoteJournal.connect(tmp_path)
    await client.append([record()])
    await client.close()
    await owner.stop()
    assert not (tmp_path / SOCKET).exists()


async def test_a_path_too_long_for_a_socket_is_the_operators_to_mend(owner: Owner) -> None:
    with pytest.raises(OperatorError, match="path"):
        await serve_journal(owner.journal, owner.data / ("x" * 120))


async def test_without_an_owner_a_client_says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="heliograph serve"):
        await RemoteJournal.connect(tmp_path, patience=0.05)


async def test_who_waits_for_the_first_owner_warns_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(remote, "PATIENCE", 0.0)
    with pytest.raises(OperatorError, match="heliograph serve"):
        await RemoteJournal.connect(tmp_path, patience=0.05)
    assert not caplog.records


async def test_several_clients_and_the_owner_share_one_order(owner: Owner, client: RemoteJournal) -> None:
    other = await RemoteJournal.connect(owner.data)
    calls = [
        journal.append_once([numbered(n)]) for n in range(200) for journal in (client, other, owner.journal)
    ]
    flags = [flag for (flag,) in await asyncio.gather(*calls)]
    assert sum(flags) == 200
    assert await other.read(0) == await owner.journal.read(0)
    assert len(await client.read(0)) == 200
    await other.close()


async def test_who_waits_in_one_process_hears_what_another_appends(
    owner: Owner, client: RemoteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LOOK", 10 * PATIENCE)
    other = await RemoteJournal.connect(owner.data)
    for number in range(20):
        waiter = asyncio.create_task(other.wait(number, PATIENCE))
        await asyncio.sleep(0)
        await (client if number % 2 else owner.journal).append([record()])
        assert await asyncio.wait_for(waiter, PATIENCE) == number + 1
    await other.close()


async def test_a_batch_of_many_megabytes_goes_through(client: RemoteJournal) -> None:
    batch = [record(b"x" * 16_000) for _ in range(1000)]
    small = asyncio.create_task(client.append([record(subject="small")]))
    await client.append(batch)
    await small
    assert await client.head() == 1001


@pytest.mark.parametrize("where", ["client", "owner"])
async def test_a_full_queue_refuses_on_either_side(tmp_path: Path, where: str) -> None:
    """The disk is slow: nothing is written before somebody was refused."""
    owner, go_on = Owner(tmp_path), threading.Event()
    limits = {"queue_limit": 250, "queue_bytes": 1 << 20}
    await owner.start(**(limits if where == "owner" else {}))
    client = await RemoteJournal.connect(tmp_path, **(limits if where == "client" else {}))
    held = asyncio.create_task(owner.journal._committer.run(lambda: go_on.wait(PATIENCE)))
    appends = [asyncio.create_task(client.append([record() for _ in range(100)])) for _ in range(40)]
    await asyncio.wait(appends, return_when=asyncio.FIRST_EXCEPTION)
    go_on.set()
    assert await held
    ends = await asyncio.gather(*appends, return_exceptions=True)
    assert {type(end) for end in ends} == {type(None), JournalFull}
    assert await client.head() == 100 * ends.count(None)
    await client.append([record()])
    await client.close()
    await owner.stop()


@pytest.mark.parametrize(
    "unfit",
    [record(subject="email:\ud800"), record()._replace(at=2**63), record()._replace(at=2**64)],
    ids=["lone surrogate", "beyond 64 bits", "beyond what can be sent"],
)
async def test_a_record_that_cannot_be_stored_harms_nobody_else(client: RemoteJournal, unfit: Record) -> None:
    appends = [client.append(one) for one in ([record()], [record(), unfit], [record()], [unfit], [record()])]
    ends = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(end) for end in ends[::2]] == [type(None)] * 3
    assert all(isinstance(end, ValueError | OverflowError) for end in ends[1::2])
    assert await client.head() == 3


async def test_events_wait_a_moment_for_the_next_owner(
    owner: Owner, client: RemoteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PATIENCE", PATIENCE)
    await client.append([record()])
    await owner.stop()
    waiting = [asyncio.create_task(client.append([record()])) for _ in range(10)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    await owner.start()
    assert await asyncio.gather(*waiting) == [None] * 10
    assert await client.head() == 11


async def test_without_an_owner_events_are_refused_soon_and_reading_goes_on(
    owner: Owner, client: RemoteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "PATIENCE", 0.05)
    await client.append([record()])
    await owner.stop()
    with pytest.raises(Unavailable, match="not there"):
        await asyncio.wait_for(client.append([record()]), PATIENCE)
    with pytest.raises(Unavailable, match="not there"):
        await client.append([record()])
    with pytest.raises(Unavailable, match="not there"):
        await client.redact(["email:a"], account=ACCOUNT, replacement="erased:1")
    assert len(await client.read(0)) == await client.head() == await client.wait(0, PATIENCE) == 1
    assert await client.wait(1, 0.02) == 1
    await owner.start()
    while (await asyncio.gather(client.append([record()]), return_exceptions=True))[0]:  # noqa: ASYNC110  # as callers do
        await asyncio.sleep(0.01)
    assert await client.head() == 2


async def test_waiting_looks_at_the_file_when_nobody_tells(
    owner: Owner, client: RemoteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LOOK", 0.02)
    await owner.server.close()
    waiter = asyncio.create_task(client.wait(0, PATIENCE))
    await owner.journal.append([record()])
    assert await waiter == 1


async def test_who_waits_hears_from_the_next_owner(
    owner: Owner, client: RemoteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "LOOK", 10 * PATIENCE)
    waiter = asyncio.create_task(client.wait(0, PATIENCE))
    await asyncio.sleep(0)
    await owner.stop()
    await owner.start()
    other = await RemoteJournal.connect(owner.data)
    async with asyncio.timeout(PATIENCE):
        await client._linked.wait()
    await other.append([record()])
    assert await asyncio.wait_for(waiter, PATIENCE) == 1
    await other.close()


async def test_stopping_the_owner_answers_what_it_took(owner: Owner, client: RemoteJournal) -> None:
    """The disk is slow: the thread that writes is held while the owner is told to stop."""
    go_on = threading.Event()
    held = asyncio.create_task(owner.journal._committer.run(lambda: go_on.wait(PATIENCE)))
    appends = [asyncio.create_task(client.append([record()])) for _ in range(200)]
    while owner.journal.waiting < 200:  # noqa: ASYNC110  # until the owner has them
        await asyncio.sleep(0)
    stopping = asyncio.create_task(owner.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    go_on.set()
    await asyncio.gather(held, stopping)
    assert await asyncio.gather(*appends, return_exceptions=True) == [None] * 200
    await owner.start()
    assert await owner.journal.head() == 200


async def test_an_erasure_through_the_socket_is_done_by_the_owner(
    owner: Owner, client: RemoteJournal
) -> None:
    """STD-7"""
    await client.append([record(b'{"secret":1}', subject=f"email:{n % 2}@example.com") for n in range(10)])
    assert len(await client.of(["email:1@example.com"])) == 5
    assert await client.redact(["email:1@example.com"], account=ACCOUNT, replacement="erased:1") == 5
    assert [entry.seq for entry in await client.of(["erased:1", "email:1@example.com"])] == [2, 4, 6, 8, 10]
    assert b"email:1@" not in b"".join(path.read_bytes() for path in owner.data.glob("*.db*"))
    with pytest.raises(ValueError, match="replaces"):
        await client.redact(["email:a"], account=ACCOUNT, replacement="email:a")


async def test_a_client_that_goes_away_leaves_the_owner_well(owner: Owner) -> None:
    for _ in range(3):
        client = await RemoteJournal.connect(owner.data)
        waiting = asyncio.create_task(client.wait(10**6, PATIENCE))
        appends = [asyncio.create_task(client.append([record()])) for _ in range(50)]
        await asyncio.sleep(0)
        await client.close()
        assert await asyncio.gather(*appends) == [None] * 50
        await waiting
    assert await owner.journal.head() == 150


async def test_nonsense_on_the_socket_harms_nobody(owner: Owner, client: RemoteJournal) -> None:
    nonsense = [
        b"\x00\x00\x00\x03abc",
        struct.pack(">I", 2**32 - 1) + b"more than anybody may send",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x10\x00half of it",
    ]
    body = msgspec.msgpack.encode([1, 77, 1, 1, [[[["id", 5]], False]]])
    nonsense.append(len(body).to_bytes(4) + body)
    body = msgspec.msgpack.encode(Hand(78, 1, 1, [([record()], False)]))
    nonsense.append(b"".join((len(body).to_bytes(4), body)) + b"\x00")
    for junk in nonsense:
        reader, writer = await asyncio.open_unix_connection(str(owner.data / SOCKET))
        writer.write(junk)
        if junk[0] != 0xFF:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.read()
        writer.close()
        await writer.wait_closed()
        await client.append([record()])
    assert await client.head() == len(nonsense) + 1
