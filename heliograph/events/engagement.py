"""Kinds about what people do with messages: opens, reading, prints, clicks, votes; and who really did it.

Every pixel load is an open; none is dropped or merged (LIT-13). What we think of its reader comes as an
event of its own (`reader.judged`), and may come again when better evidence does.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from heliograph.events.event import Data


class Visit(Data, frozen=True, kw_only=True):
    """Who came, as far as a request tells: kept by the account's policy on IP addresses (STD-7).

    `message` is ours; `campaign` a tracking code's GUID with the sender's own `custom_*` (LIT-5).
    """

    message: str | None = None
    campaign: str | None = None
    custom_id: str = ""
    custom_type: str = ""
    custom_data: str = ""
    ip: str = ""
    user_agent: str = ""
    referrer: str = ""
    web_copy: bool = False


class MessageOpened(Visit, frozen=True, kw_only=True):
    """The open pixel was loaded. `mode` is `dark` or `light` where the client tells."""

    kind: ClassVar[str] = "message.opened"
    mode: str = ""
    method: str = ""


class MessageRead(Data, frozen=True, kw_only=True):
    """How long an open lasted, once that is final: even seconds, at most 20, -1 where it cannot be known
    (LIT-7). `open` is the id of the `message.opened`."""

    kind: ClassVar[str] = "message.read"
    open: str
    message: str | None = None
    campaign: str | None = None
    seconds: int
    category: Literal["Read", "Skimmed", "Glanced", "Not Supported"]


class MessagePrinted(Visit, frozen=True, kw_only=True):
    """The message was printed."""

    kind: ClassVar[str] = "message.printed"


class MessageForwarded(Visit, frozen=True, kw_only=True):
    """The message was forwarded."""

    kind: ClassVar[str] = "message.forwarded"


class LinkClicked(Visit, frozen=True, kw_only=True):
    """A tracked link was followed. `link` is its place in the message, from 0."""

    kind: ClassVar[str] = "link.clicked"
    url: str
    link: int | None = None
    name: str = ""
    channel: Literal["email", "sms", "push"] = "email"
    image: str | None = None


class ReaderJudged(Data, frozen=True, kw_only=True):
    """Who an open, click or vote came from: reader class and why. A later judgement replaces an earlier."""

    kind: ClassVar[str] = "reader.judged"
    event: str
    reader: Literal["human", "privacy_proxy", "image_proxy", "prefetch", "scanner", "bot", "unknown"]
    reason: str
    reliable: bool = True
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: str = ""
    platform: str = ""


class VoteCast(Visit, frozen=True, kw_only=True):
    """A vote in a sentiment tracker (PER-10). `option` is the option's place, from 1."""

    kind: ClassVar[str] = "vote.cast"
    tracker: str
    option: int
    person: str | None = None


class ImageShown(Visit, frozen=True, kw_only=True):
    """A live picture was looked at. `variant` tells which: frame set, rule, fallback, expired."""

    kind: ClassVar[str] = "image.shown"
    image: str
    variant: str = ""
    parameter: str = ""
