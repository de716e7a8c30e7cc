"""What topics and subscriptions may be set to, and how they describe themselves. Pure.

What would promise something that we do not do (encryption by a key service, FIFO topics) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from heliograph.outbound.topics.asked import Tag, invalid
from heliograph.outbound.topics.delivery_policy import effective, read_policy, read_topic_policy
from heliograph.outbound.topics.filters import read_filter
from heliograph.outbound.topics.names import subscription_arn, topic_arn
from heliograph.queues.model import named_by
from heliograph.react.state.topics import Subscription, Topic

SIZE = 262_144
"""Bytes of a message with its attributes, where the topic does not say otherwise."""
MOST_SIZE = 1_048_576
MOST_TAGS = 50
SCOPES = ("MessageAttributes", "MessageBody")


def check_topic(attributes: Mapping[str, str]) -> dict[str, str]:
    """A topic's attributes as they are kept. Raises `AwsFault`, naming the one that is wrong."""
    for name, value in attributes.items():
        check = _TOPIC.get(name)
        if check is None:
            if name == "FifoTopic" and value == "false":
                continue
            raise invalid(f"AttributeName: {name} is not supported")
        if value and not check(value):
            raise invalid(f"Attributes Reason: {name} cannot be {value[:200]!r}")
    return {name: value for name, value in attributes.items() if name in _TOPIC}


def check_subscription(attributes: Mapping[str, str], account: str, scope: str = "") -> dict[str, str]:
    """A subscription's attributes as they are kept. `account`: whose dead-letter queue it may name; `scope`: that of
    its filter so far. Raises `AwsFault`."""
    for name, value in attributes.items():
        if name not in _SUBSCRIPTION:
            raise invalid(f"AttributeName: {name} is not supported")
        if value and not _fits(name, value, account, attributes.get("FilterPolicyScope") or scope):
            raise invalid(f"Attributes Reason: {name} cannot be {value[:200]!r}")
    return dict(attributes)


def check_tags(tags: Sequence[Tag], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags as they are kept. Raises `AwsFault`."""
    wanted = {tag.key: tag.value for tag in tags}
    if len(wanted) != len(tags):
        raise invalid("Tags Reason: a key is given twice")
    if len({**(known or {}), **wanted}) > MOST_TAGS:
        raise invalid(f"Tags Reason: a topic has up to {MOST_TAGS}")
    if any(not 1 <= len(key) <= 128 or len(value) > 256 for key, value in wanted.items()):
        raise invalid("Tags Reason: keys have 1 to 128 characters, values up to 256")
    return wanted


def describe_topic(topic: Topic, subscriptions: Sequence[Subscription]) -> dict[str, str]:
    """A topic's attributes as GetTopicAttributes tells them."""
    states = [subscription.state for subscription in subscriptions]
    counts = effective("", topic.attributes.get("DeliveryPolicy", ""))
    http = {
        "defaultHealthyRetryPolicy": msgspec.to_builtins(counts.healthy_retry_policy),
        "disableSubscriptionOverrides": False,
        "defaultRequestPolicy": {
            "headerContentType": counts.request_policy.header_content_type or "text/plain; charset=UTF-8"
        },
    }
    return {
        "TopicArn": topic_arn(topic.account, topic.name),
        "Owner": topic.account,
        "DisplayName": "",
        "SubscriptionsConfirmed": str(states.count("confirmed")),
        "SubscriptionsPending": str(states.count("pending")),
        "SubscriptionsDeleted": "0",
        "EffectiveDeliveryPolicy": _json({"http": http}),
        **topic.attributes,
    }


def describe_subscription(subscription: Subscription, topic: Topic) -> dict[str, str]:
    """A subscription's attributes as GetSubscriptionAttributes tells them."""
    counts = effective(
        subscription.attributes.get("DeliveryPolicy", ""), topic.attributes.get("DeliveryPolicy", "")
    )
    told = {
        "SubscriptionArn": subscription_arn(subscription.account, subscription.topic, subscription.id),
        "TopicArn": topic_arn(subscription.account, subscription.topic),
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "PendingConfirmation": _flag(subscription.state == "pending"),
        "ConfirmationWasAuthenticated": _flag(bool(subscription.confirmed_by)),
        "RawMessageDelivery": "false",
        **subscription.attributes,
    }
    if subscription.protocol != "sqs":
        told["EffectiveDeliveryPolicy"] = _json(msgspec.to_builtins(counts))
    if "FilterPolicy" in subscription.attributes:
        told.setdefault("FilterPolicyScope", SCOPES[0])
    return told


def dead_letters(attributes: Mapping[str, str]) -> tuple[str, str] | None:
    """The account and name of the queue that takes what cannot be delivered."""
    text = attributes.get("RedrivePolicy")
    return _grave(text) if text else None


def is_flag(value: str) -> bool:
    """Whether it is a flag as the wire has it."""
    return value in ("true", "false")


def _fits(name: str, value: str, account: str, scope: str) -> bool:
    match name:
        case "RawMessageDelivery":
            return is_flag(value)
        case "DeliveryPolicy":
            read_policy(value)
        case "FilterPolicyScope":
            return value in SCOPES
        case "FilterPolicy":
            read_filter(value, scope or SCOPES[0])
        case "RedrivePolicy":
            grave = _grave(value)
            return grave is not None and grave[0] == account
    return True


def _grave(text: str) -> tuple[str, str] | None:
    try:
        policy = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return None
    return named_by(str(policy.get("deadLetterTargetArn", "")))


def _policy(text: str) -> bool:
    read_topic_policy(text)
    return True


def _size(text: str) -> bool:
    return text.isdecimal() and len(text) < 9 and 1024 <= int(text) <= MOST_SIZE


_TOPIC: dict[str, Callable[[str], bool]] = {
    "DeliveryPolicy": _policy,
    "DisplayName": lambda value: len(value) <= 100,
    "MaximumMessageSize": _size,
    "Policy": lambda value: len(value) <= 30_720,
    "SignatureVersion": lambda value: value in ("1", "2"),
    "TracingConfig": lambda value: value in ("PassThrough", "Active"),
}
_SUBSCRIPTION = frozenset(
    ("DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
