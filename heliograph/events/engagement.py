"""Kinds about what people do with messages: opens, reading, prints, clicks, votes; and who really did it.

Every pixel load is an open; none is dropped or merged (LIT-13). What we think of its reader comes as an
event of its own (`reader.judged`), and may come again when better evidence does.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from heliograph.events.event import Data

TRAP = "trap"
"""The name of the hidden link, which no person can see: whoever follows it reads the HTML and not the mail. No
author's link bears it (`outbound.messages.mail.instrument`)."""


ReadCategory = Literal["Read", "Skimmed", "Glanced", "Not Supported"]


class Visit(Data, frozen=True, kw_only=True):
    """Who came, as far as a request tells: kept by the account's policy on IP addresses (STD-7).

    `message` is ours; `campaign` a tracking code's GUID with the sender's own `custom_*` (LIT-5). `network` is the
    published range that the address is in, if any: it tells who fetches, and of nobody where they are. `accept` and
    `purpose` are headers that tell a browser from what calls itself one, where they were looked at.
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
    network: str = ""
    accept: str = ""
    purpose: str = ""


class MessageOpened(Visit, frozen=True, kw_only=True):
    """The open pixel was loaded. `mode` is `dark` or `light` where the load itself tells; mostly a load of its own does
    (`message.rendered`), and the verdict has it (`ReaderJudged.mode`). `measured`: by which technique its length is
    being measured; empty: it is not."""

    kind: ClassVar[str] = "message.opened"
    mode: str = ""
    method: str = ""
    measured: str = ""


class MessageRendered(Visit, frozen=True, kw_only=True):
    """The message was drawn in dark or light colours: a mark on the open that came just before or after it from the
    same client, and no open of its own (LIT-4)."""

    kind: ClassVar[str] = "message.rendered"
    mode: Literal["dark", "light"]


class MessageRead(Data, frozen=True, kw_only=True):
    """How long an open lasted, once that is final: even seconds, at most 20, -1 where it cannot be known
    (LIT-7). `open` is the id of the `message.opened`, `technique` how it was measured; empty: it was not."""

    kind: ClassVar[str] = "message.read"
    open: str
    message: str | None = None
    campaign: str | None = None
    seconds: int
    category: ReadCategory
    technique: str = ""


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
    """Who an open, click, vote or look at a picture came from (`event` is its id): reader class and why. A later
    judgement replaces an earlier one. `reliable`: it counts as somebody reading (LIT-14). `mode`: dark or light, of an
    open whose client told."""

    kind: ClassVar[str] = "reader.judged"
    event: str
    reader: Literal["human", "privacy_proxy", "image_proxy", "prefetch", "scanner", "bot", "unknown"]
    reason: str
    reliable: bool = True
    mail_client: str = ""
    mail_client_specific: str = ""
    rendering_engine: str = ""
    platform: str = ""
    mode: str = ""

    @property
    def by_person(self) -> bool:
        """Whether a person did it, as far as can be known: what automations and human figures go by (STD-6). An
        image proxy counts where it fetches for somebody who looks, and whom no rule knows has the benefit."""
        return self.reader == "human" or (self.reliable and self.reader in ("image_proxy", "unknown"))


class VoteCast(Visit, frozen=True, kw_only=True):
    """A vote in a sentiment tracker (PER-10). `option` is the option's place, from 1. `person`: whoever the link
    names, our own id or the `id` that a foreign sender put there. `reader`: what the request alone tells of who
    followed the link, in the words of `ReaderJudged`."""

    kind: ClassVar[str] = "vote.cast"
    tracker: str
    option: int
    person: str | None = None
    reader: str = ""


class ImageShown(Visit, frozen=True, kw_only=True):
    """A live picture was looked at. `variant` tells which: `countdown`, `expired`, `fallback`, `rule_1`, `option_2`.
    `parameter` is what the URL said, `person` and `reader` as in `VoteCast`."""

    kind: ClassVar[str] = "image.shown"
    image: str
    variant: str = ""
    parameter: str = ""
    person: str | None = None
    reader: str = ""
