"""A message as ReceiveMessage tells it: the attributes that were asked for, and the digests over exactly those. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from heliograph.queues.digests import attributes_digest
from heliograph.queues.messages import Received
from heliograph.queues.model import QueueFault

SYSTEM = (
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
)


def check_names(names: Iterable[str]) -> None:
    """Raise `QueueFault` for a system attribute that does not exist."""
    for name in names:
        if name != "All" and name not in SYSTEM:
            raise QueueFault("InvalidAttributeName", f"Unknown Attribute {name}.")


def told(message: Received, system: Iterable[str], wanted: Iterable[str], *, fifo: bool) -> dict[str, Any]:
    """The message by Amazon's names; what was not asked for, or is not there, is left out."""
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": message.handle,
        "MD5OfBody": message.md5,
        "Body": message.body,
    }
    asked = set(system)
    known = _system(message, fifo=fifo) if asked else {}
    kept = {
        name: value
        for name, value in known.items()
        if value is not None and ("All" in asked or name in asked)
    }
    if kept:
        answer["Attributes"] = kept
    attributes = _wanted(message, tuple(wanted))
    if attributes:
        answer["MD5OfMessageAttributes"] = attributes_digest(attributes)
        answer["MessageAttributes"] = attributes
    return answer


def _system(message: Received, *, fifo: bool) -> Mapping[str, str | None]:
    return {
        "SenderId": message.sender,
        "SentTimestamp": str(message.sent),
        "ApproximateReceiveCount": str(min(message.receives, 32_767)),  # SQS-10: one SDK reads 16 bits
        "ApproximateFirstReceiveTimestamp": str(message.first_received),
        "SequenceNumber": f"{message.sequence:020d}" if fifo else None,
        "MessageDeduplicationId": message.dedup,
        "MessageGroupId": message.group,
        "AWSTraceHeader": message.trace,
        "DeadLetterQueueSourceArn": message.source,
    }


def _wanted(message: Received, names: tuple[str, ...]) -> dict[str, Any]:
    """The message attributes asked for: by name, by prefix (`order.*`), or all (`All`, `.*`)."""
    if not names or message.attributes is None:
        return {}
    every: dict[str, Any] = msgspec.json.decode(message.attributes)
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    if "All" in names or "" in prefixes:
        return every
    return {
        name: value for name, value in every.items() if name in names or name.startswith(prefixes or ("\0",))
    }
