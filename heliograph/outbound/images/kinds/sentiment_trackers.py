"""Sentiment trackers (PER-10, PER-11): a picture and a vote link for each option, results in the pictures.

A vote link leads to where the tracker was published to lead, and nowhere else; that it was followed is the vote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from heliograph import slots
from heliograph.outbound.images import polls
from heliograph.outbound.images.attributes import Attributes
from heliograph.outbound.images.kinds.kind import (
    Drawn,
    Kind,
    Look,
    Place,
    Preview,
    Shown,
    Slot,
    Template,
    Tools,
    always,
    consults_nothing,
    image,
    nothing_odd,
    read_template,
)
from heliograph.outbound.images.lettering.families import BY_NAME, DEFAULT
from heliograph.outbound.images.polls.style import (
    LEAST_HEIGHT,
    LEAST_SIZE,
    LEAST_WIDTH,
    MOST_HEIGHT,
    MOST_OPTIONS,
    MOST_PROMPT,
    MOST_SIZE,
    MOST_TEXT,
    MOST_WIDTH,
    PollStyle,
)
from heliograph.react.state.images import Tally

PNG = "image/png"

COLOURS = {
    "prompt": "prompt_color",
    "background": "background",
    "poll_option_text": "poll_option_text",
    "option_background": "option_background",
    "resultsValue": "results_value",
}
"""What S2 calls a colour (L60-L63 and L397: both lists are taken) to the style's names."""

_Look = Literal["emoji", "thumbs", "stars", "text"]
LOOKS: Mapping[str, _Look] = {
    "emoji_sentiment_tracker": "emoji",
    "text": "text",
    "thumbs_sentiment_tracker": "thumbs",
    "star_sentiment_tracker": "stars",
}
TEMPLATES = tuple(Template(name, tuple(COLOURS)) for name in LOOKS)
ANSWERS = ("Yes", "No")
"""The options of a text poll that names none: the document has no attribute for them."""


class SentimentTracker(msgspec.Struct, frozen=True, kw_only=True):
    """A published tracker. `url`: where a voter is sent."""

    template: str
    url: str
    style: PollStyle


def read(said: Attributes) -> SentimentTracker:
    """S2:L449-L454, and the style's own choices. A preview may leave the URL out."""
    template = read_template(said, TEMPLATES)
    colours = {COLOURS[name]: value for name, value in said.colours("colors", template.colours).items()}
    look = LOOKS[template.id]
    chosen: dict[str, Any] = {
        "kind": look,
        "prompt": said.text("prompt", "", limit=MOST_PROMPT),
        "labels": _labels(said, ANSWERS if look == "text" else ()),
        "results": said.flag("showResults", True),
        "size": said.integer("size", 64, least=LEAST_SIZE, most=MOST_SIZE),
        "width": said.integer("width", 280, least=LEAST_WIDTH, most=MOST_WIDTH),
        "height": said.integer("height", 48, least=LEAST_HEIGHT, most=MOST_HEIGHT),
        "scale": said.integer("scale", 1, least=1, most=3),
        "font": said.choice("font", BY_NAME, DEFAULT),
        **colours,
    }
    return SentimentTracker(
        template=template.id, url=said.url("url", ""), style=said.made(PollStyle, chosen, at="options")
    )


def sample(said: Attributes, tracker: SentimentTracker, preview: bool) -> str:
    """Nothing; but what is published must lead somewhere."""
    if not preview and said.raw("url") in (None, ""):
        said.fault("url", "must be given: voters are sent there")
    return ""


def preview(tracker: SentimentTracker, _: str) -> Preview:
    """S2:L409-L443: a picture for each option."""
    return Preview({f"option_{place}": PNG for place in _places(tracker)}, {})


async def draw(tracker: SentimentTracker, part: str, _: str, __: int, ___: Tools) -> Drawn:
    """An option before anybody voted."""
    return _drawn(tracker, int(part.removeprefix("option_")), {})


def published(tracker: SentimentTracker, place: Place) -> Mapping[str, Any]:
    """S2:L470-L515."""
    return {
        f"option_{option}": {
            **image(place.picture_url(slots.POLL, option=option), PNG),
            "vote": {"href": place.link_url(slots.POLL, option=option), "type": "text/html"},
        }
        for option in _places(tracker)
    }


def slot(tracker: SentimentTracker, place: Place) -> Sequence[Slot]:
    """The question, and a linked picture for each option; the sender's id of the person in both URLs, where tags are
    written."""
    person = ((slots.PERSON, place.value(slots.PERSON, "")),) if place.tag else ()
    style = tracker.style
    size = (style.width, style.height) if style.kind == "text" else None
    return [
        Slot(
            place.picture_url(slots.POLL, person, option),
            place.link_url(slots.POLL, person, option),
            size,
            style.labels[option - 1] if style.labels else f"Vote {option}",
            style.prompt if option == 1 else "",
        )
        for option in _places(tracker)
    ]


async def show(tracker: SentimentTracker, look: Look, tools: Tools) -> Shown:
    """The option with its share of the votes as of now."""
    option = look.option or 1
    tally = await tools.tally(look.image) if tracker.style.results else {}
    return Shown(_drawn(tracker, option, tally), f"option_{option}")


def land(tracker: SentimentTracker, _: Look) -> str:
    """The same for every option."""
    return tracker.url


def _drawn(tracker: SentimentTracker, option: int, tally: Mapping[int, Tally]) -> Drawn:
    """Until somebody has voted there is room for a percentage, and none."""
    counts = [tally.get(place, Tally()).votes for place in _places(tracker)]
    shown = tracker.style.results and any(counts)
    percent = polls.percents(counts)[option - 1] if shown else None
    return Drawn(PNG, polls.png(tracker.style, option, percent))


def _places(tracker: SentimentTracker) -> range:
    return range(1, tracker.style.count + 1)


def _labels(said: Attributes, default: tuple[str, ...]) -> tuple[str, ...]:
    given = said.raw("options")
    if given is None:
        return default
    if not isinstance(given, list) or not 2 <= len(given) <= MOST_OPTIONS:
        said.fault("options", f"must be a list of 2 to {MOST_OPTIONS} texts")
        return default
    if not all(isinstance(one, str) and one.strip() and len(one) <= MOST_TEXT for one in given):
        said.fault("options", f"must be texts of at most {MOST_TEXT} characters")
        return default
    return tuple(given)


KIND = Kind(
    name="sentiment_trackers",
    segment="sentiment-trackers",
    door=slots.POLL,
    templates=TEMPLATES,
    definition=SentimentTracker,
    read=read,
    sample=sample,
    preview=preview,
    reduced=always,
    draw=draw,
    published=published,
    slots=slot,
    show=show,
    land=land,
    options=lambda tracker: tracker.style.count,
    consults=consults_nothing,
    check=nothing_odd,
)
