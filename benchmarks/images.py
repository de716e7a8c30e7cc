"""Live pictures over HTTP, one worker alone: each look is drawn, answered and recorded durably."""

from __future__ import annotations

import json
import random
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.http import measure, place
from benchmarks.load import Ask
from benchmarks.report import Row
from benchmarks.samples import AGENT, pixels
from benchmarks.servers import Server, ours

TIMER = {
    "templateId": "box_timer",
    "countdown": {"time": "2099-01-01T00:00:00Z"},
    "font": "Montserrat",
}
BAR = {"templateId": "linear_progress_bar", "minimumValue": 0, "maximumValue": 100_000}
TRACKER = {"templateId": "emoji_sentiment_tracker", "url": "https://shop.example/thanks"}
CHOICE = {
    "templateId": "default_conditional_images",
    "parameterName": "cake",
    "rules": [
        {
            "imageUrl": "https://shop.example/a.png",
            "operator": "equals",
            "value": str(number),
            "clickUrl": f"https://shop.example/{number}",
        }
        for number in range(20)
    ],
    "fallback": {"imageUrl": "https://shop.example/a.png", "clickUrl": "https://shop.example/f"},
}
UNIQUE = 20_000
"""Different timers asked for in turn: more than are kept."""
GOAL = 2_500
"""Unique timers per CPU-second of a worker: what it answers when it has a core to itself."""


def over_http(scratch: Path) -> list[Row]:
    """Unique and cached timers, bars, options, and the links of conditional images; beside them the open pixel."""
    random.seed(7)
    rows = []
    with place(scratch) as here, ours(here, only_web=True, image_api_requests="0", held_opens="0") as server:
        scenes = {
            "open pixel, for comparison": pixels(server, 2000),
            "unique timer, 600x140, 30 frames": _timers(server, UNIQUE, TIMER),
            "unique timer, 600x140, 60 frames": _timers(server, UNIQUE, TIMER | {"frames": 60}),
            "timer of one shared deadline": _timers(server, 1, TIMER),
            "unique progress PNG, 600x80": _bars(server, UNIQUE),
            "option of a poll with live results": _options(server),
            "link of a conditional image, 20 rules": _links(server),
        }
        for name, asks in scenes.items():
            figure = measure(server, asks, here, connections=64)
            unique = name.startswith("unique timer")
            rows.append(
                Row(
                    name, str(figure), goal=GOAL if unique else None, value=figure.per_cpu if unique else None
                )
            )
    return rows


def _timers(server: Server, number: int, attributes: dict[str, Any]) -> list[Ask]:
    image = _published(server, "timers", attributes)
    start = datetime.now(UTC)
    asks = []
    for _ in range(number):
        ends = start + timedelta(seconds=random.randrange(3600, 99 * 86_400))  # noqa: S311 - a load
        asks.append(_ask(f"/t/{image}.gif?exp={quote(ends.isoformat(), safe='')}"))
    return asks


def _bars(server: Server, number: int) -> list[Ask]:
    image = _published(server, "progress-bars", BAR)
    return [_ask(f"/pb/{image}.png?min=0&max=100000&cur={value}") for value in range(number)]


def _options(server: Server) -> list[Ask]:
    image = _published(server, "sentiment-trackers", TRACKER)
    return [_ask(f"/st/{image}/{option}.png") for option in (1, 2, 3)]


def _links(server: Server) -> list[Ask]:
    image = _published(server, "conditional-images", CHOICE)
    return [_ask(f"/ci/{image}?cake={value}") for value in range(40)]


def _ask(path: str) -> Ask:
    return Ask("GET", path, {"User-Agent": AGENT})


def _published(server: Server, segment: str, attributes: dict[str, Any]) -> str:
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{server.url}/v3/personalize/{segment}/publish",
        json.dumps({"data": {"attributes": attributes}}).encode(),
        {"content-type": "application/json", "x-api-key": server.keys["api_key"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
        image: str = json.load(answer)["data"]["id"]
    return image
