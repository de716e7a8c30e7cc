"""Signed requests that are made to break something: each is a clear fault of the caller's, and the next one is served. SQS-2, SQS-7"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from signed_call import FORM, JSON, ask

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"
DEEP = "[" * 100_000
MANY_DIGITS = "9" * 5_000
GRAVE = "arn:aws:sqs:us-east-1:111111111111:dead"

QUERIES: dict[str, tuple[str | bytes, str]] = {
    "a name of very many parts": ("Action=CreateQueue&QueueName=q&" + "a." * 1_000_000 + "b=1", "MalformedQueryString"),
    "a name given in two ways": ("Action=CreateQueue&Tag=1&Tag.1.Key=2", "MalformedQueryString"),
    "more fields than any call has": ("Action=CreateQueue&" + "&".join(f"a{n}=1" for n in range(3_000)), "MalformedQueryString"),
    "no UTF-8": (b"Action=\xff", "MalformedQueryString"),
    "a number in superscript": (urlencode({"Action": "SendMessageBatch", "SendMessageBatchRequestEntry.\u00b2": "1"}), "InvalidParameterValue"),
    "an entry of very many digits": (f"Action=SendMessageBatch&SendMessageBatchRequestEntry.{MANY_DIGITS}=1", "InvalidParameterValue"),
    "very many messages": (f"Action=ReceiveMessage&QueueUrl=/111111111111/q&MaxNumberOfMessages={MANY_DIGITS}", "InvalidParameterValue"),
    "infinitely many messages": ("Action=ReceiveMessage&QueueUrl=/111111111111/q&MaxNumberOfMessages=inf", "InvalidParameterValue"),
    "a name with a null": ("Action=CreateQueue&QueueName=%00", "InvalidParameterValue"),
    "no action": ("Version=2012-11-05", "InvalidAction"),
    "another service's version": ("Action=CreateQueue&Version=2010-03-31", "InvalidAction"),
}  # fmt: skip

CALLS: dict[str, tuple[str, str, str]] = {
    "a deep body": ("CreateQueue", '{"a":' * 100_000, "SerializationException"),
    "a body that is a list": ("CreateQueue", "[1]", "SerializationException"),
    "half a surrogate pair": ("SendMessage", '{"MessageBody": "\\ud800 is only half of it"}', "SerializationException"),
    "an endless number": ("ReceiveMessage", '{"MaxNumberOfMessages": 1e999}', "SerializationException"),
    "a control character": ("SendMessage", '{"QueueUrl": "$", "MessageBody": "\\u0000"}', "InvalidMessageContents"),
    "a character that is none": ("SendMessage", '{"QueueUrl": "$", "MessageBody": "\\uffff"}', "InvalidMessageContents"),
    "an attribute with a control character": (
        "SendMessage", '{"QueueUrl": "$", "MessageBody": "m", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "\\u0008"}}}', "InvalidMessageContents",
    ),
    "binary that is none": (
        "SendMessage", '{"QueueUrl": "$", "MessageBody": "m", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "ü"}}}', "InvalidParameterValue",
    ),
    "a deep redrive policy": ("SetQueueAttributes", json.dumps({"QueueUrl": "$", "Attributes": {"RedrivePolicy": DEEP}}), "InvalidAttributeValue"),
    "a receive count of very many digits": (
        "SetQueueAttributes",
        json.dumps({"QueueUrl": "$", "Attributes": {"RedrivePolicy": json.dumps({"deadLetterTargetArn": GRAVE, "maxReceiveCount": MANY_DIGITS})}}),
        "InvalidAttributeValue",
    ),
    "digits of another script": ("SetQueueAttributes", '{"QueueUrl": "$", "Attributes": {"DelaySeconds": "\\u0663"}}', "InvalidAttributeValue"),
    "a deep task handle": ("CancelMessageMoveTask", json.dumps({"TaskHandle": b64encode(DEEP.encode()).decode()}), "ResourceNotFoundException"),
    "a handle that is none": ("DeleteMessage", '{"QueueUrl": "$", "ReceiptHandle": "ü"}', "ReceiptHandleIsInvalid"),
    "an operation that is none": ("__init__", "{}", "UnknownOperationException"),
}  # fmt: skip


@pytest.mark.parametrize("what", QUERIES)
def test_a_hostile_form_is_the_callers_fault(url: str, what: str) -> None:
    body, code = QUERIES[what]
    status, answer, _ = ask(url, body, {"Content-Type": FORM})
    assert (status, ElementTree.fromstring(answer).findtext(f"{NS}Error/{NS}Code")) == (400, code)


@pytest.mark.parametrize("what", CALLS)
def test_a_hostile_call_is_the_callers_fault(url: str, queue: str, what: str) -> None:
    operation, body, shape = CALLS[what]
    told = {"Content-Type": JSON, "X-Amz-Target": f"AmazonSQS.{operation}"}
    status, answer, _ = ask(url, body.replace("$", queue).encode(), told)
    assert json.loads(answer)["__type"].rpartition("#")[2] == shape and 400 <= status < 500


def test_a_policy_that_cannot_be_read_lets_nobody_in(sqs: Any, client: Any, queue: str) -> None:
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": DEEP[:90_000]})
    other = client("AKIASECOND")
    with pytest.raises(other.exceptions.ClientError, match="AccessDenied"):
        other.send_message(QueueUrl=queue, MessageBody="m")
