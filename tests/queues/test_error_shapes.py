"""Every error of the SQS model in the shapes of both protocols, provoked over the wire and signed by botocore. SQS-2

What each has to be is wire-facts 3.2, from botocore's model of before and after the protocol changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree

import msgspec
import pytest
from signed_call import ask

from heliograph.aws.faults import json_fault, query_fault
from heliograph.outbound.queues.faults import sqs_fault
from heliograph.queues.model import QueueFault

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"
PREFIX = "AWS.SimpleQueueService."
ARN = "arn:aws:sqs:us-east-1:111111111111:"


class Case(NamedTuple):
    """What is asked, and the error that it must be. `prepare` gets the client and a new queue's URL."""

    shape: str
    status: int
    query_code: str
    action: str
    prepare: Callable[[Any, str], dict[str, Any]]


def named(url: str) -> str:
    return url.rpartition("/")[2]


def entries(*made: tuple[str, str]) -> Callable[[Any, str], dict[str, Any]]:
    found = [{"Id": id_, "MessageBody": body} for id_, body in made]
    return lambda _, url: {"QueueUrl": url, "Entries": found}


def deleted(sqs: Any, url: str) -> dict[str, Any]:
    sqs.delete_queue(QueueUrl=url)
    return {"QueueName": named(url)}


def purged(sqs: Any, url: str) -> dict[str, Any]:
    sqs.purge_queue(QueueUrl=url)
    return {"QueueUrl": url}


def shown(sqs: Any, url: str) -> dict[str, Any]:
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 30}


def moving(sqs: Any, url: str) -> dict[str, Any]:
    main = sqs.create_queue(QueueName=f"{named(url)}m")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": ARN + named(url), "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=main, Attributes={"RedrivePolicy": policy})
    for _ in range(5):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    source = {"SourceArn": ARN + named(url)}
    sqs.start_message_move_task(**source, MaxNumberOfMessagesPerSecond=1)
    return source


CASES = (
    Case("QueueDoesNotExist", 400, f"{PREFIX}NonExistentQueue", "ReceiveMessage", lambda _, url: {"QueueUrl": url + "x"}),
    Case("QueueNameExists", 400, "QueueAlreadyExists", "CreateQueue", lambda _, url: {"QueueName": named(url), "Attributes": {"DelaySeconds": "9"}}),
    Case("BatchEntryIdsNotDistinct", 400, f"{PREFIX}BatchEntryIdsNotDistinct", "SendMessageBatch", entries(("a", "m"), ("a", "m"))),
    Case("BatchRequestTooLong", 400, f"{PREFIX}BatchRequestTooLong", "SendMessageBatch", entries(("a", "m" * 600_000), ("b", "m" * 500_000))),
    Case("EmptyBatchRequest", 400, f"{PREFIX}EmptyBatchRequest", "SendMessageBatch", entries()),
    Case("InvalidBatchEntryId", 400, f"{PREFIX}InvalidBatchEntryId", "SendMessageBatch", entries(("a b", "m"))),
    Case("TooManyEntriesInBatchRequest", 400, f"{PREFIX}TooManyEntriesInBatchRequest", "SendMessageBatch", entries(*((str(n), "m") for n in range(11)))),
    Case("MessageNotInflight", 400, f"{PREFIX}MessageNotInflight", "ChangeMessageVisibility", shown),
    Case("QueueDeletedRecently", 400, f"{PREFIX}QueueDeletedRecently", "CreateQueue", deleted),
    Case("UnsupportedOperation", 400, f"{PREFIX}UnsupportedOperation", "StartMessageMoveTask", moving),
    Case("PurgeQueueInProgress", 403, f"{PREFIX}PurgeQueueInProgress", "PurgeQueue", purged),
    Case("ResourceNotFoundException", 404, "ResourceNotFoundException", "StartMessageMoveTask", lambda *_: {"SourceArn": f"{ARN}none"}),
    Case("ReceiptHandleIsInvalid", 400, "ReceiptHandleIsInvalid", "DeleteMessage", lambda _, url: {"QueueUrl": url, "ReceiptHandle": "nonsense"}),
    Case("InvalidAttributeName", 400, "InvalidAttributeName", "GetQueueAttributes", lambda _, url: {"QueueUrl": url, "AttributeNames": ["Colour"]}),
    Case("InvalidMessageContents", 400, "InvalidMessageContents", "SendMessage", lambda _, url: {"QueueUrl": url, "MessageBody": "\x01"}),
)  # fmt: skip


def query_form(action: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The same parameters as a form: lists and maps are numbered, each under a name of its own."""
    form = {"Action": action, "Version": "2012-11-05"}
    for name, value in parameters.items():
        if isinstance(value, list) and not value:
            continue
        if name == "Entries":
            for n, entry in enumerate(value, 1):
                form |= {f"{action}RequestEntry.{n}.{field}": text for field, text in entry.items()}
        elif name == "Attributes":
            for n, (attribute, text) in enumerate(value.items(), 1):
                form |= {f"Attribute.{n}.Name": attribute, f"Attribute.{n}.Value": text}
        elif name == "AttributeNames":
            form |= {f"AttributeName.{n}": text for n, text in enumerate(value, 1)}
        else:
            form[name] = str(value)
    return form


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape)
def test_an_error_has_its_json_shape(url: str, sqs: Any, queue: str, case: Case) -> None:
    """SQS-2: the new name in the body, the old code in a header."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{case.action}"}
    status, body, answered = ask(url, json.dumps(case.prepare(sqs, queue)), headers)
    told = json.loads(body)
    assert (status, told["__type"]) == (case.status, f"com.amazonaws.sqs#{case.shape}")
    assert told["message"]
    assert answered["x-amzn-query-error"] == f"{case.query_code};Sender"
    assert answered["content-type"] == "application/x-amz-json-1.0" and answered["x-amzn-requestid"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape)
def test_an_error_has_its_query_shape(url: str, sqs: Any, queue: str, case: Case) -> None:
    """SQS-2"""
    form = urlencode(query_form(case.action, case.prepare(sqs, queue)))
    status, body, answered = ask(url, form, {"Content-Type": "application/x-www-form-urlencoded"})
    root = ElementTree.fromstring(body)
    assert (status, root.tag) == (case.status, f"{NS}ErrorResponse")
    told = {name: root.findtext(f"{NS}Error/{NS}{name}") for name in ("Type", "Code", "Message")}
    assert told["Message"]
    assert (told["Type"], told["Code"]) == ("Sender", case.query_code)
    assert root.findtext(f"{NS}RequestId") == answered["x-amzn-requestid"]


def test_over_the_limit_is_403_in_both_shapes() -> None:
    """SQS-2: what provokes it is `test_too_many_messages_in_flight_are_over_the_limit`; 120,000 are too many to hold here."""
    fault = sqs_fault(QueueFault("OverLimit", "too many"))
    as_json = json_fault(fault, "r", "com.amazonaws.sqs")
    assert as_json.status == 403 and ("x-amzn-query-error", "OverLimit;Sender") in as_json.headers
    assert msgspec.json.decode(as_json.body)["__type"] == "com.amazonaws.sqs#OverLimit"
    as_query = query_fault(fault, "r", NS.strip("{}"))
    assert as_query.status == 403
    assert ElementTree.fromstring(as_query.body).findtext(f"{NS}Error/{NS}Code") == "OverLimit"
