"""What of a topic's message is signed (SNS-3, SNS-4; Amazon's guide, "Verifying the signatures"): for our topics, which sign,
and for what Amazon's own topics send us. Pure.

It is text, not JSON: the values as they are, name and value on a line each, by the order of the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Type = Literal["SubscriptionConfirmation", "Notification", "UnsubscribeConfirmation"]

SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
"""Which keys are signed, in this order; one that the message does not have is left out (Subject)."""


def signed_text(message: Mapping[str, Any]) -> bytes:
    """The text whose signature goes with a message. Raises `KeyError` for a `Type` that there is not."""
    names = SIGNED[message["Type"]]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    return text.encode("utf-8", "surrogatepass")
