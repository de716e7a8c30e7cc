"""Every example of the Personalize document (S2), corrected as wire-facts 5.3 says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from live_world import BASE, World

SVG = "https://www.litmus.com/wp-content/themes/litmus/dist/images/litmus-logo.svg"
REVERSED = "https://www.litmus.com/wp-content/themes/litmus/dist/images/litmus-logo-reversed.svg"
MOBILES = "https://www.litmus.com/wp-content/uploads/2024/03/hp_mobilesuk.png"

TIMER: dict[str, Any] = {
    "templateId": "default_timer",
    "countdown": {"time": "2024-02-09T00:00:00Z"},
    "expiration": {"message": "The sale has ended."},
    "fallback": {"message": "Sale ends on November 20th!"},
    "font": "Roboto",
    "colors": {"background": "#33A8CC", "label_text": "#FFFFFF", "digits_text": "#000000"},
}
BAR: dict[str, Any] = {
    "templateId": "linear_progress_bar",
    "minimumValue": 0,
    "maximumValue": 100,
    "colors": {
        "background": "#FFFFFF",
        "progressFill": "#40DC59",
        "progressBackground": "#EEEEEE",
        "progressValue": "#333333",
        "minimumValue": "#333333",
        "maximumValue": "#333333",
    },
}
TRACKER: dict[str, Any] = {"templateId": "emoji_sentiment_tracker", "colors": {"resultsValue": "#000000"}}
CAKE: dict[str, Any] = {
    "parameterName": "cake_preference",
    "mergeTag": "vanilla",
    "templateId": "default_conditional_images",
    "rules": [
        {"imageUrl": SVG, "operator": "equals", "value": "Vanilla", "clickUrl": "http://example.com/vanilla"},
        {
            "imageUrl": REVERSED,
            "operator": "equals",
            "value": "Chocolate",
            "clickUrl": "http://example.com/chocolate",
        },
    ],
    "fallback": {"imageUrl": MOBILES, "clickUrl": "http://example.com/fallback"},
}
CHEESE: dict[str, Any] = {
    "parameterName": "cheese",
    "templateId": "default_conditional_images",
    "rules": [
        {"imageUrl": SVG, "operator": "equals", "value": "swiss", "clickUrl": "http://example.com/swiss"},
        {
            "imageUrl": REVERSED,
            "operator": "equals",
            "value": "cheddar",
            "clickUrl": "http://example.com/cheddar",
        },
    ],
    "fallback": {"imageUrl": MOBILES, "clickUrl": "http://example.com/fallback"},
}
ID = re.compile(r"[0-9a-z]{25}")
PREVIEW = re.compile(re.escape(BASE) + r"/v3/personalize/previews/[\w-]+\.png")


async def asked(world: World, path: str, attributes: dict[str, Any]) -> Any:
    answer = await world.call("POST", path, {"data": {"attributes": attributes}})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/vnd.api+json")
    data = answer.json["data"]
    assert data.keys() == {"id", "type", "attributes"} and ID.fullmatch(data["id"])
    return data


async def is_png(world: World, picture: dict[str, str]) -> bool:
    """Whether a preview's picture is what it is said to be, for anybody who has its URL."""
    assert picture.keys() == {"href", "type"} and PREVIEW.fullmatch(picture["href"])
    answer = await world.call("GET", picture["href"].removeprefix(BASE), key=None)
    return (answer.status, answer.headers["content-type"], answer.body[:4]) == (
        200,
        picture["type"],
        b"\x89PNG",
    )


async def test_the_templates_are_listed(world: World) -> None:
    """S2:L15-L74, PER-2"""
    listed = (await world.call("GET", "templates")).json["data"]
    shown = {template["id"]: template for template in listed}
    assert shown["default_timer"] == {
        "type": "templates",
        "id": "default_timer",
        "attributes": {
            "contentType": "timers",
            "colors": ["text", "background", "label_text", "digits_text"],
        },
        "links": {"self": f"{BASE}/v3/personalize/templates/default_timer"},
    }
    text = shown["text"]["attributes"]
    assert text["contentType"] == "sentiment_trackers"
    assert text["colors"][:4] == ["prompt", "background", "poll_option_text", "option_background"]
    assert {"linear_progress_bar", "emoji_sentiment_tracker", "default_conditional_images"} <= shown.keys()


async def test_templates_are_filtered_by_content_type(world: World) -> None:
    """S2:L21-L25, PER-2"""
    for kind in ("timers", "progress_bars", "sentiment_trackers", "conditional_images"):
        listed = (await world.call("GET", f"templates?filter[contentType]={kind}")).json["data"]
        assert listed and {template["attributes"]["contentType"] for template in listed} == {kind}
    assert (await world.call("GET", "templates?filter[contentType]=hats")).json["data"] == []


async def test_a_template_is_fetched(world: World) -> None:
    """S2:L76-L108, PER-2"""
    answer = await world.call("GET", "templates/default_timer")
    assert answer.json["data"]["attributes"]["colors"] == ["text", "background", "label_text", "digits_text"]
    assert (await world.call("GET", "templates/hat_timer")).status == 404


async def test_a_timer_is_previewed(world: World) -> None:
    """S2:L112-L184, PER-5"""
    data = await asked(world, "timers/preview", TIMER)
    assert data["type"] == "timers" and set(data["attributes"]) == {"countdown", "expiration", "fallback"}
    for part in data["attributes"].values():
        assert await is_png(world, part["image"])
    without = await asked(world, "timers/preview", {k: v for k, v in TIMER.items() if k != "fallback"})
    assert set(without["attributes"]) == {"countdown", "expiration"}


async def test_a_timer_is_published(world: World) -> None:
    """S2:L186-L256: the instant of the URL is the one that was asked for (5.3, L211)."""
    data = await asked(world, "timers/publish", TIMER)
    assert data["type"] == "timers"
    assert data["attributes"] == {
        "timer": {
            "image": {
                "href": f"{BASE}/t/{data['id']}.gif?exp=2024-02-09T00%3A00%3A00.0000000%2B00%3A00",
                "type": "image/gif",
            }
        }
    }
    reply = await world.look(data["attributes"]["timer"]["image"]["href"])
    assert dict(reply.headers)["content-type"] == "image/gif" and reply.body.startswith(b"GIF89a")


async def test_a_progress_bar_is_previewed(world: World) -> None:
    """S2:L260-L318"""
    data = await asked(world, "progress-bars/preview", {**BAR, "preview": {"progressValue": 75}})
    assert data["type"] == "progress_bars" and set(data["attributes"]) == {"image"}
    assert await is_png(world, data["attributes"]["image"])


async def test_a_progress_bar_is_published(world: World) -> None:
    """S2:L320-L385: `attributes`, not `attribute` (5.3, L371)."""
    data = await asked(world, "progress-bars/publish", BAR)
    assert data["type"] == "progress_bars"
    assert data["attributes"] == {
        "image": {
            "href": f"{BASE}/pb/{data['id']}.png?min=0&max=100&cur=MERGE_YOUR_VALUE",
            "type": "image/png",
        }
    }
    reply = await world.look(data["attributes"]["image"]["href"])
    assert dict(reply.headers)["content-type"] == "image/png"


async def test_a_sentiment_tracker_is_previewed(world: World) -> None:
    """S2:L389-L443"""
    data = await asked(world, "sentiment-trackers/preview", TRACKER)
    assert data["type"] == "sentiment_trackers"
    assert list(data["attributes"]) == ["option_1", "option_2", "option_3"]
    for option in data["attributes"].values():
        assert set(option) == {"image"} and await is_png(world, option["image"])


async def test_a_sentiment_tracker_is_published(world: World) -> None:
    """S2:L445-L515: a text for an id, pictures on the image host (5.3, L480 and L485)."""
    data = await asked(world, "sentiment-trackers/publish", {**TRACKER, "url": "https://litmus.com"})
    assert list(data["attributes"]) == ["option_1", "option_2", "option_3"]
    for place in (1, 2, 3):
        option = data["attributes"][f"option_{place}"]
        assert option == {
            "image": {"href": f"{BASE}/st/{data['id']}/{place}.png", "type": "image/png"},
            "vote": {"href": f"{BASE}/st/{data['id']}/{place}", "type": "text/html"},
        }
        reply = await world.look(option["vote"]["href"])
        assert (reply.status, dict(reply.headers)["location"]) == (302, "https://litmus.com")


async def test_a_trackers_report_has_every_option(world: World) -> None:
    """S2:L517-L549: numbers, inside `attributes`, options without votes too (5.3)."""
    data = await world.publish("sentiment-trackers", **TRACKER, url="https://litmus.com")
    answer = await world.call("GET", f"sentiment-trackers/{data['id']}/report")
    assert answer.json["data"] == {
        "type": "sentiment_trackers_report",
        "id": data["id"],
        "attributes": {
            "totalClicks": 0,
            "option_1": {"clickCount": 0, "clickPercent": 0},
            "option_2": {"clickCount": 0, "clickPercent": 0},
            "option_3": {"clickCount": 0, "clickPercent": 0},
        },
    }


async def test_a_conditional_image_is_previewed(world: World) -> None:
    """S2:L553-L619: `vanilla` matches `Vanilla` (PER-12); an SVG is shown as PNG (PER-13, by `sources`)."""
    for url in (SVG, REVERSED, MOBILES):
        world.gallery.hang(url, b"\x89PNG " + url.encode())
    data = await asked(world, "conditional-images/preview", CAKE)
    assert data["type"] == "conditional_images"
    assert data["attributes"].keys() == {"image", "clickUrl"}
    assert data["attributes"]["clickUrl"] == "http://example.com/vanilla"
    assert await is_png(world, data["attributes"]["image"])


@pytest.mark.parametrize(
    ("value", "source", "click"),
    [
        ("swiss", SVG, "http://example.com/swiss"),
        ("Cheddar", REVERSED, "http://example.com/cheddar"),
        ("brie", MOBILES, "http://example.com/fallback"),
        ("REPLACE_WITH_YOUR_MERGE_TAG", MOBILES, "http://example.com/fallback"),
    ],
)
async def test_a_conditional_image_is_published(world: World, value: str, source: str, click: str) -> None:
    """S2:L621-L684, with one id in both URLs (5.3, L680)."""
    for url in (SVG, REVERSED, MOBILES):
        world.gallery.hang(url, b"\x89PNG " + url.encode())
    data = await asked(world, "conditional-images/publish", CHEESE)
    tag = "?cheese=REPLACE_WITH_YOUR_MERGE_TAG"
    assert data["attributes"] == {
        "image": {"type": "image/png", "href": f"{BASE}/ci/{data['id']}.png{tag}"},
        "clickUrl": f"{BASE}/ci/{data['id']}{tag}",
    }
    shown = await world.look(
        data["attributes"]["image"]["href"].replace("REPLACE_WITH_YOUR_MERGE_TAG", value)
    )
    opened = await world.look(data["attributes"]["clickUrl"].replace("REPLACE_WITH_YOUR_MERGE_TAG", value))
    assert shown.body.endswith(source.encode())
    assert (opened.status, dict(opened.headers)["location"]) == (302, click)
