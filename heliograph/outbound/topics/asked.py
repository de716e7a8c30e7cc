"""What SNS's operations are asked with: one struct per operation, with Amazon's names (model 2010-03-31).

`read` checks types and presence; what values mean is checked where they are used.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from heliograph.aws.faults import AwsFault


class Tag(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    key: str
    value: str = ""


class CreateTopic(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    name: str
    attributes: dict[str, str] = {}
    tags: list[Tag] = []


class OnTopic(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    topic_arn: str


class Page(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    next_token: str = ""


class ListByTopic(OnTopic, frozen=True, kw_only=True, rename="pascal"):
    next_token: str = ""


class SetTopic(OnTopic, frozen=True, kw_only=True, rename="pascal"):
    attribute_name: str
    attribute_value: str = ""


class Subscribe(OnTopic, frozen=True, kw_only=True, rename="pascal"):
    protocol: str
    endpoint: str = ""
    attributes: dict[str, str] = {}
    return_subscription_arn: bool = False


class Confirm(OnTopic, frozen=True, kw_only=True, rename="pascal"):
    token: str
    authenticate_on_unsubscribe: bool = False


class OnSubscription(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    subscription_arn: str


class SetSubscription(OnSubscription, frozen=True, kw_only=True, rename="pascal"):
    attribute_name: str
    attribute_value: str = ""


class Attribute(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """A message attribute: text or base64, and which."""

    data_type: str
    string_value: str | None = None
    binary_value: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A message to be published, alone or as an entry of a batch."""

    message: str
    subject: str = ""
    message_structure: str = ""
    message_attributes: dict[str, Attribute] = {}


class Publish(Message, frozen=True, kw_only=True, rename="pascal"):
    topic_arn: str = ""
    target_arn: str = ""
    phone_number: str = ""


class Entry(Message, frozen=True, kw_only=True, rename="pascal"):
    id: str


class PublishBatch(OnTopic, frozen=True, kw_only=True, rename="pascal"):
    publish_batch_request_entries: list[Entry] = []


class OnResource(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    resource_arn: str
    tags: list[Tag] = []
    tag_keys: list[str] = []


T = TypeVar("T", bound=msgspec.Struct)


def read(parameters: dict[str, Any], kind: type[T]) -> T:
    """The parameters as the operation wants them; the protocol's texts become flags. Raises `AwsFault`."""
    try:
        return msgspec.convert(parameters, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from error


def invalid(why: str) -> AwsFault:
    """What SNS says of almost everything that is wrong with a request."""
    return AwsFault("InvalidParameter", f"Invalid parameter: {why}")
