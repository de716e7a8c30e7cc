"""What mail clients get: pictures that are never cached and never an error, redirects to published places alone."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_world import BASE, World
from PIL import Image
from test_document_examples import BAR, CHEESE, TIMER, TRACKER

from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.events.engagement import ImageShown, LinkClicked, VoteCast
from heliograph.events.jobs import RecordHit, RecordMissed, RecordPut
from heliograph.outbound.images import doors
from heliograph.outbound.images.countdown import timer
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.web.losses import LOST
from heliograph.web.visitors import PIXEL

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PERSON = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
APPLE = "Mozilla/5.0"
BROWSER = {
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
}
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.1)"


def assert_not_cached(reply: Any) -> None:
    headers = dict(reply.headers)
    assert headers["cache-control"] == "no-store, no-cache, must-revalidate, private"
    assert headers["pragma"] == "no-cache" and headers["expires"].endswith("1970 00:00:00 GMT")


def assert_nothing_shown(reply: Any, status: int = 200) -> None:
    assert (reply.status, dict(reply.headers)["content-type"], reply.body) == (status, "image/gif", PIXEL)
    assert_not_cached(reply)


async def a_timer(world: World, **changes: Any) -> str:
    data = await world.publish("timers", **{**TIMER, **changes})
    url: str = data["attributes"]["timer"]["image"]["href"]
    return url


async def shown(world: World) -> list[ImageShown]:
    return [event.data for event in await world.events("image.shown") if isinstance(event.data, ImageShown)]


async def test_a_timer_counts_from_the_moment_it_is_looked_at(world: World) -> None:
    """PER-6: thirty seconds, opaque, once; the first frame is right."""
    url = await a_timer(world)
    first = await world.look(url)
    assert_not_cached(first)
    picture = Image.open(io.BytesIO(first.body))
    assert picture.n_frames == 30 and "loop" not in picture.info and "transparency" not in picture.info
    await world.clock.advance(10)
    later = await world.look(url)
    picture.seek(10)
    assert picture.convert("RGB").tobytes() == Image.open(io.BytesIO(later.body)).convert("RGB").tobytes()
    (one, _) = await shown(world)
    assert (one.variant, one.parameter) == ("countdown", "2024-02-09T00:00:00.0000000+00:00")


@pytest.mark.parametrize(
    "exp",
    [
        "2023-11-14T23:13:20Z",
        "2023-11-14T23%3A13%3A20Z",
        "2023-11-15T00:13:20+01:00",
        "2023-11-15T00:13:20%2B01:00",
        "2023-11-14T23:13:20.0000000%2B00:00",
        "2023-11-14T23:13:20.0000000+00:00",
    ],
)
async def test_exp_is_read_as_mail_systems_write_it(world: World, exp: str) -> None:
    """PER-7"""
    url = (await a_timer(world)).partition("?")[0]
    wanted = (await world.look(f"{url}?exp=2023-11-14T23:13:20Z")).body
    assert (await world.look(f"{url}?exp={exp}")).body == wanted
    assert (await world.look(f"{url}?exp={exp}&amp;utm=1")).body == wanted


@pytest.mark.parametrize("exp", ["", "soon", "*|EXP|*", "{{ exp }}", "MERGE_YOUR_VALUE", "%00", "9" * 3000])
async def test_an_exp_that_cannot_be_read_is_the_published_deadline(world: World, exp: str) -> None:
    """PER-7"""
    url = await a_timer(world)
    bare = url.partition("?")[0]
    assert (await world.look(f"{bare}?exp={exp}")).body == (await world.look(url)).body


async def test_after_the_deadline_the_message_stands_still(world: World) -> None:
    """PER-6"""
    url = await a_timer(world, countdown={"time": "2023-11-14T22:13:25Z"})
    await world.clock.advance(6)
    picture = Image.open(io.BytesIO((await world.look(url)).body))
    assert picture.n_frames == 1
    assert (await shown(world))[-1].variant == "expired"


async def test_apples_prefetch_gets_the_fallback(world: World) -> None:
    """PER-8"""
    url = await a_timer(world)
    fetched = await world.look(url, user_agent=APPLE)
    assert Image.open(io.BytesIO(fetched.body)).n_frames == 1
    assert fetched.body != (await world.look(url, user_agent=OUTLOOK)).body
    ahead, looked = await shown(world)
    assert (ahead.variant, ahead.reader) == ("fallback", "privacy_proxy")
    assert (looked.variant, looked.reader) != ("fallback", "privacy_proxy")


async def test_apples_prefetch_gets_the_deadline_in_words_where_there_is_no_fallback(world: World) -> None:
    """PER-8"""
    one = await a_timer(world, fallback={})
    two = await a_timer(world, fallback={}, countdown={"time": "2025-01-01T00:00:00Z"})
    replies = [await world.look(url, user_agent=APPLE) for url in (one, two)]
    assert [Image.open(io.BytesIO(reply.body)).n_frames for reply in replies] == [1, 1]
    assert replies[0].body != replies[1].body


async def test_the_operators_own_pictures_stand_in_for_texts(world: World) -> None:
    over, ahead = "https://shop.example/over.png", "https://shop.example/ahead.jpg"
    url = await a_timer(
        world,
        countdown={"time": "2023-11-14T22:13:25Z"},
        expiration={"imageUrl": over},
        fallback={"imageUrl": ahead, "message": "Soon"},
    )
    in_words = (await world.look(url, user_agent=APPLE)).body
    assert in_words.startswith(b"GIF"), "a source that cannot be shown leaves the text"
    world.gallery.hang(over, b"over")
    world.gallery.hang(ahead, b"ahead", "image/jpeg")
    reply = await world.look(url, user_agent=APPLE)
    assert (reply.body, dict(reply.headers)["content-type"]) == (b"ahead", "image/jpeg")
    await world.clock.advance(6)
    assert (await world.look(url)).body == b"over"


@pytest.mark.parametrize(
    ("query", "same_as"),
    [
        ("cur=75", "min=0&max=100&cur=75"),
        ("cur=1000", "cur=100"),
        ("cur=-5", "cur=0"),
        ("cur=MERGE_YOUR_VALUE", "cur=0"),
        ("cur=*|POINTS|*", "cur=0"),
        ("", "cur=0"),
        ("min=9&max=1&cur=30", "cur=30"),
        ("cur=%2030%20", "cur=30"),
    ],
)
async def test_a_bar_shows_what_the_url_says(world: World, query: str, same_as: str) -> None:
    """PER-9"""
    url = f"{BASE}/pb/{(await world.publish('progress-bars', **BAR))['id']}.png?"
    shown, wanted, other = [
        Image.open(io.BytesIO((await world.look(url + one)).body)).convert("RGB").tobytes()
        for one in (query, same_as, "cur=50")
    ]
    assert shown == wanted != other


async def test_picture_and_link_of_a_condition_always_agree(world: World) -> None:
    """PER-12"""
    for url in (CHEESE["fallback"]["imageUrl"], *(rule["imageUrl"] for rule in CHEESE["rules"])):
        world.gallery.hang(url, url.encode())
    leads = {rule["imageUrl"]: rule["clickUrl"] for rule in (*CHEESE["rules"], CHEESE["fallback"])}
    image = (await world.publish("conditional-images", **CHEESE))["id"]
    queries = [
        "",
        "?",
        "?cheese",
        "?cheese=",
        "?cheese=Swiss",
        "?cheese=%20CHEDDAR",
        "?cheese=x&cheese=swiss",
    ]
    for query in [*queries, "?other=swiss", "?cheese=*|C|*", "?cheese=" + "s" * 5000]:
        picture = await world.look(f"/ci/{image}.png{query}")
        link = await world.look(f"/ci/{image}{query}")
        assert dict(link.headers)["location"] == leads[picture.body.decode()], query
    variants = {one.variant for one in await shown(world)}
    assert variants == {"rule_1", "rule_2", "fallback"}


async def test_a_source_that_is_gone_leaves_the_fallback_then_nothing(world: World) -> None:
    """PER-13"""
    image = (await world.publish("conditional-images", **CHEESE))["id"]
    assert_nothing_shown(await world.look(f"/ci/{image}.png?cheese=swiss"))
    world.gallery.hang(CHEESE["fallback"]["imageUrl"], b"fallback", "image/webp")
    reply = await world.look(f"/ci/{image}.png?cheese=swiss")
    assert (reply.body, dict(reply.headers)["content-type"]) == (b"fallback", "image/webp")
    assert [one.variant for one in await shown(world)] == ["missing", "rule_1"]


async def test_a_followed_link_of_a_condition_is_a_click(world: World) -> None:
    image = (await world.publish("conditional-images", **CHEESE))["id"]
    await world.look(f"/ci/{image}?cheese=swiss", client="198.51.100.7", **BROWSER)
    (event,) = await world.events("link.clicked")
    assert event.data == LinkClicked(
        url="http://example.com/swiss",
        image=image,
        user_agent=BROWSER["user_agent"],
        accept=BROWSER["accept"],
        ip="198.51.100.7",
    )


@pytest.mark.parametrize(
    "query", ["?url=https://evil.example", "?r=https://evil.example", "?cheese=https://evil.example"]
)
async def test_no_link_leads_where_it_was_not_published_to_lead(world: World, query: str) -> None:
    """STD-9"""
    published = {rule["clickUrl"] for rule in (*CHEESE["rules"], CHEESE["fallback"])} | {
        "https://shop.example"
    }
    image = (await world.publish("conditional-images", **CHEESE))["id"]
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]
    for path in (f"/ci/{image}", f"/st/{tracker}/1"):
        reply = await world.look(path + query)
        assert reply.status == 302 and dict(reply.headers)["location"] in published


async def test_a_vote_is_recorded_and_leads_on(world: World) -> None:
    """PER-10"""
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example/danke?ä=1"))[
        "id"
    ]
    reply = await world.look(f"/st/{tracker}/2?id=cust-7", client="198.51.100.7")
    assert (reply.status, dict(reply.headers)["location"]) == (302, "https://shop.example/danke?%C3%A4=1")
    assert dict(reply.headers)["cache-control"] == "no-store"
    (event,) = await world.events("vote.cast")
    assert isinstance(event.data, VoteCast)
    assert (event.data.tracker, event.data.option, event.data.person) == (tracker, 2, "cust-7")
    assert (event.subject, event.data.ip) == (f"image:{tracker}", "198.51.100.7")


async def test_a_script_that_follows_a_vote_link_does_not_count(world: World) -> None:
    """PER-10"""
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]
    await world.look(f"/st/{tracker}/1?id=a", user_agent="python-requests/2.32")
    await world.look(f"/st/{tracker}/2?id=b", **BROWSER)
    await world.fold()
    report = (await world.call("GET", f"sentiment-trackers/{tracker}/report")).json
    assert report["data"]["attributes"]["option_1"]["clickCount"] == 0
    assert report["data"]["attributes"]["totalClicks"] == 1
    assert report["meta"]["recordedClicks"]["total"] == 2


async def test_head_shows_everything_and_records_nothing(world: World) -> None:
    """PER-10, STD-6: link checkers."""
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]
    published = len(await world.events())
    assert (await world.look(f"/st/{tracker}/1", "HEAD")).status == 302
    assert (await world.look(f"/st/{tracker}/1.png", "HEAD")).status == 200
    assert (await world.look(f"/st/{tracker}/1", "POST")).status == 405
    assert len(await world.events()) == published


async def test_pictures_show_the_votes_as_they_are_now(world: World) -> None:
    """PER-10: one vote for each person, the last one; a link checker's all at once are nobody's."""
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]
    before = (await world.look(f"/st/{tracker}/1.png")).body
    for person, option in (("a", 1), ("b", 1), ("c", 1), ("c", 2)):
        await world.clock.advance(5)
        await world.look(f"/st/{tracker}/{option}?id={person}", **BROWSER)
    await world.clock.advance(5)
    for option in (1, 2, 3):
        await world.look(f"/st/{tracker}/{option}", client="198.51.100.9", **BROWSER)
    await world.fold()
    await world.clock.advance(2)
    assert (await world.look(f"/st/{tracker}/1.png")).body != before
    report = (await world.call("GET", f"sentiment-trackers/{tracker}/report")).json
    assert report["data"]["attributes"] == {
        "totalClicks": 3,
        "option_1": {"clickCount": 2, "clickPercent": 67},
        "option_2": {"clickCount": 1, "clickPercent": 33},
        "option_3": {"clickCount": 0, "clickPercent": 0},
    }
    assert report["meta"]["recordedClicks"] == {"total": 7, "option_1": 4, "option_2": 2, "option_3": 1}


async def test_our_own_reference_names_message_and_person(world: World) -> None:
    url = await a_timer(world)
    ref = MessageRef(world.keys["account"], MESSAGE, PERSON)
    await world.look(f"{url}&r={world.refs.image(ref)}")
    (event,) = await world.events("image.shown")
    assert isinstance(event.data, ImageShown)
    assert (event.subject, event.data.message, event.data.person) == (f"person:{PERSON}", MESSAGE, PERSON)


async def test_a_reference_of_another_key_purpose_or_account_names_nobody(world: World) -> None:
    """STD-9"""
    url = await a_timer(world)
    ref = MessageRef(world.keys["account"], MESSAGE, PERSON)
    stranger = Refs(Keyring({1: b"s" * 32}, 1))
    foreign = world.refs.image(MessageRef("000000000009", MESSAGE, PERSON))
    for token in (stranger.image(ref), world.refs.open(ref), foreign, "x", "\u00e9"):
        assert (await world.look(f"{url}&r={token}&id=cust-7")).status == 200
    for event in await world.events("image.shown"):
        assert isinstance(event.data, ImageShown)
        assert (event.data.message, event.data.person) == (None, None) and event.subject.startswith("image:")


async def test_an_address_for_an_id_is_its_owners_fact(world: World) -> None:
    """STD-7: an erasure must find it."""
    url = await a_timer(world)
    await world.look(f"{url}&id=Ann@X.example")
    (event,) = await world.events("image.shown")
    assert event.subject == "email:ann@x.example"


@pytest.mark.parametrize(
    "path",
    [
        "/t/",
        "/t",
        "/t/.gif",
        "/t/0123456789abcdefghijklmno.gif",
        "/t/0123456789ABCDEFGHIJKLMNO.gif",
        "/t/../../etc/passwd.gif",
        "/t/\udcff\0.gif",
        "/t/é.gif",
        "/pb/" + "a" * 5000 + ".png",
        "/st/0123456789abcdefghijklmno/1.png",
        "/st/0123456789abcdefghijklmno.png",
        "/ci/0123456789abcdefghijklmno.png",
    ],
)
async def test_what_was_never_published_is_a_transparent_point(world: World, path: str) -> None:
    """LIT-3: an image client never gets an error's page."""
    reply = await world.look(path)
    if path.endswith((".gif", ".png")):
        assert_nothing_shown(reply)
    else:
        assert reply.status == 404
    assert await world.events() == []


async def test_a_picture_is_behind_its_own_door_and_option_alone(world: World) -> None:
    bar = (await world.publish("progress-bars", **BAR))["id"]
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]
    for path in (f"/t/{bar}.gif", f"/ci/{bar}.png", f"/pb/{bar}/1.png", f"/pb/{bar}.gif"):
        reply = await world.look(path)
        assert reply.body == PIXEL or reply.status == 404, path
    for option in ("0", "4", "99999", "01x", "-1", "\u0661", ""):
        assert_nothing_shown(await world.look(f"/st/{tracker}/{option}.png"))
        assert (await world.look(f"/st/{tracker}/{option}")).status == 404
    assert await world.events("image.shown", "vote.cast") == []


@pytest.mark.parametrize("error", [JournalFull("too much waits"), RuntimeError("a bug")])
async def test_a_picture_is_owed_when_nothing_can_be_recorded(
    world: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is counted."""
    url = await a_timer(world)
    tracker = (await world.publish("sentiment-trackers", **TRACKER, url="https://shop.example"))["id"]

    async def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr(world.journal, "append", refuse)
    lost = [LOST.labels(kind)._value.get() for kind in ("image.shown", "vote.cast")]
    assert (await world.look(url)).body.startswith(b"GIF89a")
    assert (await world.look(f"/st/{tracker}/1")).status == 302
    assert [LOST.labels(kind)._value.get() for kind in ("image.shown", "vote.cast")] == [n + 1 for n in lost]


async def test_nobody_waits_long_for_a_disk_that_stands_still(
    worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "PATIENCE", 0.01)
    world = worlds()
    url = await a_timer(world)

    async def stuck(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(world.journal, "append", stuck)
    async with asyncio.timeout(60):
        assert (await world.look(url)).body.startswith(b"GIF89a")


async def test_what_cannot_be_drawn_now_is_no_page_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await a_timer(world)

    def broken(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(timer, "gif", broken)
    assert_nothing_shown(await world.look(url), 503)


async def test_an_account_has_a_budget_of_pictures(worlds: Callable[..., World]) -> None:
    world = worlds(image_rate=2)
    url = await a_timer(world)
    replies = [await world.look(url) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 503]
    assert_nothing_shown(replies[2], 503)


async def test_styles_are_set_up_in_turn_and_what_is_set_up_costs_nothing(
    worlds: Callable[..., World],
) -> None:
    """After a start every style is new: readers wait for their turn, but not for long."""
    author, world = worlds(), worlds(image_setups=1)
    urls = [await a_timer(author) for _ in range(8)]
    for url in urls:  # the content is known, its style is not set up
        await world.call("GET", f"timers/{url.split('/')[-1].partition('.')[0]}")
    looks = [asyncio.create_task(world.look(url)) for url in urls]
    for _ in range(20):
        await world.clock.advance(0.25)
    statuses = [(await look).status for look in looks]
    assert sorted(statuses) == [200] * 5 + [503] * 3, "at once, and after each of four seconds"
    shown = [url for url, status in zip(urls, statuses, strict=True) if status == 200]
    assert [(await world.look(url)).status for url in shown] == [200] * 5


async def test_a_database_that_cannot_be_read_is_no_page_either(world: World) -> None:
    world.engine.dispose()
    (world.data / "state.db").write_bytes(b"not a database" * 1000)
    assert_nothing_shown(await world.look("/t/0123456789abcdefghijklmno.gif"), 503)
    assert (await world.look("/ci/0123456789abcdefghijklmno")).status == 503


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), agent=st.text(max_size=20))
async def test_whatever_the_query_says_a_picture_is_answered(world: World, query: str, agent: str) -> None:
    if not hasattr(world, "ids"):
        world.ids = [  # type: ignore[attr-defined]
            f"/t/{(await world.publish('timers', **TIMER))['id']}.gif",
            f"/pb/{(await world.publish('progress-bars', **BAR))['id']}.png",
        ]
    for path in world.ids:  # type: ignore[attr-defined]
        for form in (query, f"exp={query}", f"cur={query}&min={query}", f"r={query}"):
            reply = await world.doors.ask(path, query=form, headers={"user-agent": agent})
            assert reply.status == 200 and reply.body[:4] in (b"GIF8", b"\x89PNG")


async def test_a_condition_about_a_record_is_asked_with_what_the_record_says(world: World) -> None:
    """MG-7, PER-12: the URL says a key, the record says the word; picture and link agree, each is one look-up."""
    for url in (CHEESE["fallback"]["imageUrl"], *(rule["imageUrl"] for rule in CHEESE["rules"])):
        world.gallery.hang(url, url.encode())
    leads = {rule["imageUrl"]: rule["clickUrl"] for rule in (*CHEESE["rules"], CHEESE["fallback"])}
    put = RecordPut(prefix="TASTES", key="42", record={"likes": "Swiss", "list": ["x"]})
    account = world.keys["account"]
    saved = codec.make(put, account=account, subject="record:TASTES-42", now=world.clock.now())
    await world.journal.append([codec.encode(saved)])
    await world.fold()
    about = {"prefix": "TASTES", "field": "likes"}
    image = (await world.publish("conditional-images", **CHEESE, record=about))["id"]
    for key, variant in (("42", "rule_1"), ("43", "fallback"), ("swiss", "fallback")):
        picture = await world.look(f"/ci/{image}.png?cheese={key}")
        link = await world.look(f"/ci/{image}?cheese={key}")
        assert dict(link.headers)["location"] == leads[picture.body.decode()]
        assert (await shown(world))[-1].variant == variant
    told = [event.data for event in await world.events("record.hit", "record.missed")]
    assert [(type(data), data.record_id, data.image) for data in told] == [
        (kind, f"TASTES-{key}", image)
        for key, kind in (("42", RecordHit), ("43", RecordMissed), ("swiss", RecordMissed))
        for _ in ("picture", "link")
    ]
    await world.look(f"/ci/{image}.png?cheese=42", "HEAD")
    await world.look(f"/ci/{image}.png?cheese=*|C|*")
    await world.look(f"/ci/{image}.png")
    assert len(await world.events("record.hit", "record.missed")) == len(told)


async def test_a_record_that_no_data_source_can_hold_is_refused_at_publishing(world: World) -> None:
    body = {"data": {"attributes": {**CHEESE, "record": {"prefix": "TA-STES", "field": ""}}}}
    answer = await world.call("POST", "conditional-images/publish", body)
    assert answer.status == 422
    assert {error["source"]["pointer"].rpartition("/")[2] for error in answer.json["errors"]} == {
        "prefix",
        "field",
    }
