"""Pictures from an operator's addresses: fetched with care, kept, renewed, and there when their source is not."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from gallery import Gallery, png

from heliograph.clock import ManualClock
from heliograph.egress import Egress
from heliograph.outbound.images.sources import checking, fetching, isolated, shelf, sources
from heliograph.outbound.images.sources.picture import SOURCE_BYTES, Picture, Unusable
from heliograph.outbound.images.sources.sources import Sources
from heliograph.settings import Settings

RED, BLUE = png("#FF0000"), png("#0000FF")
Worker = Callable[..., Sources]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of our own need no process apart, where a test fetches many."""
    monkeypatch.setattr(isolated, "check", checking.check)


@pytest.fixture
async def gallery() -> AsyncIterator[Gallery]:
    made = Gallery()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.show)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def worker(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Worker]:
    """Start another worker on the same disk; loopback may be called unless said otherwise."""
    monkeypatch.setattr(sources, "FIRST_WAIT", 60)  # however busy this machine is
    monkeypatch.setattr(fetching, "SECONDS", 60)
    monkeypatch.setattr(isolated, "SECONDS", 60)
    made: list[tuple[Sources, Egress]] = []

    def start(*, allow: tuple[str, ...] = ("127.0.0.1/32",), disk_bytes: int = 10_000_000) -> Sources:
        egress = Egress(Settings(egress_allow=allow))
        made.append((Sources(egress, clock, tmp_path / "pictures", disk_bytes=disk_bytes), egress))
        return made[-1][0]

    yield start
    for one, egress in made:
        await one.close()
        await egress.close()


async def renewed(one: Sources) -> None:
    """Wait for what is being asked in the background."""
    while one._asking:
        await asyncio.wait(list(one._asking.values()))


async def body(one: Sources, url: str) -> bytes | None:
    picture = await one.picture(url)
    return picture.body if picture else None


async def test_a_picture_is_fetched_once_and_shown_from_then_on(worker: Worker, gallery: Gallery) -> None:
    """PER-13."""
    url = gallery.hang("/red.png", RED)
    one = worker()
    shown = await one.picture(url)
    assert shown == Picture("image/png", 60, 40, RED)
    for _ in range(10):
        assert await one.picture(url) is shown
    assert gallery.asked == {"/red.png": 1}
    assert gallery.heads[0]["User-Agent"].startswith("Heliograph/")
    assert gallery.heads[0]["Accept-Encoding"] == "identity"


async def test_many_readers_at_once_are_one_fetch(worker: Worker, gallery: Gallery) -> None:
    url = gallery.hang("/red.png", RED)
    one = worker()
    assert await asyncio.gather(*(body(one, url) for _ in range(50))) == [RED] * 50
    assert gallery.asked == {"/red.png": 1}


async def test_the_content_decides_and_a_drawing_becomes_a_png(worker: Worker, gallery: Gallery) -> None:
    """PER-13."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><rect width="9" height="9"/></svg>'
    for path, content, says, expected in (
        ("/a.svg", svg, "image/svg+xml", "image/png"),
        ("/b.png", svg, "image/png", "image/png"),
        ("/c.svg", RED, "image/svg+xml", "image/png"),
        ("/d", RED, "text/html", "image/png"),
    ):
        shown = await worker().picture(gallery.hang(path, content, Content_Type=says))
        assert shown is not None and shown.type == expected, path
        assert shown.body.startswith(b"\x89PNG")


async def test_an_old_picture_is_shown_at_once_and_renewed_meanwhile(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    url = gallery.hang("/sale.png", RED, Cache_Control="max-age=300")
    one = worker()
    assert await body(one, url) == RED
    gallery.hang("/sale.png", BLUE)
    await clock.advance(299)
    assert await body(one, url) == RED and not one._asking
    await clock.advance(1)
    assert await body(one, url) == RED
    await renewed(one)
    assert await body(one, url) == BLUE
    assert gallery.asked == {"/sale.png": 2}


async def test_an_unchanged_picture_is_not_sent_again(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    """ETag and Last-Modified (RFC 9110 sections 13.1.2 and 13.1.3), across workers and their restarts."""
    modified = "Sun, 01 Nov 2026 08:00:00 GMT"
    url = gallery.hang("/red.png", RED, ETag='W/"7"', Last_Modified=modified)
    assert await body(worker(), url) == RED
    await clock.advance(601)
    other = worker()
    assert await body(other, url) == RED
    await renewed(other)
    assert gallery.heads[1]["If-None-Match"] == 'W/"7"'
    assert gallery.heads[1]["If-Modified-Since"] == modified
    await clock.advance(599)
    assert await body(other, url) == RED
    assert gallery.asked == {"/red.png": 2}


async def test_bytes_that_were_checked_are_not_checked_again(
    worker: Worker, gallery: Gallery, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source without validators sends the same bytes again and again."""
    url = gallery.hang("/red.png", RED)
    one = worker()
    await body(one, url)
    monkeypatch.setattr(isolated, "check", lambda body: pytest.fail("was checked again"))
    for asked in range(2, 5):
        await clock.advance(601)
        await body(one, url)
        await renewed(one)
        assert await body(one, url) == RED
        assert gallery.asked == {"/red.png": asked}


@pytest.mark.parametrize(
    ("control", "fresh"),
    [
        ("", 600),
        ("max-age=120", 120),
        ("public, max-age=3600, immutable", 3600),
        ("max-age=5", 60),
        ("max-age=31536000", 86_400),
        ("no-store", 60),
        ("no-cache, max-age=3600", 60),
        ("x-max-age=3600", 600),
        ("max-age=soon", 600),
        ("max-age=" + "9" * 5000, 86_400),
    ],
)
async def test_a_source_says_how_long_it_stays_within_bounds(
    worker: Worker, gallery: Gallery, clock: ManualClock, control: str, fresh: int
) -> None:
    url = gallery.hang("/red.png", RED, Cache_Control=control)
    one = worker()
    await body(one, url)
    await clock.advance(fresh - 1)
    await body(one, url)
    assert not one._asking
    await clock.advance(1)
    await body(one, url)
    assert one._asking
    await renewed(one)


async def test_workers_share_what_one_of_them_fetched(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    url = gallery.hang("/red.png", RED)
    one, other = worker(), worker()
    assert await body(one, url) == RED
    assert await body(other, url) == RED
    await clock.advance(601)
    await body(one, url)
    await renewed(one)
    await body(other, url)
    await renewed(other)
    assert gallery.asked == {"/red.png": 2}


@pytest.mark.usefixtures("quick")
async def test_a_source_that_breaks_leaves_its_last_good_copy(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    """PER-13: broken source, last good copy; and when that is too old, none: the fallback."""
    url = gallery.hang("/red.png", RED)
    one = worker()
    assert await body(one, url) == RED
    broken = [(b"", 500), (b"", 404), (b"<html>sorry</html>", 200), (RED[:-30], 200), (b"x" * 100, 200)]
    for content, status in broken:
        gallery.hang("/red.png", content, status)
        await clock.advance(4000)
        assert await body(one, url) == RED
        await renewed(one)
        assert await body(one, url) == RED
        assert await body(worker(), url) == RED
    assert gallery.asked["/red.png"] == 1 + len(broken)
    await clock.advance(29 * 86_400)
    assert await body(one, url) == RED
    await renewed(one)
    await clock.advance(86_400)
    assert await body(one, url) is None
    gallery.hang("/red.png", BLUE)
    await clock.advance(3600)
    await body(one, url)
    await renewed(one)
    assert await body(one, url) == BLUE


async def test_a_source_that_never_worked_is_none_and_is_left_alone_longer_each_time(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    url = gallery.hang("/red.png", b"", 503)
    one, waits = worker(), []
    for _ in range(12):
        before, waited = gallery.asked["/red.png"], 0
        while gallery.asked["/red.png"] == before:
            assert await body(one, url) is None
            await clock.advance(15)
            waited += 15
        waits.append(waited)
    assert waits[1:6] == [15, 30, 60, 120, 240]
    assert max(waits) == 3600
    asked = gallery.asked["/red.png"]
    assert await body(worker(), url) is None  # another worker knows, and does not ask either
    assert gallery.asked["/red.png"] == asked


async def test_nobody_waits_long_for_a_source_that_is_silent(
    worker: Worker, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow drip: an answer that never ends is given up in all, and its first reader gives up sooner."""
    monkeypatch.setattr(sources, "FIRST_WAIT", 0.1)
    monkeypatch.setattr(fetching, "SECONDS", 2)
    url = gallery.stream("/slow.png", {"Content-Length": "100000"}, b"x", 0.02)
    one = worker()
    assert await one.picture(url) is None
    assert one._asking  # and goes on being asked
    found = await one.look(url)
    assert isinstance(found, Unusable) and "within" in found.reason
    await asyncio.wait_for(gallery.hung_up.wait(), 60)


@pytest.mark.parametrize("head", [{"Content-Length": str(10**10)}, {}])
async def test_a_body_of_ten_gigabytes_costs_five_megabytes(
    worker: Worker, gallery: Gallery, head: dict[str, str]
) -> None:
    url = gallery.stream("/huge.png", {"Content-Type": "image/png", **head}, RED + bytes(1 << 18), 0)
    found = await worker().look(url)
    assert found == Unusable(f"has more than {SOURCE_BYTES >> 20} MiB")
    await asyncio.wait_for(gallery.hung_up.wait(), 60)


async def redirected(gallery: Gallery, path: str, to: str, status: int = 302) -> str:
    return gallery.hang(path, b"", status, Location=to)


async def test_a_redirect_is_followed(worker: Worker, gallery: Gallery) -> None:
    gallery.hang("/new/red.png", RED)
    await redirected(gallery, "/c", "new/red.png", 307)
    await redirected(gallery, "/b", "/c", 308)
    url = await redirected(gallery, "/a", gallery.url("/b"), 301)
    assert await worker().look(url) == Picture("image/png", 60, 40, RED)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "never called"),
        ("http://[::ffff:a9fe:a9fe]/", "never called"),
        ("http://2852039166/", "refused"),
        ("http://127.0.0.2/", "not called unless"),
        ("http://10.0.0.1/", "not called unless"),
        ("file:///etc/passwd", "only http and https"),
        ("//user:password@127.0.0.1/", "user or password"),
        ("/round", "more than 3 times"),
        ("", "leads nowhere"),
        ("http://[", "leads nowhere"),
    ],
)
async def test_a_redirect_is_judged_like_any_address(
    worker: Worker, gallery: Gallery, location: str, reason: str
) -> None:
    """PER-13: the guard is asked again for each step."""
    found = await worker().look(await redirected(gallery, "/round", location))
    assert isinstance(found, Unusable) and reason in found.reason, found


async def test_no_redirect_leads_from_https_to_http() -> None:
    assert isinstance(fetching._onward("https://a.test/x", "http://a.test/y"), Unusable)
    assert fetching._onward("http://a.test/x", "https://a.test/y") == "https://a.test/y"
    assert fetching._onward("https://a.test/x/y", "../z") == "https://a.test/z"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/a.png", "http://169.254.169.254/", "ftp://x.test/", "", "a\x00b"]
)
async def test_an_address_that_may_not_be_called_is_no_picture(worker: Worker, url: str) -> None:
    one = worker(allow=())
    assert isinstance(await one.look(url), Unusable)
    assert await one.picture(url) is None


async def test_what_is_compressed_unasked_is_refused(worker: Worker, gallery: Gallery) -> None:
    found = await worker().look(gallery.hang("/red.png", RED, Content_Encoding="br"))
    assert found == Unusable("is compressed although that was not asked for")


async def test_whoever_chooses_a_picture_hears_why_it_cannot_be_used(
    worker: Worker, gallery: Gallery
) -> None:
    url = gallery.hang("/red.png", b"", 403)
    one = worker()
    assert await one.look(url) == Unusable("answers 403")
    gallery.hang("/red.png", RED)
    assert await one.look(url) == Picture("image/png", 60, 40, RED)  # mended: no need to wait
    gallery.hang("/red.png", b"", 403)
    assert await one.look(url) == Picture("image/png", 60, 40, RED)  # and fresh
    assert gallery.asked["/red.png"] == 2


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_files_have_the_names_of_hashes_whatever_a_url_says(
    worker: Worker, gallery: Gallery, tmp_path: Path
) -> None:
    for path in (
        "/../../../etc/cron.d/x.png",
        "/%2e%2e/%2e%2e/x.png",
        "/" + "a" * 2000,
        "/x.png?../../y",
        "/é\u202e.png",
    ):
        url = gallery.url(path)
        gallery.hang(path.split("?")[0], RED)
        await worker().picture(url)
    for file in files(tmp_path):
        assert file.relative_to(tmp_path).parts[:2] in (("pictures", "bodies"), ("pictures", "sources"))
        assert len(file.name) == 64 and int(file.name, 16)
    bodies = files(tmp_path / "pictures/bodies")
    assert [file.name for file in bodies] == [hashlib.sha256(RED).hexdigest()]


@pytest.mark.usefixtures("quick")
async def test_a_damaged_or_missing_file_is_fetched_again(
    worker: Worker, gallery: Gallery, tmp_path: Path
) -> None:
    url = gallery.hang("/red.png", RED)
    await body(worker(), url)
    stored = tmp_path / "pictures/bodies" / hashlib.sha256(RED).hexdigest()
    for spoil in (lambda: stored.write_bytes(BLUE), stored.unlink, lambda: stored.write_bytes(b"")):
        spoil()
        assert await body(worker(), url) == RED
        assert stored.read_bytes() == RED
    for file in files(tmp_path / "pictures/sources"):
        for junk in (b"", b"{}", b"not json", b"\xff" * 100):
            file.write_bytes(junk)
            assert await body(worker(), url) == RED


@pytest.mark.usefixtures("quick")
async def test_the_disk_stays_within_its_bound_and_keeps_what_is_used(
    worker: Worker, gallery: Gallery, tmp_path: Path
) -> None:
    pictures = [png(f"#{number * 4321:06x}", (300, 300)) for number in range(30)]
    limit = sum(map(len, pictures[:10]))
    one = worker(disk_bytes=limit)
    favourite = gallery.hang("/favourite.png", png("#123456", (200, 200)))
    await body(one, favourite)
    name = hashlib.sha256(png("#123456", (200, 200))).hexdigest()
    stored = tmp_path / "pictures/bodies"
    for number, picture in enumerate(pictures):
        await body(one, gallery.hang(f"/{number}.png", picture))
        os.utime(stored / hashlib.sha256(picture).hexdigest(), (number, number))
        assert sum(file.stat().st_size for file in files(stored)) <= limit + len(picture)
        os.utime(stored / name, (0, 0))
        assert await body(worker(), favourite)
    assert gallery.asked["/favourite.png"] == 1
    assert len(files(stored)) < 15
    assert await body(worker(), gallery.url("/0.png")) == pictures[0]  # gone, and fetched again


@pytest.mark.usefixtures("quick")
async def test_what_is_known_of_sources_stays_within_its_bound(
    worker: Worker, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_SOURCES", 10)
    one = worker()
    for number in range(30):
        await body(one, gallery.hang(f"/{number}.png", png(f"#{number:06x}")))
    assert len(files(tmp_path / "pictures/sources")) <= 11


async def test_a_disk_that_takes_nothing_costs_fetches_and_no_picture(
    worker: Worker, gallery: Gallery, tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "pictures").write_text("a file where a directory should be")
    url = gallery.hang("/red.png", RED)
    one = worker()
    for _ in range(3):
        assert await body(one, url) == RED
    assert gallery.asked == {"/red.png": 1}
    await clock.advance(601)
    gallery.hang("/red.png", BLUE)
    assert await body(one, url) == RED
    await renewed(one)
    assert await body(one, url) == BLUE
    gallery.hang("/red.png", b"", 500)
    await clock.advance(601)
    await body(one, url)
    await renewed(one)
    assert await body(one, url) == BLUE


async def test_slow_sources_do_not_hold_up_known_ones(
    worker: Worker, gallery: Gallery, clock: ManualClock
) -> None:
    known = gallery.hang("/red.png", RED)
    assert await body(worker(), known) == RED
    await clock.advance(601)
    one = worker()
    slow = [gallery.stream(f"/{number}.png", {}, b"x", 0.01) for number in range(20)]
    waiting = [asyncio.create_task(one.picture(url)) for url in slow]
    await asyncio.sleep(0.05)
    assert await body(one, known) == RED
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_only_so_many_sources_are_waited_for(
    worker: Worker, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "WAITING", 3)
    monkeypatch.setattr(sources, "FIRST_WAIT", 0.05)
    one = worker()
    for number in range(10):
        await one.picture(gallery.stream(f"/{number}.png", {}, b"x", 0.01))
    assert len(one._asking) == 3
    assert await one.look(gallery.url("/9.png")) == Unusable(
        "cannot be fetched now: too many others are waited for"
    )


@pytest.mark.usefixtures("quick")
async def test_memory_stays_within_its_bound(
    worker: Worker, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MEMORY_BYTES", 20_000)
    one = worker()
    for number in range(20):
        assert await body(one, gallery.hang(f"/{number}.png", png(f"#{number:06x}")))
    assert 0 < one._memory.weight <= 20_000
    assert gallery.asked["/0.png"] == 1
    assert await body(one, gallery.url("/0.png")) == png("#000000")  # from disk
    assert gallery.asked["/0.png"] == 1
