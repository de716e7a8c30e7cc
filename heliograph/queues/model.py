"""What a queue is and what it may be set to: attributes, limits, names, errors (SQS-7; SQS model 2012-11-05).

Values are Amazon's, attribute by attribute, so that a program made for SQS finds what it set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from heliograph.errors import CallerError

BODY_LIMIT = 1_048_576
"""Bytes of a message with its attributes, and of a whole batch."""

IN_FLIGHT_LIMIT = 120_000
FIFO_IN_FLIGHT_LIMIT = 20_000
"""Messages of one queue that are received and not yet deleted."""

DEDUPLICATION_SECONDS = 300
"""How long a FIFO queue knows a deduplication id."""

NUMBERS: dict[str, tuple[int, int, int]] = {
    "DelaySeconds": (0, 900, 0),
    "MaximumMessageSize": (1024, BODY_LIMIT, BODY_LIMIT),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20, 0),
    "VisibilityTimeout": (0, 43_200, 30),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400, 300),
}
"""Attribute -> least, most, default."""

FLAGS = ("FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled")
CHOICES = {
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
TEXTS = ("Policy", "KmsMasterKeyId", "RedrivePolicy", "RedriveAllowPolicy")
COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
DESCRIBED = ("CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
SETTABLE = frozenset((*NUMBERS, *FLAGS, *CHOICES, *TEXTS))
READABLE = (*NUMBERS, *FLAGS, *CHOICES, *TEXTS, *COUNTED, *DESCRIBED)

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a message must not hold (#x9, #xA, #xD, #x20 and on, as XML 1.0)."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo")
_ARN = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]*:(\d{12}):([A-Za-z0-9_.-]{1,80})")


class QueueFault(CallerError):
    """What a caller asked of a queue and cannot have; `code` is the exception's name in SQS's model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RedrivePolicy(NamedTuple):
    """Where messages go that were received too often: an account's queue, after so many receives."""

    account: str
    name: str
    most_receives: int


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue as it stands. `attributes` as they were set, values as text; instants in milliseconds."""

    id: int
    account: str
    name: str
    attributes: dict[str, str]
    tags: dict[str, str]
    created: int
    modified: int
    purged: int = 0

    @property
    def fifo(self) -> bool:
        """Whether it keeps order within a group and drops repeats."""
        return self.name.endswith(".fifo")

    def number(self, attribute: str) -> int:
        """A numeric attribute, or its default."""
        value = self.attributes.get(attribute)
        return NUMBERS[attribute][2] if value is None else int(value)

    @property
    def redrive(self) -> RedrivePolicy | None:
        """Its dead-letter queue, if it has one."""
        return redrive_policy(self.attributes.get("RedrivePolicy", ""))


def check_name(name: str, *, fifo: bool) -> None:
    """Raise `QueueFault` unless a queue may be called so."""
    if not _NAME.fullmatch(name):
        raise QueueFault(
            "InvalidParameterValue",
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
        )
    if fifo != name.endswith(".fifo"):
        raise QueueFault(
            "InvalidParameterValue",
            "The name of a FIFO queue can only end in .fifo, and the attribute FifoQueue is true for it alone.",
        )


def check_attributes(attributes: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """The attributes as they are kept. Raises `QueueFault`: an unknown name, a value out of its range."""
    kept = {}
    for name, value in attributes.items():
        if name not in SETTABLE:
            raise QueueFault("InvalidAttributeName", f"Unknown Attribute {name}.")
        if not fifo and (name in CHOICES or name in ("FifoQueue", "ContentBasedDeduplication")):
            if name == "FifoQueue" and value == "false":
                continue
            raise QueueFault("InvalidAttributeName", f"Unknown Attribute {name}: the queue is not FIFO.")
        if not _valid(name, value):
            raise QueueFault("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
        kept[name] = value
    return kept


def _valid(name: str, value: str) -> bool:
    if name in NUMBERS:
        least, most, _ = NUMBERS[name]
        return value.isdecimal() and value.isascii() and len(value) < 9 and least <= int(value) <= most
    if name in FLAGS:
        return value in ("true", "false")
    if name in CHOICES:
        return value in CHOICES[name]
    if name == "RedrivePolicy":
        return value == "" or redrive_policy(value) is not None
    if name == "RedriveAllowPolicy":
        return value == "" or allowed_sources(value) is not None
    return len(value) <= 100_000


def redrive_policy(text: str) -> RedrivePolicy | None:
    """A redrive policy from its JSON; None if it is none. `maxReceiveCount` is 1 to 1,000, by default 10."""
    policy = _object(text)
    arn = _ARN.fullmatch(str(policy.get("deadLetterTargetArn", "")))
    count = str(policy.get("maxReceiveCount", 10))
    if arn is None or not re.fullmatch(r"[0-9]{1,4}", count) or not 1 <= int(count) <= 1000:
        return None
    return RedrivePolicy(arn[1], arn[2], int(count))


def allowed_sources(text: str) -> tuple[str, frozenset[str]] | None:
    """Who may use a queue as its dead-letter queue: `allowAll`, `denyAll`, or `byQueue` with up to ten ARNs."""
    policy = _object(text)
    permission = str(policy.get("redrivePermission", "allowAll"))
    arns = policy.get("sourceQueueArns", [])
    if permission not in ("allowAll", "denyAll", "byQueue") or not isinstance(arns, list) or len(arns) > 10:
        return None
    return permission, frozenset(map(str, arns))


def _object(text: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def arn(account: str, name: str) -> str:
    """A queue's ARN. We have no regions; `us-east-1` is what clients most often sign for."""
    return f"arn:aws:sqs:us-east-1:{account}:{name}"


def named_by(text: str) -> tuple[str, str] | None:
    """The account and name in an ARN; None if it is no queue's."""
    found = _ARN.fullmatch(text)
    return (found[1], found[2]) if found else None
