"""A message that somebody publishes, checked: size, subject, structure, attributes (SNS-7). Pure."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping

import msgspec

from heliograph.aws.faults import AwsFault
from heliograph.events.topics import TopicPublished
from heliograph.outbound.topics.asked import Attribute, Message, invalid
from heliograph.outbound.topics.attributes import SIZE
from heliograph.react.state.topics import Topic

SUBJECT = 100
"""Characters of a subject."""

BATCH = 10
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_TYPE = re.compile(r"(?:String|Number|Binary)(?:\.[\x21-\x7e]{1,249})?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def publication(topic: Topic, message: Message) -> TopicPublished:
    """The message as it is recorded. Raises `AwsFault`."""
    if not message.message:
        raise invalid("Empty message")
    if len(message.subject) > SUBJECT or not (message.subject or " ").isprintable():
        raise invalid("Subject")
    if message.message_structure not in ("", "json"):
        raise invalid("MessageStructure")
    if message.message_structure == "json" and texts(message.message).get("default") is None:
        raise invalid("Message Structure - No default entry in JSON message body")
    for name, attribute in message.message_attributes.items():
        _check_attribute(name, attribute)
    limit = int(topic.attributes.get("MaximumMessageSize") or SIZE)
    if size(message) > limit:
        raise invalid(f"Message too long: {size(message)} bytes of at most {limit}")
    return TopicPublished(
        topic=topic.name,
        body=message.message,
        title=message.subject,
        structure=message.message_structure,
        attributes={
            name: msgspec.to_builtins(attribute) for name, attribute in message.message_attributes.items()
        },
    )


def size(message: Message) -> int:
    """Bytes of a message as they count: body, and each attribute's name, type and value."""
    return len(message.message.encode()) + sum(
        len(name.encode()) + len(one.data_type) + len((one.string_value or one.binary_value or "").encode())
        for name, one in message.message_attributes.items()
    )


def check_ids(ids: list[str]) -> None:
    """Raise `AwsFault` unless these are the ids of a batch."""
    if not ids:
        raise AwsFault("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(ids) > BATCH:
        raise AwsFault("TooManyEntriesInBatchRequest", f"A batch has up to {BATCH} entries.")
    if len(set(ids)) < len(ids):
        raise AwsFault("BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
    if not all(map(_ID.fullmatch, ids)):
        raise AwsFault(
            "InvalidBatchEntryId", "The Id of a batch entry has 1 to 80 of A-Z, a-z, 0-9, - and _."
        )


def text_for(published: TopicPublished, protocol: str) -> str:
    """What subscribers of a protocol get."""
    if published.structure != "json":
        return published.body
    found = texts(published.body)
    text = found.get(protocol)
    return text if text is not None else found.get("default") or ""


def texts(body: str) -> Mapping[str, str]:
    """The texts per protocol of a message in the structure `json`; what is no text is left out."""
    try:
        said = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise invalid("Message Structure - JSON message body failed to parse") from error
    return {name: text for name, text in said.items() if isinstance(text, str)}


def _check_attribute(name: str, attribute: Attribute) -> None:
    if not _NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
        raise _value(f"Invalid message attribute name: {name[:256]!r}.")
    if not _TYPE.fullmatch(attribute.data_type):
        raise _value(f"The message attribute '{name}' has an invalid message attribute type.")
    kind = attribute.data_type.partition(".")[0]
    value = attribute.binary_value if kind == "Binary" else attribute.string_value
    if not value:
        raise _value(f"The message attribute '{name}' must contain non-empty message attribute value.")
    if kind == "Binary":
        try:
            b64decode(value, validate=True)
        except (Base64Error, ValueError) as error:
            raise _value(f"The message attribute '{name}' is not base64.") from error
    if kind == "Number" and not _NUMBER.fullmatch(value):
        raise _value(f"Could not cast message attribute '{name}' value to number.")


def _value(why: str) -> AwsFault:
    return AwsFault("ParameterValueInvalid", why)
