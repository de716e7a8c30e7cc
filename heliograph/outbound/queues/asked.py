"""What SQS's operations are asked with: one struct per operation, with Amazon's names (model 2012-11-05).

`read` checks types and presence; what values mean is checked where they are used.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import field

from heliograph.aws.faults import AwsFault


class Asked(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Most operations name a queue by its URL; older SDKs by the path they post to."""

    queue_url: str = ""


class CreateQueue(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    queue_name: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = field(default={}, name="tags")
    more_tags: dict[str, str] = field(default={}, name="Tags")


class GetQueueUrl(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    queue_name: str
    owner: str = field(default="", name="QueueOwnerAWSAccountId")


class ListQueues(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    queue_name_prefix: str = ""
    next_token: str = ""
    max_results: int | None = None


class ListSources(Asked, frozen=True, kw_only=True, rename="pascal"):
    next_token: str = ""
    max_results: int | None = None


class GetAttributes(Asked, frozen=True, kw_only=True, rename="pascal"):
    attribute_names: list[str] = []


class SetAttributes(Asked, frozen=True, kw_only=True, rename="pascal"):
    attributes: dict[str, str] = {}


class Tag(Asked, frozen=True, kw_only=True, rename="pascal"):
    tags: dict[str, str] = {}


class Untag(Asked, frozen=True, kw_only=True, rename="pascal"):
    tag_keys: list[str] = []


class Permit(Asked, frozen=True, kw_only=True, rename="pascal"):
    label: str
    accounts: list[str] = field(default=[], name="AWSAccountIds")
    actions: list[str] = []


class Attribute(msgspec.Struct, frozen=True, kw_only=True, rename="pascal", omit_defaults=True):
    """A message attribute: text or base64, and which."""

    data_type: str
    string_value: str | None = None
    binary_value: str | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A message to be sent, alone or as an entry of a batch."""

    message_body: str = ""
    delay_seconds: int | None = None
    message_attributes: dict[str, Attribute] = {}
    message_system_attributes: dict[str, Attribute] = {}
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class SendMessage(Message, frozen=True, kw_only=True, rename="pascal"):
    queue_url: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What every entry of a batch has."""

    id: str


class SendEntry(Message, frozen=True, kw_only=True, rename="pascal"):
    id: str


class DeleteEntry(Entry, frozen=True, kw_only=True, rename="pascal"):
    receipt_handle: str


class HideEntry(Entry, frozen=True, kw_only=True, rename="pascal"):
    receipt_handle: str
    visibility_timeout: int = 0


class SendBatch(Asked, frozen=True, kw_only=True, rename="pascal"):
    entries: list[SendEntry] = []


class DeleteBatch(Asked, frozen=True, kw_only=True, rename="pascal"):
    entries: list[DeleteEntry] = []


class HideBatch(Asked, frozen=True, kw_only=True, rename="pascal"):
    entries: list[HideEntry] = []


class Receive(Asked, frozen=True, kw_only=True, rename="pascal"):
    attribute_names: list[str] = []
    message_system_attribute_names: list[str] = []
    message_attribute_names: list[str] = []
    max_number_of_messages: int = 1
    visibility_timeout: int | None = None
    wait_time_seconds: int | None = None
    receive_request_attempt_id: str = ""


class Delete(Asked, frozen=True, kw_only=True, rename="pascal"):
    receipt_handle: str


class Hide(Asked, frozen=True, kw_only=True, rename="pascal"):
    receipt_handle: str
    visibility_timeout: int


class StartMove(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    source_arn: str
    destination_arn: str = ""
    max_number_of_messages_per_second: int | None = None


class CancelMove(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    task_handle: str


class ListMoves(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    source_arn: str
    max_results: int = 1


T = TypeVar("T", bound=msgspec.Struct)


def read(parameters: dict[str, Any], kind: type[T]) -> T:
    """The parameters as the operation wants them; the Query protocol's texts become numbers. Raises `AwsFault`."""
    try:
        return msgspec.convert(parameters, kind, strict=False)
    except msgspec.ValidationError as error:
        text = str(error)
        missing = text.partition("required field `")[2].partition("`")[0]
        if missing:
            raise AwsFault(
                "MissingParameter", f"The request must contain the parameter {missing}."
            ) from error
        raise AwsFault(
            "InvalidParameterValue", f"One or more parameters are invalid. Reason: {text}"
        ) from error
