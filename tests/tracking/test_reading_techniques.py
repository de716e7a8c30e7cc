"""What each technique of measuring has of its own."""

from __future__ import annotations

import asyncio
import io
from base64 import urlsafe_b64decode
from urllib.parse import urljoin

import pytest
from door_calls import Asked
from hypothesis import given
from hypothesis import strategies as st
from mail_readers import KEYS, MailReader, look, pixel, told
from PIL import Image

from heliograph.clock import ManualClock
from heliograph.events.readtimes import Opening, category, seconds
from heliograph.inbound.tracking.readtime import redirects
from heliograph.inbound.tracking.readtime.held import COMMENTS_PER_SECOND
from heliograph.inbound.tracking.readtime.technique import Means
from heliograph.refs import ForgedRef, LookRef, Refs
from heliograph.web.visitors import NO_PICTURE, PIXEL

LOOK = LookRef(
    1, "01a200e3-2a4c-71ac-a814-a86fd89fd1fb", "000000000002", "email:ann@example.com", 7, None, "abc"
)


@pytest.mark.parametrize(
    ("elapsed", "told_seconds", "word"),
    [
        (None, -1, "Not Supported"),
        (-3.0, 0, "Glanced"),
        (0.0, 0, "Glanced"),
        (1.999, 0, "Glanced"),
        (2.0, 2, "Skimmed"),
        (7.999, 6, "Skimmed"),
        (8.0, 8, "Read"),
        (19.999, 18, "Read"),
        (20.0, 20, "Read"),
        (86_400.0, 20, "Read"),
    ],
)
def test_seconds_are_even_and_at_most_twenty_and_have_a_word(elapsed, told_seconds, word) -> None:
    """LIT-7, LIT-8"""
    assert seconds(elapsed) == told_seconds
    assert category(seconds(elapsed)) == word


@given(st.floats(0, 100))
def test_the_word_of_the_even_seconds_is_the_word_of_the_time_itself(elapsed: float) -> None:
    """LIT-8: 0-1.99 s Glanced; 2-7.99 Skimmed; from 8 on Read."""
    word = "Glanced" if elapsed < 2 else "Skimmed" if elapsed < 8 else "Read"
    assert category(seconds(elapsed)) == word


@pytest.mark.parametrize("stayed", [0, 1, 5, 12.5, 21])
async def test_a_held_picture_is_a_picture_whenever_it_ends(make_worker, clock: ManualClock, stayed) -> None:
    """GIF89a section 24: comment extensions say nothing of what is drawn."""
    reader = MailReader([make_worker().doors], pixel("held"))
    await look(reader, clock, stayed)
    drawn = Image.open(io.BytesIO(reader.picture)).convert("RGBA")
    assert drawn.size == (1, 1) and drawn.getpixel((0, 0))[3] == 0
    comments = reader.picture.removeprefix(PIXEL[:-1]).removesuffix(b";")
    assert comments == b"\x21\xfe\x01.\x00" * min(9, int(stayed // 2))
    assert reader.picture.endswith(b";") is (stayed > 20)


async def test_a_proxy_is_asked_to_pass_on_what_is_held(make_worker, clock) -> None:
    reader = MailReader([make_worker().doors], pixel("held"))
    await look(reader, clock, 1)
    assert reader.headers["x-accel-buffering"] == "no"
    assert "content-length" not in reader.headers


async def test_with_many_readers_each_gets_fewer_comments(make_worker, clock) -> None:
    """What one worker writes is bounded, not how many it holds."""
    worker = make_worker(room=100_000)
    worker.read_times.watch.held = 5 * COMMENTS_PER_SECOND - 1
    reader = MailReader([worker.doors], pixel("held"))
    await look(reader, clock, 11)
    assert reader.picture.count(b"\x21\xfe") == 2
    worker.read_times.watch.held = 0


async def test_a_chain_may_go_through_any_workers_and_is_one_record(make_worker, journal, clock) -> None:
    """The URL says everything; the last contact wins, whoever saw it."""
    workers = [make_worker().doors for _ in range(3)]
    reader = MailReader(workers, pixel("redirects"))
    await look(reader, clock, 9.1)
    assert len(reader.paths) == 5
    await clock.advance(30)
    (read,) = await told(journal)
    assert read.data.seconds == 8


async def test_a_whole_chain_is_ten_requests(make_worker, journal, clock) -> None:
    reader = MailReader([make_worker().doors, make_worker().doors], pixel("redirects"))
    await look(reader, clock, 20.1)
    assert reader.has_all and len(reader.paths) == 10
    await clock.advance(30)
    assert [read.data.seconds for read in await told(journal)] == [20]


@pytest.mark.parametrize(("stayed", "expected"), [(1, 0), (3, 2), (9.1, 8), (17.5, 16)])
async def test_who_goes_unseen_was_last_there_when_they_last_asked(
    make_worker, journal, clock, stayed, expected
) -> None:
    """LIT-7, LIT-9: behind a proxy that does not tell; known after 25 s at the latest."""
    workers = [make_worker().doors, make_worker().doors]
    reader = MailReader(workers, pixel("redirects"), behind_proxy=True)
    await look(reader, clock, stayed)
    await clock.advance(24.9 - stayed)
    (read,) = await told(journal)
    assert (read.data.seconds, read.data.technique) == (expected, "redirects")


@pytest.mark.parametrize("path", ["/o/token.gif", "/v2/ab12cd34", "/ab12cd34", "/some/deeper/pixel.gif"])
async def test_the_next_look_is_found_from_any_pixel(make_worker, clock, path) -> None:
    """Relative to the pixel, so that a proxy may put the whole server below a path of its own."""
    means = Means(make_worker().read_times.watch, Refs(KEYS))
    asking = asyncio.create_task(
        redirects.answer(means, Asked(path), Opening(*LOOK[1:])._replace(at=clock.now()))
    )
    await clock.settle()
    await clock.advance(2.1)
    location = dict((await asking).headers)["location"]
    assert urljoin(f"https://mail.example{path}", location).startswith("https://mail.example/r/")
    assert urljoin(f"https://mail.example/heliograph{path}", location).startswith(
        "https://mail.example/heliograph/r/"
    )


async def test_a_look_says_nothing_that_can_be_read(make_worker) -> None:
    """No PII in any URL: the subject of a foreign sender's open may be an address."""
    refs = Refs(KEYS)
    token = refs.look(LOOK)
    assert refs.read_look(token) == LOOK
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"ann@" not in raw and b"example" not in raw
    assert token != refs.look(LOOK), "two looks cannot be told to be of one open"


@pytest.mark.parametrize(
    "forge", [lambda t: t[:-2] + "AA", lambda t: "", lambda t: "A" * 40, lambda t: t[4:], lambda t: "é"]
)
def test_a_forged_look_is_none(forge) -> None:
    refs = Refs(KEYS)
    with pytest.raises(ForgedRef):
        refs.read_look(forge(refs.look(LOOK)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("look_of", ["forged", "old"])
async def test_a_look_that_is_none_is_a_picture_and_no_record(
    make_worker, journal, clock, method, look_of
) -> None:
    """LIT-3, LIT-6: never a 4xx to an image client; a URL that somebody kept tells nothing later."""
    old = LOOK._replace(at=clock.now() - 26_000_000)
    token = "x" if look_of == "forged" else Refs(KEYS).look(old)
    (door,) = (route for route in make_worker().doors.routes if route.prefix == "r")
    assert await door.handler(Asked(f"/r/{token}.gif", method=method)) == NO_PICTURE
    await clock.advance(30)
    assert await told(journal) == []


async def test_a_head_of_a_look_is_no_contact(make_worker, journal, clock) -> None:
    """LIT-6"""
    token = Refs(KEYS).look(LOOK._replace(at=clock.now()))
    (door,) = (route for route in make_worker().doors.routes if route.prefix == "r")
    assert await door.handler(Asked(f"/r/{token}.gif", method="HEAD")) == NO_PICTURE
    await clock.advance(30)
    assert await told(journal) == []
