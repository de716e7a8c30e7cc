"""Kinds about topics: who wants what is published to them, and what was published (Amazon SNS's model).

A topic is an account's. A subscription is known by the UUID that ends its ARN. Definitions and publications are events,
so that an answered request is on disk, and every subscription is a cursor over the journal. Feeds carry none of them.
"""

from __future__ import annotations

from typing import ClassVar

from heliograph.events.event import Data


class Topic(Data, frozen=True, kw_only=True):
    """Something about a topic of the event's account."""

    topic: str


class TopicCreated(Topic, frozen=True, kw_only=True):
    """A topic was made; where there is one of that name already it stays as it is."""

    kind: ClassVar[str] = "topic.created"
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}


class TopicChanged(Topic, frozen=True, kw_only=True):
    """Attributes were set (an empty value takes one back), tags were put on or taken off."""

    kind: ClassVar[str] = "topic.changed"
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    untagged: tuple[str, ...] = ()


class TopicDeleted(Topic, frozen=True, kw_only=True):
    """The topic is gone, and its subscriptions with it."""

    kind: ClassVar[str] = "topic.deleted"


class TopicPublished(Topic, frozen=True, kw_only=True):
    """A message for all subscriptions. Its id is `message_id`, or else the event's.

    `structure` is `json` where `body` holds a text per protocol. `attributes` by name, as the wire has them
    (`DataType`, `StringValue`, `BinaryValue`). `born`: when the campaign that the message tells of was made; who
    confirmed later does not get it (LIT-16).
    """

    kind: ClassVar[str] = "topic.published"
    body: str
    title: str = ""
    structure: str = ""
    attributes: dict[str, dict[str, str]] = {}
    message_id: str = ""
    born: int | None = None


class TopicSubscribed(Topic, frozen=True, kw_only=True):
    """Somebody wants a topic's messages at an endpoint. Unless `confirmed`, the endpoint must say so itself before
    `expires` (microseconds), with a token made for `nonce`. Saying it again asks the endpoint again."""

    kind: ClassVar[str] = "topic.subscribed"
    subscription: str
    protocol: str
    endpoint: str
    owner: str
    nonce: str
    expires: int
    attributes: dict[str, str] = {}
    confirmed: bool = False


class TopicConfirmed(Topic, frozen=True, kw_only=True):
    """The endpoint confirmed, with the token made for `nonce`. `by`: the account that said it for the endpoint, empty
    for a visit of SubscribeURL. `locked`: only its owner may end the subscription."""

    kind: ClassVar[str] = "topic.confirmed"
    subscription: str
    nonce: str
    by: str = ""
    locked: bool = False


class TopicSubscriptionChanged(Topic, frozen=True, kw_only=True):
    """Attributes of a subscription were set; an empty value takes one back."""

    kind: ClassVar[str] = "topic.subscription_changed"
    subscription: str
    attributes: dict[str, str]


class TopicUnsubscribed(Topic, frozen=True, kw_only=True):
    """A subscription was ended. With a `nonce`, by whoever had its UnsubscribeURL: the endpoint is told, and may
    restore it before `expires`."""

    kind: ClassVar[str] = "topic.unsubscribed"
    subscription: str
    nonce: str = ""
    expires: int = 0
