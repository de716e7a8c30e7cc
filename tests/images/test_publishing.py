"""Publishing: what is refused and where, what is odd, what stays, and what is ours beside the document."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from live_world import BASE, NOW, World
from test_document_examples import BAR, CAKE, CHEESE, TIMER, TRACKER

from heliograph.accounts import keys
from heliograph.database import open_state
from heliograph.errors import JournalFull
from heliograph.events.jobs import ImagePublished
from heliograph.outbound.images.api.calls import BODY_LIMIT

EXAMPLES = {
    "timers": TIMER,
    "progress-bars": BAR,
    "sentiment-trackers": {**TRACKER, "url": "https://shop.example/thanks"},
    "conditional-images": CAKE,
}


async def faults(world: World, path: str, attributes: Any) -> dict[str, str]:
    answer = await world.call("POST", path, {"data": {"attributes": attributes}})
    assert answer.status == 422 and answer.headers["content-type"] == "application/vnd.api+json"
    for error in answer.json["errors"]:
        assert (error["status"], error["code"], error["title"]) == ("422", "invalid", "Invalid attribute")
    return {
        error["source"]["pointer"].removeprefix("/data/attributes/"): error["detail"]
        for error in answer.json["errors"]
    }


def changed(attributes: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The attributes with another value at a path; ABSENT takes it out."""
    made = copy.deepcopy(attributes)
    *way, last = path.split("/")
    inner: Any = made
    for step in way:
        inner = inner[int(step)] if isinstance(inner, list) else inner.setdefault(step, {})
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return made


ABSENT = object()
WRONG: list[tuple[str, str, Any]] = [
    ("timers", "templateId", "hat_timer"),
    ("timers", "templateId", ABSENT),
    ("timers", "countdown/time", "soon"),
    ("timers", "countdown/time", 7),
    ("timers", "countdown/time", ABSENT),
    ("timers", "font", "Comic Sans"),
    ("timers", "colors/background", "red"),
    ("timers", "colors/background", "#12345"),
    ("timers", "colors/background", 7),
    ("timers", "colors/box", "#123"),
    ("timers", "colors/a~b", "#123"),
    ("timers", "expiration/message", 7),
    ("timers", "expiration/message", "x" * 201),
    ("timers", "expiration/imageUrl", "javascript:alert(1)"),
    ("timers", "width", 100_000),
    ("timers", "frames", 121),
    ("timers", "units", ["days", "seconds"]),
    ("timers", "units", ["weeks"]),
    ("timers", "labels/days", 7),
    ("progress-bars", "minimumValue", ABSENT),
    ("progress-bars", "minimumValue", "0"),
    ("progress-bars", "minimumValue", 0.5),
    ("progress-bars", "maximumValue", True),
    ("progress-bars", "maximumValue", -1),
    ("progress-bars", "colors/hat", "#123"),
    ("progress-bars", "rounded", "yes"),
    ("sentiment-trackers", "url", ABSENT),
    ("sentiment-trackers", "url", ""),
    ("sentiment-trackers", "url", "ftp://x.example"),
    ("sentiment-trackers", "url", "//x.example"),
    ("sentiment-trackers", "url", "https://x.example/a b"),
    ("sentiment-trackers", "options", ["one"]),
    ("sentiment-trackers", "options", ["one", 2]),
    ("conditional-images", "parameterName", ABSENT),
    ("conditional-images", "parameterName", "r"),
    ("conditional-images", "rules", []),
    ("conditional-images", "rules", "none"),
    ("conditional-images", "rules/0/operator", "is like"),
    ("conditional-images", "rules/1/value", ABSENT),
    ("conditional-images", "rules/1/imageUrl", ABSENT),
    ("conditional-images", "rules/0/clickUrl", "data:text/html,x"),
    ("conditional-images", "fallback", ABSENT),
    ("conditional-images", "fallback/imageUrl", ABSENT),
]


@pytest.mark.parametrize(
    ("segment", "path", "value"), WRONG, ids=lambda value: "absent" if value is ABSENT else str(value)[:30]
)
async def test_a_wrong_attribute_is_pointed_at_and_nothing_is_published(
    world: World, segment: str, path: str, value: Any
) -> None:
    """PER-3, PER-4"""
    found = await faults(world, f"{segment}/publish", changed(EXAMPLES[segment], path, value))
    assert list(found) == [path.replace("~", "~0")]
    assert await world.events() == []


async def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    """PER-3"""
    found = await faults(
        world,
        "timers/preview",
        {"templateId": "x", "countdown": 7, "font": "y", "colors": {"background": "z"}, "width": "w"},
    )
    assert set(found) == {"templateId", "countdown", "countdown/time", "font", "colors/background", "width"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ("text", ""),
        ({}, "/data/attributes"),
        ({"data": []}, "/data"),
        ({"data": {}}, "/data/attributes"),
        ({"data": {"attributes": []}}, "/data/attributes"),
        ({"data": {"type": "progress_bars", "attributes": TIMER}}, "/data/type"),
    ],
)
async def test_a_body_of_another_shape_is_pointed_at(world: World, body: Any, pointer: str) -> None:
    answer = await world.call("POST", "timers/publish", body)
    assert answer.status == 422
    assert pointer in {error["source"]["pointer"] for error in answer.json["errors"]}


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"data": {"attributes": {"a": 1,}}}', b"\xff", b"[" * 100_000, b'"\\ud800"']
)
async def test_what_is_not_json_is_400(world: World, body: bytes) -> None:
    """PER-3; the document's own examples have commas too many (5.3, L134)."""
    answer = await world.call("POST", "timers/publish", body)
    assert answer.status == 400 and "JSON" in answer.json["errors"][0]["detail"]


async def test_a_body_over_the_limit_is_413(world: World) -> None:
    answer = await world.call("POST", "timers/publish", b" " * (BODY_LIMIT + 1))
    assert answer.status == 413 and answer.json["errors"][0]["code"] == "too_large"


async def test_a_text_that_no_font_has_is_refused_while_somebody_can_mend_it(world: World) -> None:
    answer = await world.call(
        "POST",
        "timers/publish",
        {"data": {"attributes": changed(TIMER, "expiration/message", "\U0001bc00\U0001bc01")}},
    )
    assert answer.status == 422 and await world.events() == []


async def test_one_colour_for_all_text_is_accepted(world: World) -> None:
    """5.3, L44: the template offers `text`, the request documents two."""
    data = await world.publish("timers", **changed(TIMER, "colors", {"text": "#abc"}))
    content = await world.call("GET", f"timers/{data['id']}")
    style = content.json["meta"]["definition"]["style"]
    assert (style["digits"], style["label_text"]) == ("#AABBCC", "#AABBCC")


async def test_a_deadline_in_the_past_is_published_with_a_warning(world: World) -> None:
    """5.3, L120"""
    body = {"data": {"attributes": changed(TIMER, "countdown/time", "2020-01-01T00:00:00Z")}}
    answer = await world.call("POST", "timers/publish", body)
    told = {warning["source"]["pointer"]: warning["detail"] for warning in answer.json["meta"]["warnings"]}
    assert "past" in told["/data/attributes/countdown/time"]


async def test_what_nobody_asked_for_is_warned_about(world: World) -> None:
    body = {"data": {"attributes": {**BAR, "tittle": "x", "preview": {"progressValue": 7}}}}
    answer = await world.call("POST", "progress-bars/publish", body)
    (warning,) = answer.json["meta"]["warnings"]
    assert warning["source"] == {"pointer": "/data/attributes/tittle"}


async def test_a_source_that_cannot_be_fetched_is_a_warning(world: World) -> None:
    """PER-13: it may be there tomorrow."""
    world.gallery.hang(CHEESE["fallback"]["imageUrl"], b"\x89PNG")
    answer = await world.call("POST", "conditional-images/publish", {"data": {"attributes": CHEESE}})
    pointers = [warning["source"]["pointer"] for warning in answer.json["meta"]["warnings"]]
    assert pointers == ["/data/attributes/rules/0/imageUrl", "/data/attributes/rules/1/imageUrl"]


async def test_a_preview_needs_the_value_that_it_stands_for(world: World) -> None:
    """5.3, L573"""
    assert list(await faults(world, "conditional-images/preview", CHEESE)) == ["mergeTag"]


@pytest.mark.parametrize("segment", EXAMPLES)
async def test_publishing_twice_makes_two(world: World, segment: str) -> None:
    """PER-15, PER-14"""
    ids = {(await world.publish(segment, **EXAMPLES[segment]))["id"] for _ in range(3)}
    assert len(ids) == 3
    events = await world.events("image.published")
    assert {event.data.image for event in events if isinstance(event.data, ImagePublished)} == ids
    assert {event.subject for event in events} == {f"image:{image}" for image in ids}


@pytest.mark.parametrize("segment", EXAMPLES)
async def test_every_worker_shows_it_at_once_before_and_after_it_was_folded(
    worlds: Callable[..., World], segment: str
) -> None:
    """PER-15: the answer means that it is on disk."""
    one, other, late = worlds(), worlds(), worlds()
    for world in (one, other, late):
        for url in (CAKE["fallback"]["imageUrl"], *(rule["imageUrl"] for rule in CAKE["rules"])):
            world.gallery.hang(url, b"\x89PNG")
    data = await one.publish(segment, **EXAMPLES[segment])
    found: list[str] = []
    _urls(data, found)
    before = [await other.look(url) for url in found]
    assert [reply.status for reply in before] == [
        302 if "png" not in u and "gif" not in u else 200 for u in found
    ]
    assert all(len(reply.body) != 43 for reply in before), "not the transparent point"
    await one.fold()
    after = [await late.look(url) for url in found]
    assert [reply.body for reply in after] == [reply.body for reply in before]


def _urls(value: Any, into: list[str]) -> None:
    if isinstance(value, dict):
        for inner in value.values():
            _urls(inner, into)
    elif isinstance(value, str) and value.startswith(BASE):
        into.append(value)


async def test_what_another_worker_publishes_while_the_engine_stands_still_is_found(
    worlds: Callable[..., World],
) -> None:
    one, other = worlds(), worlds()
    first = await one.publish("progress-bars", **BAR)
    assert len((await other.look(f"/pb/{first['id']}.png")).body) > 43
    assert len((await other.look("/pb/0123456789abcdefghijklmno.png")).body) == 43
    second = await one.publish("progress-bars", **BAR)
    assert len((await other.look(f"/pb/{second['id']}.png")).body) > 43


async def test_nothing_is_published_that_is_not_on_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise JournalFull("too much waits")

    monkeypatch.setattr(world.journal, "append", full)
    answer = await world.call("POST", "timers/publish", {"data": {"attributes": TIMER}})
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert answer.json["errors"][0]["code"] == "unavailable"


async def test_published_content_is_listed_newest_first_by_pages(world: World) -> None:
    ids = []
    for _ in range(5):
        await world.clock.advance(1)
        ids.append((await world.publish("progress-bars", **BAR))["id"])
    await world.publish("timers", **TIMER)
    await world.fold()
    path, listed = "progress-bars?page[size]=2", []
    while path:
        answer = await world.call("GET", path)
        listed += [one["id"] for one in answer.json["data"]]
        assert all(one["type"] == "progress_bars" for one in answer.json["data"])
        path = answer.json.get("links", {}).get("next", "").removeprefix(f"{BASE}/v3/personalize/")
    assert listed == ids[::-1]


async def test_one_content_tells_its_urls_its_definition_and_its_looks(world: World) -> None:
    data = await world.publish("timers", **TIMER)
    url = data["attributes"]["timer"]["image"]["href"]
    await world.look(url)
    await world.look(url)
    await world.look(url, user_agent="Mozilla/5.0")
    await world.fold()
    answer = await world.call("GET", f"timers/{data['id']}")
    assert answer.json["data"] == data
    meta = answer.json["meta"]
    assert meta["publishedAt"] == "2023-11-14T22:13:20.000000Z" and meta["archivedAt"] is None
    assert meta["impressions"] == 3
    assert meta["impressionsByVariant"] == {"countdown": 2, "fallback": 1}
    assert (
        sum(meta["impressionsByReader"].values()) == 3 and meta["impressionsByReader"]["privacy_proxy"] == 1
    )
    assert meta["definition"]["style"]["expired_text"] == "The sale has ended."
    listed = (await world.call("GET", "timers")).json["data"]
    assert listed[0]["meta"]["impressions"] == 3


async def test_archived_content_leaves_the_lists_and_is_still_shown(world: World) -> None:
    data = await world.publish("progress-bars", **BAR)
    assert (await world.call("POST", f"progress-bars/{data['id']}/archive")).status == 200
    await world.fold()
    assert (await world.call("GET", "progress-bars")).json["data"] == []
    archived = (await world.call("GET", "progress-bars?filter[archived]=true")).json["data"]
    assert [one["id"] for one in archived] == [data["id"]] and archived[0]["meta"]["archivedAt"]
    assert len((await world.look(f"/pb/{data['id']}.png?cur=7")).body) > 43


async def test_nobody_sees_what_another_account_published(world: World) -> None:
    data = await world.publish("sentiment-trackers", **TRACKER, url="https://x.example")
    writing = open_state(world.data)
    with writing.begin() as connection:
        other = keys.add_account(connection, "Other", NOW)
    writing.dispose()
    _, stranger = world.add_key("api", other.number)
    await world.fold()
    for path in ("", "/report"):
        path = f"sentiment-trackers/{data['id']}{path}"
        assert (await world.call("GET", path)).status == 200
        assert (await world.call("GET", path, key=stranger)).status == 404
    assert (await world.call("GET", "sentiment-trackers", key=stranger)).json["data"] == []
    assert (await world.call("POST", f"sentiment-trackers/{data['id']}/archive", key=stranger)).status == 404


async def test_a_previews_url_ends_after_a_day_and_cannot_be_altered(world: World) -> None:
    answer = await world.call("POST", "progress-bars/preview", {"data": {"attributes": BAR}})
    url = answer.json["data"]["attributes"]["image"]["href"].removeprefix(BASE)
    assert (await world.call("GET", url, key=None)).status == 200
    altered = url[:-30] + ("A" if url[-30] != "A" else "B") + url[-29:]
    assert (await world.call("GET", altered, key=None)).status == 404
    await world.clock.advance(24 * 3600)
    assert (await world.call("GET", url, key=None)).status == 404


async def test_setting_up_styles_is_limited_by_account(worlds: Callable[..., World]) -> None:
    """Each takes milliseconds: the cheapest way to keep a worker busy."""
    world = worlds(image_setups=2)
    answers = [await world.call("POST", "timers/preview", {"data": {"attributes": TIMER}}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    await world.clock.advance(1)
    body = {"data": {"attributes": TIMER}}
    assert (await world.call("POST", "timers/preview", body)).status == 200


async def test_a_time_is_kept_to_the_second_it_was_given(world: World) -> None:
    """5.3, L211: asked for one instant, published another."""
    data = await world.publish("timers", **changed(TIMER, "countdown/time", "2024-02-09T02:30:00.5+02:00"))
    assert "exp=2024-02-09T00%3A30%3A00.5000000%2B00%3A00" in data["attributes"]["timer"]["image"]["href"]
