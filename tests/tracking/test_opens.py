"""The open pixel."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.accounts.directory import Directory
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.events.engagement import MessageOpened, MessageRead
from heliograph.inbound import tracking
from heliograph.inbound.tracking.codes import Codes
from heliograph.inbound.tracking.readtime import ReadTimes
from heliograph.journal.memory import MemoryJournal
from heliograph.readers import Readers
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.web.losses import LOST
from heliograph.web.visitors import PIXEL

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PERSON = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
REF = MessageRef("000000000001", MESSAGE, PERSON)
EMPTY_STATE = memory_state()
READERS = Readers()


class BrokenJournal:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def append(self, records) -> None:
        raise self.error


def lost() -> float:
    return LOST.labels("message.opened")._value.get()


async def events(journal):
    """Without the read times, which have tests of their own."""
    entries = await journal.read(0)
    return [codec.decode(entry) for entry in entries if entry.kind != MessageRead.kind]


def assert_picture(reply) -> None:
    headers = dict(reply.headers)
    assert reply.status == 200
    assert headers["content-type"] == "image/gif"
    assert headers["cache-control"] == "no-store, no-cache, must-revalidate, private"
    assert headers["pragma"] == "no-cache"
    assert headers["expires"].endswith("1970 00:00:00 GMT")
    assert reply.body == PIXEL


def test_the_pixel_is_one_transparent_point_in_43_bytes() -> None:
    """GIF89a, sections 18 to 27: screen 1x1, a graphic control extension with a transparent colour, one image."""
    picture = PIXEL
    assert len(picture) == 43
    assert picture[:6] == b"GIF89a"
    assert struct.unpack("<HH", picture[6:10]) == (1, 1)
    colours = 2 << (picture[10] & 7)
    control = picture[13 + 3 * colours :]
    assert control[:3] == b"\x21\xf9\x04"
    assert control[3] & 1, "transparent"
    image = control[8:]
    assert image[:1] == b"," and struct.unpack("<HHHH", image[1:9]) == (0, 0, 1, 1)
    assert picture[-1:] == b";"


async def test_a_loaded_pixel_is_an_open(ask, journal, refs, clock) -> None:
    """LIT-6"""
    reply = await ask(
        f"/o/{refs.open(REF)}.gif",
        headers={"user-agent": "Mozilla/5.0 (Windows NT 5.1)", "referer": "https://mail.example/"},
        client="198.51.100.7",
    )
    assert_picture(reply)
    (event,) = await events(journal)
    assert event.kind == "message.opened"
    assert (event.account, event.subject) == ("000000000001", f"person:{PERSON}")
    assert (event.at, event.recorded) == (clock.now(), clock.now())
    assert event.data == MessageOpened(
        message=MESSAGE,
        ip="198.51.100.7",
        user_agent="Mozilla/5.0 (Windows NT 5.1)",
        referrer="https://mail.example/",
        method="GET",
    )


async def test_every_load_is_an_open_of_its_own(ask, journal, refs) -> None:
    """LIT-13"""
    for _ in range(3):
        await ask(f"/o/{refs.open(REF)}.gif")
    assert len({event.id for event in await events(journal)}) == 3


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS", "PROPFIND"])
async def test_only_get_records_an_open(ask, journal, refs, method) -> None:
    """LIT-6: HEAD records nothing."""
    assert_picture(await ask(f"/o/{refs.open(REF)}.gif", method=method))
    assert await events(journal) == []


async def test_an_open_that_must_not_be_tied_to_a_person_is_the_messages(ask, journal, refs) -> None:
    """STD-7: no tracking consent, no person."""
    await ask(f"/o/{refs.open(MessageRef('000000000001', MESSAGE, None, web_copy=True))}.gif")
    (event,) = await events(journal)
    assert event.subject == f"message:{MESSAGE}"
    assert event.data.web_copy


@pytest.mark.parametrize(
    "path",
    [
        "/o",
        "/o/",
        "/o/.gif",
        "/o/x.gif",
        "/o/" + "A" * 79 + ".gif",
        "/o/a/b.gif",
        "/o/\udcff\0.gif",
        "/o/é.gif",
    ],
)
async def test_a_forged_pixel_is_a_picture_and_no_event(ask, journal, path) -> None:
    """LIT-3: never a 4xx to an image client."""
    assert_picture(await ask(path))
    assert await events(journal) == []


async def test_references_of_another_purpose_or_key_open_nothing(ask, journal, refs) -> None:
    stranger = Refs(Keyring({1: b"s" * 32}, 1))
    for token in (refs.unsubscribe(REF), refs.confirm(REF), stranger.open(REF), refs.open(REF)[:-2] + "AA"):
        assert_picture(await ask(f"/o/{token}.gif"))
    assert await events(journal) == []


@given(token=st.text(max_size=200))
async def test_no_token_makes_an_error_or_an_event(token) -> None:
    journal, ring = MemoryJournal(), Keyring({1: b"k" * 32}, 1)
    given = Directory([], [], ring), Refs(ring), journal, ManualClock(), READERS
    doors = tracking.routes(*given, ReadTimes(*given, room=100), Codes(EMPTY_STATE, journal))

    class Request:
        method, path, query, client = "GET", f"/o/{token}.gif", "", ""

        def header(self, name: str) -> str:
            return ""

        async def body(self, limit: int) -> bytes:
            return b""

        async def gone(self) -> None:
            return None

    assert_picture(await doors[0].handler(Request()))
    assert await events(journal) == []


@pytest.mark.parametrize("error", [JournalFull("full"), RuntimeError("a bug of ours")])
async def test_the_picture_comes_though_the_journal_is_full_and_the_loss_is_counted(
    doors_on, refs, error, caplog
) -> None:
    before = lost()
    reply = await doors_on(BrokenJournal(error)).ask(f"/o/{refs.open(REF)}.gif")
    assert_picture(reply)
    assert lost() == before + 1
    assert bool(caplog.records) is isinstance(error, RuntimeError)


@pytest.mark.parametrize(
    ("account", "client", "kept"),
    [
        ("000000000001", "198.51.100.7", "198.51.100.7"),
        ("000000000002", "198.51.100.7", "198.51.100.0"),
        ("000000000002", "2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("000000000002", "fe80::1%eth0", "fe80::"),
        ("000000000002", "::ffff:198.51.100.7", "198.51.100.0"),
        ("000000000002", "no address", ""),
        ("000000000003", "198.51.100.7", ""),
        ("000000000009", "198.51.100.7", ""),
    ],
)
async def test_the_account_says_what_is_kept_of_an_address(ask, journal, refs, account, client, kept) -> None:
    """STD-7: full, /24 and /48, or nothing; nothing either for an account that is not there any more."""
    await ask(f"/o/{refs.open(REF._replace(account=account))}.gif", client=client)
    (event,) = await events(journal)
    assert event.data.ip == kept


async def test_headers_of_any_length_and_bytes_are_kept_short_and_readable(ask, journal, refs) -> None:
    await ask(
        f"/o/{refs.open(REF)}.gif",
        headers={"user-agent": "A" * 100_000, "referer": "\udcff\ud800" + "é" * 5000},
    )
    (event,) = await events(journal)
    assert event.data.user_agent == "A" * 512
    assert event.data.referrer == "??" + "é" * 510


async def test_whoever_is_only_counted_leaves_no_address(ask, journal: MemoryJournal, refs: Refs) -> None:
    """STD-7: without consent to be tracked."""
    await ask(f"/o/{refs.open(REF._replace(person=None, aggregate=True))}.gif", client="203.0.113.9")
    (event,) = await events(journal)
    assert (event.subject, event.data.ip) == (f"message:{MESSAGE}", "")
