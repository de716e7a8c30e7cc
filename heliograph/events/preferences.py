"""Kinds about preferences: subscription topics that operators define, which of them people want, and pauses.

A subscription topic ("offers") is a sort of marketing that can be left without leaving all of it. It has nothing to do
with the topics that programs publish to (`topics`). Feeds carry none of these kinds.
"""

from __future__ import annotations

from typing import ClassVar

from heliograph.events.consent import Channel
from heliograph.events.event import Data

UNSUBSCRIBE_PAGE, PREFERENCE_PAGE = "page", "preferences"
"""How a choice came (`how`): by a button of one of our pages; `one_click` and `api` are the others."""


class SubscriptionTopicSaved(Data, frozen=True, kw_only=True):
    """A topic, new or changed. `titles` and `descriptions` by language (`en`, `pt-BR`). `default`: who said nothing
    about it receives it too."""

    kind: ClassVar[str] = "subscription_topic.saved"
    name: str
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    default: bool = True
    by: str = ""


class SubscriptionTopicRemoved(Data, frozen=True, kw_only=True):
    """A topic is offered no more. Who left it is still not written to about it."""

    kind: ClassVar[str] = "subscription_topic.removed"
    name: str
    by: str = ""


class SubscriptionTopicChosen(Data, frozen=True, kw_only=True):
    """Somebody wants a topic, or wants it no more; `message` is the one whose link was used, if any."""

    kind: ClassVar[str] = "subscription_topic.chosen"
    channel: Channel = "email"
    address: str
    topic: str
    wanted: bool
    message: str | None = None
    how: str = "api"
    ip: str = ""
    user_agent: str = ""


class MarketingPaused(Data, frozen=True, kw_only=True):
    """Somebody wants no marketing until an instant (microseconds); one that is past ends the pause."""

    kind: ClassVar[str] = "marketing.paused"
    channel: Channel = "email"
    address: str
    until: int
    message: str | None = None
    how: str = "api"
    ip: str = ""
    user_agent: str = ""
