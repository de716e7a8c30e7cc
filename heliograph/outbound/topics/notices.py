"""The three messages that a topic sends, to the letter: keys and their order (SNS-1; Amazon's guide, "HTTP/HTTPS
notification JSON format"). Pure. What of them is signed says `heliograph.aws.signed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from heliograph.aws.signed import Type
from heliograph.clock import to_datetime

AGENT = "Amazon Simple Notification Service Agent"
CONTENT_TYPE = "text/plain; charset=UTF-8"

ORDER = (
    "Type",
    "MessageId",
    "Token",
    "TopicArn",
    "Subject",
    "Message",
    "SubscribeURL",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
    "UnsubscribeURL",
    "MessageAttributes",
)
"""In which order keys stand in a body; each message has its own of them."""

ASKING: Mapping[Type, str] = {
    "SubscriptionConfirmation": "You have chosen to subscribe to the topic {arn}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message.",
    "UnsubscribeConfirmation": "You have chosen to deactivate subscription {arn}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
}


def timestamp(at: int) -> str:
    """An instant in microseconds as messages have it: `2022-01-10T19:13:22.042Z`."""
    return to_datetime(at).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def notification(message_id: str, topic_arn: str, message: str, subject: str, at: int) -> dict[str, str]:
    """What a subscriber is told. `at` in microseconds."""
    told = {"Type": "Notification", "MessageId": message_id, "TopicArn": topic_arn}
    if subject:
        told["Subject"] = subject
    return told | {"Message": message, "Timestamp": timestamp(at)}


def confirmation(
    type_: Type, message_id: str, topic_arn: str, about: str, token: str, base_url: str, at: int
) -> dict[str, str]:
    """What asks a receiver whether it wants the topic's messages, or wants them again. `about`: the ARN in the text."""
    link = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic_arn, "Token": token}, safe=":")
    return {
        "Type": type_,
        "MessageId": message_id,
        "Token": token,
        "TopicArn": topic_arn,
        "Message": ASKING[type_].format(arn=about),
        "SubscribeURL": f"{base_url}/?{link}",
        "Timestamp": timestamp(at),
    }


def unsubscribe_url(base_url: str, subscription_arn: str) -> str:
    """The link that ends a subscription (SNS-9)."""
    return f"{base_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"


def certificate_url(base_url: str, certificate: str) -> str:
    """Where the certificate lies: a name that validators accept (SNS-11)."""
    return f"{base_url}/SimpleNotificationService-{certificate}.pem"


def body(message: Mapping[str, Any]) -> bytes:
    """The message as JSON, in the vendor's order and spacing."""
    lines = (
        f'  "{name}" : {msgspec.json.encode(message[name]).decode()}' for name in ORDER if name in message
    )
    return ("{\n" + ",\n".join(lines) + "\n}").encode()


def headers(type_: Type, message_id: str, topic_arn: str, subscription_arn: str = "") -> dict[str, str]:
    """What goes with a body. A receiver that has yet to confirm is not told the subscription's ARN."""
    found = {
        "x-amz-sns-message-type": type_,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic_arn,
    }
    if subscription_arn:
        found["x-amz-sns-subscription-arn"] = subscription_arn
    return found | {"Content-Type": CONTENT_TYPE, "User-Agent": AGENT}


def wire_attributes(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Message attributes as a notification has them."""
    return {
        name: {
            "Type": one["DataType"],
            "Value": one["BinaryValue"] if one["DataType"].startswith("Binary") else one["StringValue"],
        }
        for name, one in attributes.items()
    }
