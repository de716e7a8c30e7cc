"""A message that somebody sends, checked: limits, characters, attributes (SQS-7, SQS-4). Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from heliograph.outbound.queues.asked import Attribute, Message
from heliograph.queues.digests import attributes_digest
from heliograph.queues.messages import Outgoing
from heliograph.queues.model import BODY_LIMIT, ILLEGAL, Queue, QueueFault

MOST_ATTRIBUTES = 10

_CONTROLS = bytes(code for code in range(0x80) if ILLEGAL.match(chr(code)))
_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_TYPE = re.compile(r"(?:String|Number|Binary)(?:\.[\x21-\x7e]{1,249})?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_ID = re.compile(r"[\x21-\x7e]{1,128}")


def outgoing(queue: Queue, message: Message, sender: str) -> Outgoing:
    """The message as it is put in. Raises `QueueFault`."""
    if not message.message_body:
        raise QueueFault("MissingParameter", "The request must contain the parameter MessageBody.")
    _check_characters(message.message_body)
    attributes = _plain(message.message_attributes)
    limit = queue.number("MaximumMessageSize")
    if size(message) > limit:
        raise _too_long(limit)
    if message.delay_seconds is not None and not 0 <= message.delay_seconds <= 900:
        raise QueueFault("InvalidParameterValue", "DelaySeconds must be >= 0 and <= 900.")
    group, dedup = _fifo(queue, message)
    return Outgoing(
        body=message.message_body,
        sender=sender,
        delay=message.delay_seconds,
        attributes=msgspec.json.encode(message.message_attributes).decode() if attributes else None,
        md5_attributes=attributes_digest(attributes) if attributes else None,
        trace=_trace(message.message_system_attributes),
        md5_trace=attributes_digest(_plain(message.message_system_attributes))
        if message.message_system_attributes
        else None,
        group=group,
        dedup=dedup,
    )


def size(message: Message) -> int:
    """Bytes of a message as they count: body, and each attribute's name, type and value."""
    attributes = sum(
        len(name.encode()) + len(one.data_type.encode()) + _value_size(one)
        for name, one in message.message_attributes.items()
    )
    return len(message.message_body.encode()) + attributes


def check_batch(messages: Iterable[Message], limit: int = BODY_LIMIT) -> None:
    """Raise `QueueFault` when the messages of a batch are together too large."""
    total = sum(map(size, messages))
    if total > limit:
        raise QueueFault(
            "BatchRequestTooLong",
            f"Batch requests cannot be longer than {limit} bytes. You have sent {total} bytes.",
        )


def _too_long(limit: int) -> QueueFault:
    return QueueFault(
        "InvalidParameterValue",
        f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.",
    )


def _check_characters(text: str) -> None:
    if text.isascii():  # looking for control characters takes a third of the pattern's time
        illegal = len(text.encode().translate(None, _CONTROLS)) < len(text)
    else:
        illegal = ILLEGAL.search(text) is not None
    if illegal:
        raise QueueFault(
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to"
            " #xFFFD | #x10000 to #x10FFFF",
        )


def _plain(attributes: Mapping[str, Attribute]) -> dict[str, dict[str, str]]:
    """The attributes, each checked, by Amazon's names."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise QueueFault(
            "InvalidParameterValue",
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [10].",
        )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)
    return {name: msgspec.to_builtins(attribute) for name, attribute in attributes.items()}


def _check_attribute(name: str, attribute: Attribute) -> None:
    if not _NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
        raise QueueFault("InvalidParameterValue", f"Invalid message attribute name: {name!r}.")
    if not _TYPE.fullmatch(attribute.data_type):
        raise QueueFault(
            "InvalidParameterValue",
            f"The message attribute '{name}' must contain a non-empty, known DataType.",
        )
    kind = attribute.data_type.partition(".")[0]
    value = attribute.binary_value if kind == "Binary" else attribute.string_value
    if not value:
        raise QueueFault(
            "InvalidParameterValue",
            f"The message attribute '{name}' must contain non-empty message attribute value.",
        )
    if kind == "Binary":
        _binary(value)
        return
    _check_characters(value)
    if kind == "Number" and not (_NUMBER.fullmatch(value) and len(value) <= 128):
        raise QueueFault(
            "InvalidParameterValue", f"Can't cast the value of message (user) attribute '{name}' to a number."
        )


def _binary(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError) as error:
        raise QueueFault("InvalidParameterValue", "A BinaryValue is base64.") from error


def _value_size(attribute: Attribute) -> int:
    if attribute.data_type.startswith("Binary"):
        return len(_binary(attribute.binary_value or ""))
    return len((attribute.string_value or "").encode())


def _fifo(queue: Queue, message: Message) -> tuple[str | None, str | None]:
    """The message's group and deduplication id. A standard queue keeps a group that it is given, and does no more."""
    group, dedup = message.message_group_id, message.message_deduplication_id
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", dedup)):
        if value is not None and not _ID.fullmatch(value):
            raise QueueFault("InvalidParameterValue", f"Value {value!r} for parameter {name} is invalid.")
    if not queue.fifo:
        if dedup is not None:
            raise QueueFault(
                "InvalidParameterValue",
                "The parameter MessageDeduplicationId is not valid for this queue type.",
            )
        return group, None
    if group is None:
        raise QueueFault("MissingParameter", "The request must contain the parameter MessageGroupId.")
    if message.delay_seconds:
        raise QueueFault("InvalidParameterValue", "DelaySeconds is the queue's alone: it is FIFO.")
    if dedup is None:
        if queue.attributes.get("ContentBasedDeduplication") != "true":
            raise QueueFault(
                "InvalidParameterValue",
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided"
                " explicitly",
            )
        dedup = sha256(message.message_body.encode()).hexdigest()
    return group, dedup


def _trace(attributes: Mapping[str, Attribute]) -> str | None:
    """The one system attribute that a sender may set."""
    unknown = [name for name in attributes if name != "AWSTraceHeader"]
    if unknown:
        raise QueueFault("InvalidParameterValue", f"Message system attribute name '{unknown[0]}' is invalid.")
    trace = attributes.get("AWSTraceHeader")
    return trace.string_value if trace else None
