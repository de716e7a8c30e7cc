"""Older SDKs: the Query protocol, signed by botocore's own signer. SQS-1, SQS-2, SQS-3, SQS-9"""

from __future__ import annotations

import hashlib
import http.client
import struct
import uuid
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NS = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def signed(
    url: str, form: Mapping[str, Any], *, key: str = "AKIAFIRST", secret: str = "secret/one+x"
) -> AWSRequest:
    request = AWSRequest(
        "POST",
        url,
        data=urlencode(form),
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
    )
    SigV4Auth(Credentials(key, secret), "sqs", "us-east-1").add_auth(request)
    return request


def post(request: AWSRequest) -> tuple[int, ElementTree.Element, Mapping[str, str]]:
    place = urlsplit(request.url)
    connection = http.client.HTTPConnection(place.netloc, timeout=90)
    connection.request("POST", place.path or "/", request.data, dict(request.headers))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, ElementTree.fromstring(body), dict(answer.headers)


def ask(url: str, action: str, **form: Any) -> tuple[int, ElementTree.Element]:
    fields = {"Action": action, "Version": "2012-11-05"} | {k.replace("__", "."): v for k, v in form.items()}
    status, root, _ = post(signed(url, fields))
    return status, root


def error(root: ElementTree.Element) -> tuple[str | None, str | None]:
    return root.findtext(f"{NS}Error/{NS}Type"), root.findtext(f"{NS}Error/{NS}Code")


@pytest.fixture
def place(url: str) -> str:
    """A queue made with the Query protocol."""
    called = f"q{uuid.uuid4().hex[:12]}"
    status, root = ask(
        url,
        "CreateQueue",
        QueueName=called,
        Attribute__1__Name="VisibilityTimeout",
        Attribute__1__Value="600",
    )
    assert status == 200 and root.tag == f"{NS}CreateQueueResponse"
    found = root.findtext(f"{NS}CreateQueueResult/{NS}QueueUrl")
    assert found == f"{url}/111111111111/{called}" and root.findtext(f"{NS}ResponseMetadata/{NS}RequestId")
    return found


def test_the_queues_own_path_is_enough(place: str) -> None:
    """SQS-9: AWS SDK v1 for Java posts to the queue's path without a QueueUrl."""
    body = "a \r\n & <b> 😀"
    status, root = ask(
        place,
        "SendMessage",
        MessageBody=body,
        MessageAttribute__1__Name="n",
        MessageAttribute__1__Value__DataType="Number",
        MessageAttribute__1__Value__StringValue="7",
    )
    result = root.find(f"{NS}SendMessageResult")
    assert status == 200 and result is not None
    assert result.findtext(f"{NS}MD5OfMessageBody") == hashlib.md5(body.encode()).hexdigest()
    status, root = ask(place, "ReceiveMessage", MessageAttributeName__1="All", AttributeName__1="All")
    message = root.find(f"{NS}ReceiveMessageResult/{NS}Message")
    assert message is not None and message.findtext(f"{NS}Body") == body
    names = {a.findtext(f"{NS}Name"): a.findtext(f"{NS}Value") for a in message.findall(f"{NS}Attribute")}
    assert names["ApproximateReceiveCount"] == "1"
    value = message.find(f"{NS}MessageAttribute/{NS}Value")
    assert value is not None and value.findtext(f"{NS}StringValue") == "7"
    status, root = ask(place, "DeleteMessage", ReceiptHandle=message.findtext(f"{NS}ReceiptHandle"))
    assert status == 200 and root.tag == f"{NS}DeleteMessageResponse"


def test_what_one_protocol_puts_in_the_other_takes_out(place: str, sqs: Any) -> None:
    """SQS-1"""
    ask(place, "SendMessage", QueueUrl=place, MessageBody="from Query")
    (message,) = sqs.receive_message(QueueUrl=place)["Messages"]
    assert message["Body"] == "from Query"
    sqs.change_message_visibility(QueueUrl=place, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    _, root = ask(place, "ReceiveMessage")
    assert root.findtext(f"{NS}ReceiveMessageResult/{NS}Message/{NS}Body") == "from Query"


def test_batches_are_numbered_entries(place: str) -> None:
    form = {}
    for n in (1, 2, 10):
        form[f"SendMessageBatchRequestEntry__{n}__Id"] = f"e{n}"
        form[f"SendMessageBatchRequestEntry__{n}__MessageBody"] = "ok" if n < 10 else "\x01"
    _, root = ask(place, "SendMessageBatch", **form)
    result = root.find(f"{NS}SendMessageBatchResult")
    assert result is not None
    good = [e.findtext(f"{NS}Id") for e in result.findall(f"{NS}SendMessageBatchResultEntry")]
    bad = [
        (e.findtext(f"{NS}Id"), e.findtext(f"{NS}SenderFault"))
        for e in result.findall(f"{NS}BatchResultErrorEntry")
    ]
    assert good == ["e1", "e2"] and bad == [("e10", "true")]


@pytest.mark.parametrize(
    ("action", "form", "status", "query_code"),
    [
        ("SendMessage", {"QueueUrl": "/111111111111/none", "MessageBody": "m"}, 400, "AWS.SimpleQueueService.NonExistentQueue"),
        ("SendMessage", {"MessageBody": "m"}, 400, "MissingParameter"),
        ("SendMessageBatch", {}, 400, "AWS.SimpleQueueService.EmptyBatchRequest"),
        ("DeleteMessage", {"ReceiptHandle": "nonsense"}, 400, "ReceiptHandleIsInvalid"),
        ("ReceiveMessage", {"MaxNumberOfMessages": "11"}, 400, "InvalidParameterValue"),
        ("ReceiveMessage", {"AttributeName.1": "Colour"}, 400, "InvalidAttributeName"),
        ("StartMessageMoveTask", {"SourceArn": "arn:aws:sqs:us-east-1:111111111111:none"}, 404, "ResourceNotFoundException"),
        ("Dance", {}, 400, "InvalidAction"),
    ],
)  # fmt: skip
def test_errors_have_the_query_shape(
    url: str, place: str, action: str, form: dict[str, str], status: int, query_code: str
) -> None:
    """SQS-2"""
    at = url if action == "SendMessage" or "Arn" in str(form) else place
    answered, root, headers = post(signed(at + ("" if at == place else "/"), {"Action": action, **form}))
    assert answered == status and root.tag == f"{NS}ErrorResponse"
    assert error(root) == ("Sender", query_code)
    assert headers["content-type"] == "text/xml"
    assert root.findtext(f"{NS}RequestId") == headers["x-amzn-requestid"]


def test_an_unsigned_request_is_refused(place: str) -> None:
    """SQS-3"""
    bare = AWSRequest(
        "POST",
        place,
        data="Action=ReceiveMessage",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    status, root, _ = post(bare)
    assert status == 403 and error(root)[1] == "MissingAuthenticationToken"
    bare.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=AKIA"
    assert error(post(bare)[1])[1] == "IncompleteSignature"


def test_a_changed_request_has_a_wrong_signature(place: str) -> None:
    """SQS-3"""
    request = signed(place, {"Action": "SendMessage", "MessageBody": "pay 10"})
    request.data = request.data.replace("10", "99")
    status, root, _ = post(request)
    assert (status, error(root)[1]) == (403, "SignatureDoesNotMatch")
    request = signed(place, {"Action": "ReceiveMessage"})
    elsewhere = signed(place + "x", {"Action": "ReceiveMessage"})
    request.headers.replace_header("Authorization", elsewhere.headers["Authorization"])
    assert error(post(request)[1])[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("minutes", "code"), [(14, None), (-14, None), (16, "RequestExpired"), (-16, "RequestExpired")]
)
def test_a_request_from_another_time_is_refused(
    place: str, minutes: int, code: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS-3"""
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None))
    status, root, _ = post(signed(place, {"Action": "GetQueueUrl", "QueueName": place.rpartition("/")[2]}))
    assert (status == 200) == (code is None) and error(root)[1] == code


def test_digests_of_attributes_are_those_of_the_guide(place: str, sqs: Any) -> None:
    """SQS-4: written again here from the guide's words, in another way."""
    attributes = {
        "b": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xfe"},
        "a": {"DataType": "String.note", "StringValue": "grüße"},
        "C": {"DataType": "Number", "StringValue": "12"},
    }
    parts = []
    for attribute, kind, transport, value in (
        (b"C", b"Number", 1, b"12"),
        (b"a", b"String.note", 1, "grüße".encode()),
        (b"b", b"Binary", 2, b"\x00\x01\xfe"),
    ):
        parts += [struct.pack(f">I{len(attribute)}s", len(attribute), attribute)]
        parts += [struct.pack(f">I{len(kind)}s", len(kind), kind)]
        parts += [struct.pack(f">BI{len(value)}s", transport, len(value), value)]
    expected = hashlib.md5(b"".join(parts)).hexdigest()
    sent = sqs.send_message(QueueUrl=place, MessageBody="m", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == expected
    assert b64encode(b"\x00\x01\xfe") == b"AAH+"
