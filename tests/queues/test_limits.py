"""Every limit of SQS at its boundary and one beyond, in both protocols; the code is that of each. SQS-2, SQS-7

The values are wire-facts 3.2 and the quotas page of the guide.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from signed_call import FORM, JSON, ask

from heliograph.aws.door import Call
from heliograph.clock import ManualClock
from heliograph.outbound.queues import sqs_service
from heliograph.queues.file import QueueFile
from heliograph.queues.model import QueueFault

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"

Fields = dict[str, Any]


class Limit(NamedTuple):
    """An operation at its limit, and beyond. `asked` makes the parameters from a value, in the words of either protocol."""

    operation: str
    fine: Any
    beyond: Any
    code: str
    asked: Callable[[Any], Fields]
    form: Callable[[Any], Fields]


def same(field: str) -> dict[str, Callable[[Any], Fields]]:
    """One parameter, called alike by both protocols."""
    return {"asked": lambda value: {field: value}, "form": lambda value: {field: value}}


def attribute(name: str) -> dict[str, Callable[[Any], Fields]]:
    return {
        "asked": lambda value: {"Attributes": {name: str(value)}},
        "form": lambda value: {"Attribute.1.Name": name, "Attribute.1.Value": value},
    }


def text(length: int) -> str:
    return "m" * length


def message(count: int) -> Fields:
    each = {"DataType": "String", "StringValue": "v"}
    return {"MessageBody": "m", "MessageAttributes": {f"a{n}": each for n in range(count)}}


def message_form(count: int) -> Fields:
    form = {"MessageBody": "m"}
    for n in range(count):
        start = f"MessageAttribute.{n + 1}"
        form |= {
            f"{start}.Name": f"a{n}",
            f"{start}.Value.DataType": "String",
            f"{start}.Value.StringValue": "v",
        }
    return form


def named_attribute(length: int) -> Fields:
    return {
        "MessageBody": "m",
        "MessageAttributes": {"a" * length: {"DataType": "String", "StringValue": "v"}},
    }


def named_attribute_form(length: int) -> Fields:
    start = "MessageAttribute.1"
    return {
        "MessageBody": "m",
        f"{start}.Name": "a" * length,
        f"{start}.Value.DataType": "String",
        f"{start}.Value.StringValue": "v",
    }


def entries(count: int) -> Fields:
    return {"Entries": [{"Id": str(n), "MessageBody": "m"} for n in range(count)]}


def entries_form(count: int) -> Fields:
    start = "SendMessageBatchRequestEntry"
    return {
        f"{start}.{n + 1}.{field}": value
        for n in range(count)
        for field, value in (("Id", n), ("MessageBody", "m"))
    }


def entry_named(length: int) -> Fields:
    return {"Entries": [{"Id": "e" * length, "MessageBody": "m"}]}


def entry_named_form(length: int) -> Fields:
    return {
        "SendMessageBatchRequestEntry.1.Id": "e" * length,
        "SendMessageBatchRequestEntry.1.MessageBody": "m",
    }


def tags(count: int) -> Fields:
    return {"Tags": {f"t{n}": "v" for n in range(count)}}


def tags_form(count: int) -> Fields:
    return {
        f"Tag.{n + 1}.{field}": value
        for n in range(count)
        for field, value in (("Key", f"t{n}"), ("Value", "v"))
    }


def label(length: int) -> Fields:
    return {"Label": "l" * length, "AWSAccountIds": ["222222222222"], "Actions": ["SendMessage"]}


def label_form(length: int) -> Fields:
    return {"Label": "l" * length, "AWSAccountId.1": "222222222222", "ActionName.1": "SendMessage"}


PREFIX = "AWS.SimpleQueueService."
VALUE, ATTRIBUTE = "InvalidParameterValue", "InvalidAttributeValue"

LIMITS = {
    "a delay of 15 minutes": Limit("SetQueueAttributes", 900, 901, ATTRIBUTE, **attribute("DelaySeconds")),
    "a delay of nothing": Limit("SetQueueAttributes", 0, -1, ATTRIBUTE, **attribute("DelaySeconds")),
    "hidden for 12 hours": Limit("SetQueueAttributes", 43_200, 43_201, ATTRIBUTE, **attribute("VisibilityTimeout")),
    "a long poll of 20 seconds": Limit("SetQueueAttributes", 20, 21, ATTRIBUTE, **attribute("ReceiveMessageWaitTimeSeconds")),
    "kept for 14 days": Limit("SetQueueAttributes", 1_209_600, 1_209_601, ATTRIBUTE, **attribute("MessageRetentionPeriod")),
    "kept for a minute": Limit("SetQueueAttributes", 60, 59, ATTRIBUTE, **attribute("MessageRetentionPeriod")),
    "messages of a mebibyte": Limit("SetQueueAttributes", 1_048_576, 1_048_577, ATTRIBUTE, **attribute("MaximumMessageSize")),
    "messages of a kibibyte": Limit("SetQueueAttributes", 1_024, 1_023, ATTRIBUTE, **attribute("MaximumMessageSize")),
    "a message's delay of 15 minutes": Limit("SendMessage", 900, 901, VALUE, lambda n: {"MessageBody": "m", "DelaySeconds": n}, lambda n: {"MessageBody": "m", "DelaySeconds": n}),
    "a body of a mebibyte": Limit("SendMessage", 1_048_576, 1_048_577, VALUE, lambda n: {"MessageBody": text(n)}, lambda n: {"MessageBody": text(n)}),
    "ten attributes": Limit("SendMessage", 10, 11, VALUE, message, message_form),
    "an attribute's name of 256": Limit("SendMessage", 256, 257, VALUE, named_attribute, named_attribute_form),
    "ten entries": Limit("SendMessageBatch", 10, 11, f"{PREFIX}TooManyEntriesInBatchRequest", entries, entries_form),
    "an entry's id of 80": Limit("SendMessageBatch", 80, 81, f"{PREFIX}InvalidBatchEntryId", entry_named, entry_named_form),
    "ten messages at once": Limit("ReceiveMessage", 10, 11, VALUE, **same("MaxNumberOfMessages")),
    "one message at once": Limit("ReceiveMessage", 1, 0, VALUE, **same("MaxNumberOfMessages")),
    "a receive that hides for 12 hours": Limit("ReceiveMessage", 43_200, 43_201, VALUE, **same("VisibilityTimeout")),
    "a receive of 20 seconds": Limit("ReceiveMessage", 20, 21, VALUE, **same("WaitTimeSeconds")),
    "fifty tags": Limit("TagQueue", 50, 51, VALUE, tags, tags_form),
    "a label of 80": Limit("AddPermission", 80, 81, VALUE, label, label_form),
}  # fmt: skip


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_holds_at_its_boundary_in_both_protocols(url: str, sqs: Any, queue: str, what: str) -> None:
    """SQS-7"""
    limit = LIMITS[what]
    if limit.operation == "ReceiveMessage":
        sqs.send_message_batch(
            QueueUrl=queue, Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(10)]
        )
    told = {"Content-Type": JSON, "X-Amz-Target": f"AmazonSQS.{limit.operation}"}

    def as_json(value: Any) -> tuple[int, str]:
        body = json.dumps({"QueueUrl": queue, **limit.asked(value)})
        status, _, headers = ask(url, body, told)
        return status, headers.get("x-amzn-query-error", "").partition(";")[0]

    def as_query(value: Any) -> tuple[int, str]:
        form = {"Action": limit.operation, "QueueUrl": queue, **limit.form(value)}
        status, body, _ = ask(url, urlencode(form), {"Content-Type": FORM})
        return status, ElementTree.fromstring(body).findtext(f"{NS}Error/{NS}Code") or ""

    assert as_json(limit.beyond) == as_query(limit.beyond) == (400, limit.code)
    assert as_json(limit.fine) == (200, "")
    if limit.operation == "ReceiveMessage":
        sqs.send_message(QueueUrl=queue, MessageBody="another, so that nobody waits")
    if limit.operation == "AddPermission":
        sqs.remove_permission(QueueUrl=queue, Label="l" * 80)
    assert as_query(limit.fine) == (200, "")


@pytest.mark.parametrize(("letters", "ending"), [(80, ""), (75, ".fifo")])
def test_a_name_has_up_to_80_characters(sqs: Any, letters: int, ending: str) -> None:
    """SQS-7: the ending of a FIFO queue counts."""
    fifo = {"Attributes": {"FifoQueue": "true"}} if ending else {}
    unique = uuid.uuid4().hex
    longest = unique + "n" * (letters - len(unique))
    assert sqs.create_queue(QueueName=longest + ending, **fifo)["QueueUrl"].endswith(longest + ending)
    with pytest.raises(sqs.exceptions.ClientError, match="InvalidParameterValue"):
        sqs.create_queue(QueueName=f"n{longest}{ending}", **fifo)


class Desk:
    """Queues in this process, so that a hundred thousand messages are there in no time."""

    def __init__(self, data: Path) -> None:
        self.file, self.clock = QueueFile(data), ManualClock()
        self.operations = sqs_service(self.file, "http://here", self.clock).operations

    async def ask(self, operation: str, **parameters: Any) -> Any:
        return await self.operations[operation](Call(operation, parameters, "111111111111", ""))

    async def hidden(self, count: int) -> None:
        """So many messages that somebody has received, each in a group of its own."""
        fill = (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) INSERT INTO messages"
            " (queue, id, body, md5, sender, sent, visible, receives, grp) SELECT 1, x, 'm', '', '', ?2, ?2 + 1000, 1, x FROM n"
        )
        now = self.clock.now() // 1000
        await self.file.do(lambda connection: connection.execute(fill, (count, now)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.file.close()


@pytest.mark.parametrize(("name", "most"), [("q", 120_000), ("q.fifo", 20_000)])
async def test_so_many_messages_may_be_in_flight_and_not_one_more(desk: Desk, name: str, most: int) -> None:
    """SQS-7: the limit is Amazon's own number; a delete makes room."""
    fifo = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
    url = (await desk.ask("CreateQueue", QueueName=name, **fifo))["QueueUrl"]
    await desk.hidden(most - 1)
    for number in range(3):
        group = {"MessageGroupId": f"g{number}", "MessageDeduplicationId": str(number)} if fifo else {}
        await desk.ask("SendMessage", QueueUrl=url, MessageBody="m", **group)
    (last,) = (await desk.ask("ReceiveMessage", QueueUrl=url))["Messages"]
    with pytest.raises(QueueFault) as caught:
        await desk.ask("ReceiveMessage", QueueUrl=url)
    assert caught.value.code == "OverLimit"
    await desk.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=last["ReceiptHandle"])
    assert len((await desk.ask("ReceiveMessage", QueueUrl=url))["Messages"]) == 1


async def test_a_poll_of_twenty_seconds_ends_after_twenty(desk: Desk) -> None:
    """SQS-5, SQS-7"""
    url = (await desk.ask("CreateQueue", QueueName="q"))["QueueUrl"]
    waiting = asyncio.ensure_future(desk.ask("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20))
    async with asyncio.timeout(90):
        while not desk.clock.sleeping:  # noqa: ASYNC110 - it has found nothing and waits; that has no event
            await asyncio.sleep(0.001)
        await desk.clock.advance(19.9)
        assert not waiting.done()
        await desk.clock.advance(0.2)
        assert await waiting == {}
