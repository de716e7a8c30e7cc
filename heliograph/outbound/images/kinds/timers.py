"""Countdown timers (PER-5 to PER-8): attributes to a `TimerStyle`, and which picture a reader gets.

The GIF shows the time from the moment of the request to `exp`, else to the published instant. Who fetches ahead gets
the fallback, because a clock that was drawn hours before it is looked at is wrong. After the deadline comes what was
chosen for then: the operator's own picture, a text, or zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from heliograph import slots
from heliograph.errors import BadRequest
from heliograph.outbound.images.attributes import Attributes
from heliograph.outbound.images.countdown import deadline, timer
from heliograph.outbound.images.countdown.languages import LABELS
from heliograph.outbound.images.countdown.style import (
    FRAMES,
    HEIGHTS,
    LONGEST_LABEL,
    LONGEST_MESSAGE,
    MOST_FRAMES,
    SCALES,
    UNITS,
    WIDTHS,
    TimerStyle,
)
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
    leads_nowhere,
    no_options,
    read_template,
    unfetched,
)
from heliograph.outbound.images.lettering.families import BY_NAME, DEFAULT

GIF, PNG = "image/gif", "image/png"

_BOXED = ("text", "background", "label_text", "digits_text", "box")
TEMPLATES = (
    Template("default_timer", ("text", "background", "label_text", "digits_text")),
    Template("box_timer", _BOXED),
    Template("flip_timer", _BOXED),
    Template("ring_timer", _BOXED),
)
LOOKS: Mapping[str, str] = {
    "default_timer": "plain",
    "box_timer": "cards",
    "flip_timer": "flip",
    "ring_timer": "ring",
}
"""What `countdown` calls each."""


class Timer(msgspec.Struct, frozen=True, kw_only=True):
    """A published timer. `ends` in microseconds. The URLs are the operator's pictures in place of texts."""

    template: str
    ends: int
    style: TimerStyle
    expired_url: str = ""
    fallback_url: str = ""

    @property
    def has_fallback(self) -> bool:
        """Whether anything was chosen for those who fetch ahead."""
        return bool(self.fallback_url or self.style.fallback_text)


def read(said: Attributes) -> Timer:
    """S2:L118-L126, with `text` for both colours of text (wire-facts 5.3), and the style's own choices."""
    template = read_template(said, TEMPLATES)
    countdown, expiration, fallback = (
        said.inside("countdown"),
        said.inside("expiration"),
        said.inside("fallback"),
    )
    ends = _instant(countdown)
    colours = said.colours("colors", template.colours)
    text = colours.get("text")
    units = tuple(unit for unit in UNITS if unit in _units(said))
    chosen: dict[str, Any] = {
        "template": LOOKS[template.id],
        "width": said.integer("width", 600, least=WIDTHS[0], most=WIDTHS[-1]),
        "height": said.integer("height", 140, least=HEIGHTS[0], most=HEIGHTS[-1]),
        "scale": said.integer("scale", 1, least=SCALES[0], most=SCALES[-1]),
        "font": (font := said.choice("font", BY_NAME, DEFAULT)),
        "label_font": said.choice("labelFont", BY_NAME, font),
        "background": colours.get("background", "#FFFFFF"),
        "digits": colours.get("digits_text", text),
        "label_text": colours.get("label_text", text),
        "box": colours.get("box"),
        "units": units,
        "labels": _labels(said, units),
        "frames": said.integer("frames", FRAMES, least=1, most=MOST_FRAMES),
        "expired_text": expiration.text("message", "", limit=LONGEST_MESSAGE),
        "fallback_text": fallback.text("message", "", limit=LONGEST_MESSAGE),
    }
    style = _style(said, chosen)
    for warning in style.warnings:
        said.warn("colors", warning.rstrip("."))
    return Timer(
        template=template.id,
        ends=ends,
        style=style,
        expired_url=expiration.url("imageUrl", ""),
        fallback_url=fallback.url("imageUrl", ""),
    )


def sample(said: Attributes, timer: Timer, preview: bool) -> str:
    """A preview of a timer has nothing of its own."""
    return ""


def preview(of: Timer, _: str) -> Preview:
    """S2:L150-L184: `fallback` only where one was chosen (PER-5)."""
    parts = {"countdown": PNG, "expiration": PNG}
    if of.has_fallback:
        parts["fallback"] = PNG
    return Preview(parts, {})


async def draw(of: Timer, part: str, _: str, now: int, tools: Tools) -> Drawn | None:
    """The clock as it stands, what comes after it, or what is fetched ahead."""
    url = {"expiration": of.expired_url, "fallback": of.fallback_url}.get(part)
    if url and (picture := await tools.source(url)) is not None:
        return picture
    if part == "fallback":
        return Drawn(PNG, timer.fallback_still(of.style, deadline.in_words(of.ends)))
    left = max(0, deadline.remaining(of.ends, now)) if part == "countdown" else timer.EXPIRED
    return Drawn(PNG, timer.still(of.style, left))


def published(of: Timer, place: Place) -> Mapping[str, Any]:
    """S2:L227-L250."""
    return {"timer": image(_url(of, place), GIF)}


def slot(of: Timer, place: Place) -> Sequence[Slot]:
    """One picture. What is read out tells the deadline, as nothing else can where no picture is shown."""
    alt = of.style.fallback_text or f"Ends {deadline.in_words(of.ends)}"
    return (Slot(_url(of, place), None, (of.style.width, of.style.height), alt),)


async def show(of: Timer, look: Look, tools: Tools) -> Shown:
    """The GIF of this second; its fallback for who fetches ahead."""
    said = look.parameters.get("exp")
    ends = deadline.parse(said)
    if ends is None:
        ends = of.ends
    left = deadline.remaining(ends, look.now)
    variant = "expired" if left < 0 else "fallback" if look.prefetched else "countdown"
    if url := {"expired": of.expired_url, "fallback": of.fallback_url}.get(variant):
        picture = await tools.source(url)
        if picture is not None:
            return Shown(picture, variant, said or "")
    if variant == "fallback":
        return Shown(Drawn(GIF, timer.fallback_gif(of.style, deadline.in_words(ends))), variant, said or "")
    return Shown(Drawn(GIF, timer.gif(of.style, left)), variant, said or "")


async def check(of: Timer, now: int, tools: Tools) -> Sequence[tuple[str, str]]:
    """The deadline (wire-facts 5.3, L120: accept, render expired, warn), and the operator's own pictures."""
    past = [("countdown/time", "is in the past; the timer is shown as expired")] if of.ends <= now else []
    named = {"expiration/imageUrl": of.expired_url, "fallback/imageUrl": of.fallback_url}
    return [*past, *await unfetched({attribute: url for attribute, url in named.items() if url}, tools)]


def _url(of: Timer, place: Place) -> str:
    exp = place.value("exp", deadline.canonical(of.ends))
    return place.picture_url(slots.TIMER, (("exp", exp),))


def _instant(said: Attributes) -> int:
    """`countdown.time` in microseconds."""
    text = said.text("time", limit=deadline.LONGEST)
    ends = deadline.parse(text) if text else 0
    if ends is None:
        said.fault("time", "must be an ISO 8601 timestamp such as 2024-02-09T00:00:00Z")
    return ends or 0


def _units(said: Attributes) -> Sequence[str]:
    given = said.raw("units")
    if given is None:
        return UNITS
    if not isinstance(given, list) or not given or not all(unit in UNITS for unit in given):
        said.fault("units", f"must be a list of: {', '.join(UNITS)}")
        return UNITS
    return given


def _labels(said: Attributes, units: Sequence[str]) -> tuple[str, ...] | None:
    """One label for each unit: a language's (`language`, ISO 639), or any text; none for `showLabels: false`."""
    usual = LABELS[said.choice("language", LABELS, "en")]
    if not said.flag("showLabels", True):
        said.raw("labels")
        return None
    given = said.inside("labels")
    texts = {
        unit: given.text(unit, default, limit=LONGEST_LABEL)
        for unit, default in zip(UNITS, usual, strict=True)
        if unit in units
    }
    return tuple(texts.values())


def _style(said: Attributes, chosen: dict[str, Any]) -> TimerStyle:
    """The style; what it refuses becomes a fault where the caller said it."""
    try:
        return TimerStyle(**chosen)
    except BadRequest as error:
        if not said.findings.faults:  # else it is one of those
            for fault in error.faults:  # measures and units, which callers name as the style does
                said.fault(fault.field, fault.reason)
        return TimerStyle()


KIND = Kind(
    name="timers",
    segment="timers",
    door=slots.TIMER,
    templates=TEMPLATES,
    definition=Timer,
    read=read,
    sample=sample,
    preview=preview,
    reduced=always,
    draw=draw,
    published=published,
    slots=slot,
    show=show,
    land=leads_nowhere,
    options=no_options,
    consults=consults_nothing,
    check=check,
)
