"""What a template may consist of, and which channels it is for. The names are kept in definitions: they never change.

A template is for every channel whose parts it has: one definition may say the same thing as a mail, a text and a
push message. `compose` renders the parts of one channel; the parts of the others cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from heliograph.events.consent import Channel

SUBJECT = "subject"
PREHEADER = "preheader"
HTML = "html"
MJML = "mjml"
TEXT = "text"
SMS = "sms"
PUSH_TITLE = "push_title"
PUSH_BODY = "push_body"


class Part(NamedTuple):
    """A part: its name in definitions, its channel, what errors call it (S1:L268, L331), and whether values in it are
    escaped as HTML."""

    name: str
    channel: Channel
    shown: str
    escaped: bool = False


PARTS: tuple[Part, ...] = (
    Part(SUBJECT, "email", "SUBJECT"),
    Part(PREHEADER, "email", "PREHEADER", escaped=True),
    Part(HTML, "email", "BODY", escaped=True),
    Part(MJML, "email", "BODY", escaped=True),
    Part(TEXT, "email", "TEXT"),
    Part(SMS, "sms", "BODY"),
    Part(PUSH_TITLE, "push", "SUBJECT"),
    Part(PUSH_BODY, "push", "BODY"),
)
"""In the order in which they are rendered: the HTML may show the preheader."""

NAMES = frozenset(part.name for part in PARTS)


def of(channel: Channel) -> tuple[Part, ...]:
    """The parts of one channel."""
    return tuple(part for part in PARTS if part.channel == channel)


def channels(names: Collection[str]) -> tuple[Channel, ...]:
    """The channels that a template with these parts is for. A preheader alone makes no mail."""
    found = dict.fromkeys(part.channel for part in PARTS if part.name in names and part.name != PREHEADER)
    return tuple(found)


def missing(channel: Channel, names: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What a template with these parts lacks for this channel: what errors call it, and why."""
    if channel == "email":
        wanting = [("SUBJECT", "there is no subject")] if SUBJECT not in names else []
        if not {HTML, MJML, TEXT} & set(names):
            wanting.append(("BODY", "there is neither html nor text"))
        if {HTML, MJML} <= set(names):
            wanting.append(("BODY", "there is html and mjml: only one can be sent"))
        return tuple(wanting)
    if channel == "sms":
        return () if SMS in names else (("BODY", "there is no sms part"),)
    return () if PUSH_BODY in names else (("BODY", "there is no push_body part"),)
