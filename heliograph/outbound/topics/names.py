"""ARNs of topics and subscriptions. We have no regions; `us-east-1` is what clients most often sign for. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

TOPIC = re.compile(r"[A-Za-z0-9_-]{1,256}")

_ARN = re.compile(
    r"arn:aws[a-z-]*:sns:[a-z0-9-]*:(\d{12}):([A-Za-z0-9_-]{1,256})"
    r"(?::([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))?"
)


class Named(NamedTuple):
    """What an ARN names: a topic of an account, and one subscription of it where `subscription` is not empty."""

    account: str
    topic: str
    subscription: str


def topic_arn(account: str, topic: str) -> str:
    """A topic's ARN."""
    return f"arn:aws:sns:us-east-1:{account}:{topic}"


def subscription_arn(account: str, topic: str, subscription: str) -> str:
    """A subscription's ARN."""
    return f"{topic_arn(account, topic)}:{subscription}"


def read_arn(text: str) -> Named | None:
    """What this ARN names; None if it is no topic's and no subscription's."""
    found = _ARN.fullmatch(text)
    return Named(found[1], found[2], found[3] or "") if found else None
