"""A real IMAP server (pymap) in a process of its own: what is unseen is taken once, marked or moved; it may go away."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_ports import free_port
from mailbox_world import World, notice
from test_receiver import FullJournal

from heliograph.errors import OperatorError, Unavailable
from heliograph.inbound.receipts.mail.imap import Imap, Mailbox, mailbox_of
from heliograph.settings import Settings


class Server:
    """A running IMAP server with one user, in memory."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start, empty, and wait until it answers."""
        words = (
            "--no-tls",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "dict",
            "--demo-user",
            "joe",
            "--demo-password",
            "x",
        )
        self._process = subprocess.Popen(
            [str(Path(sys.executable).parent / "pymap"), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 90
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < end and self._process.poll() is None
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; what it had is gone."""
        self._process.kill()
        self._process.wait()

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Somebody else's client."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=90) as client:
            client.login("joe", "x")
            client.select()
            yield client

    def deliver(self, *files: str) -> None:
        """Put these notices into the inbox."""
        with self.client() as client:
            for file in files:
                client.append("INBOX", "", "", notice(file).replace(b"\n", b"\r\n"))

    def count(self, folder: str, what: str) -> int:
        """How many mails of a sort are in a folder."""
        with self.client() as client:
            if client.select(folder)[0] != "OK":
                return 0
            return len((client.search(None, what)[1][0] or b"").split())

    def mailbox(self, done: str = "") -> Mailbox:
        return Mailbox(
            host="127.0.0.1", port=self.port, tls=False, folder="INBOX", user="joe", password="x", done=done
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def server(running: Server) -> Server:
    """The server, its folders empty."""
    with running.client() as client:
        client.store("1:*", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.delete("Done")
    return running


async def test_what_is_unseen_is_taken_and_marked_as_seen(world: World, server: Server) -> None:
    await asyncio.to_thread(server.deliver, "postfix-unknown-user", "auto-german")
    imap = Imap(server.mailbox(), world.intake, world.clock, 60)
    assert await imap.empty() == 2
    assert await imap.empty() == 0
    assert sorted(event.kind for event in await world.told()) == ["email.received", "message.bounced"]
    assert await asyncio.to_thread(server.count, "INBOX", "SEEN") == 2


@pytest.mark.parametrize("more", [("MOVE", "UIDPLUS"), ("UIDPLUS",), ()], ids=["move", "uidplus", "neither"])
async def test_what_was_taken_can_be_moved_away(
    world: World, server: Server, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 6851; RFC 4315; RFC 3501."""
    monkeypatch.setattr(
        imaplib.IMAP4,
        "_get_capabilities",
        lambda client: setattr(client, "capabilities", ("IMAP4REV1", *more)),
    )
    await asyncio.to_thread(server.deliver, "postfix-unknown-user", "auto-german")
    imap = Imap(server.mailbox("Done"), world.intake, world.clock, 60)
    assert await imap.empty() == 2
    assert await asyncio.to_thread(server.count, "INBOX", "ALL") == 0
    assert await asyncio.to_thread(server.count, "Done", "ALL") == 2


async def test_nothing_is_marked_that_could_not_be_recorded(server: Server, tmp_path: Path) -> None:
    world = World(tmp_path, journal=FullJournal())
    await asyncio.to_thread(server.deliver, "postfix-unknown-user")
    with pytest.raises(Unavailable):
        await Imap(server.mailbox(), world.intake, world.clock, 60).empty()
    assert await asyncio.to_thread(server.count, "INBOX", "UNSEEN") == 1


async def test_a_crash_before_it_was_marked_records_nothing_twice(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(server.deliver, "postfix-unknown-user", "auto-german")
    imap = Imap(server.mailbox(), world.intake, world.clock, 60)

    def lost(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(imap, "_done", lost)
        with pytest.raises(ConnectionResetError):
            await imap.empty()
    assert len(await world.told()) == 1
    assert await imap.empty() == 2
    assert len(await world.told()) == 2


async def test_a_server_that_went_away_is_reached_again(world: World) -> None:
    server = await asyncio.to_thread(Server)
    imap = Imap(server.mailbox(), world.intake, world.clock, 60)
    running = asyncio.create_task(imap.run())
    try:
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.deliver, "postfix-unknown-user")
        end = time.monotonic() + 90
        while not await world.told():
            assert time.monotonic() < end
            await world.clock.advance(30)
            await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.to_thread(server.stop)


async def test_a_server_that_hangs_up_in_the_middle_leaves_no_socket_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It greets, tells what it can and goes: the client's last word, LOGOUT, gets no answer."""
    opened: list[socket.socket] = []
    connect = socket.create_connection

    def watched(address: tuple[str, int], timeout: float) -> socket.socket:
        opened.append(connect(address, timeout))
        return opened[-1]

    def talk(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"* OK ready\r\n")
            tag = connection.recv(1_000).split()[0]
            connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK done\r\n")
            connection.recv(1_000)

    monkeypatch.setattr(socket, "create_connection", watched)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        talking = asyncio.create_task(asyncio.to_thread(talk, listening))
        host, port = listening.getsockname()
        mailbox = Mailbox(host=host, port=port, tls=False, folder="INBOX", user="joe", password="x")
        with pytest.raises((OSError, imaplib.IMAP4.error)):
            await Imap(mailbox, world.intake, world.clock, 60).empty()
        await talking
    assert [one.fileno() for one in opened] == [-1]


@pytest.mark.parametrize("url", ["pop3://mail.example", "imaps://", "imaps://mail.example:x/INBOX"])
def test_a_wrong_address_is_refused_by_name(url: str) -> None:
    with pytest.raises(OperatorError, match="imap_url"):
        mailbox_of(Settings(imap_url=url))


def test_an_address_names_server_port_and_folder() -> None:
    found = mailbox_of(Settings(imap_url="imaps://mail.example/Bounces%20here", imap_user="joe"))
    assert (found.host, found.port, found.tls, found.folder) == ("mail.example", 993, True, "Bounces here")
    assert mailbox_of(Settings(imap_url="imap://mail.example:1143")).port == 1143
