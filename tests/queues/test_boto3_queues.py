"""boto3 against our queues, as a receiver of a feed uses it. SQS-1 to SQS-8"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def name() -> str:
    return f"q{uuid.uuid4().hex[:12]}"


def code(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def received(sqs: Any, url: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get(
        "Messages", []
    )
    return found


def test_a_message_goes_in_comes_out_and_is_gone_when_deleted(sqs: Any, queue: str) -> None:
    """SQS-1, SQS-4: boto3 itself compares the digests and raises when they are wrong."""
    body = 'He said "ü 😀"\r\n\tand <left> & so on'
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    (message,) = received(sqs, queue, AttributeNames=["All"])
    assert message["Body"] == body and message["MessageId"] == sent["MessageId"]
    attributes = message["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "1" and attributes["SenderId"] == "111111111111"
    assert abs(int(attributes["SentTimestamp"]) - time.time() * 1000) < 60_000
    assert received(sqs, queue) == []
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    counted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert counted["ApproximateNumberOfMessages"] == counted["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_queue_urls_are_the_base_url_with_account_and_name(sqs: Any, url: str) -> None:
    """SQS-8"""
    called = name()
    made = sqs.create_queue(QueueName=called, Attributes={"VisibilityTimeout": "600"}, tags={"team": "mail"})
    assert made["QueueUrl"] == f"{url}/111111111111/{called}"
    assert sqs.get_queue_url(QueueName=called)["QueueUrl"] == made["QueueUrl"]
    again = sqs.create_queue(QueueName=called, Attributes={"VisibilityTimeout": "600"})
    assert again["QueueUrl"] == made["QueueUrl"]
    assert code(sqs.create_queue, QueueName=called, Attributes={"VisibilityTimeout": "5"}) == (
        "QueueAlreadyExists",
        400,
    )
    assert sqs.list_queue_tags(QueueUrl=made["QueueUrl"])["Tags"] == {"team": "mail"}
    sqs.tag_queue(QueueUrl=made["QueueUrl"], Tags={"env": "test"})
    sqs.untag_queue(QueueUrl=made["QueueUrl"], TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=made["QueueUrl"])["Tags"] == {"env": "test"}


def test_queues_are_listed_in_pages(sqs: Any) -> None:
    prefix = name()
    made = [sqs.create_queue(QueueName=f"{prefix}-{n}")["QueueUrl"] for n in range(5)]
    pages = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2}
    )
    assert [url for page in pages for url in page.get("QueueUrls", [])] == made
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="nobody-has-this")


def test_attributes_are_told_set_and_refused(sqs: Any, queue: str) -> None:
    """SQS-7"""
    asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout", "QueueArn"])
    assert asked["Attributes"]["VisibilityTimeout"] == "30"
    assert asked["Attributes"]["QueueArn"].endswith(":111111111111:" + queue.rpartition("/")[2])
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "900"})
    for attribute, value in (
        ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "1048577"),
        ("MessageRetentionPeriod", "59"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "soon"),
    ):
        assert code(sqs.set_queue_attributes, QueueUrl=queue, Attributes={attribute: value}) == (
            "InvalidAttributeValue",
            400,
        )
    assert (
        code(sqs.get_queue_attributes, QueueUrl=queue, AttributeNames=["Colour"])[0] == "InvalidAttributeName"
    )


@pytest.mark.parametrize(
    ("key", "type_", "value"),
    [
        ("StringValue", "String", "weiß"),
        ("StringValue", "Number.float", "-1.5e3"),
        ("StringValue", "String.colour", "red"),
        ("BinaryValue", "Binary", b"\x00\xff"),
        ("BinaryValue", "Binary.gif", b"GIF89a"),
    ],
)
def test_message_attributes_of_each_type_come_back(
    sqs: Any, queue: str, key: str, type_: str, value: Any
) -> None:
    """SQS-4"""
    attributes = {"a.b": {"DataType": type_, key: value}, "other": {"DataType": "String", "StringValue": "x"}}
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
    (message,) = received(sqs, queue, MessageAttributeNames=["a.*"], VisibilityTimeout=0)
    assert message["MessageAttributes"] == {"a.b": {"DataType": type_, key: value}}
    (message,) = received(sqs, queue, MessageAttributeNames=["All"])
    assert set(message["MessageAttributes"]) == {"a.b", "other"}


def test_batches_succeed_in_part(sqs: Any, queue: str) -> None:
    entries = [{"Id": str(n), "MessageBody": "x" * (n + 1)} for n in range(9)]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=[*entries, {"Id": "bad", "MessageBody": "\x08"}])
    assert {entry["Id"] for entry in answer["Successful"]} == {str(n) for n in range(9)}
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidMessageContents", True)
    messages = received(sqs, queue)
    assert len(messages) == 9
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    shown = sqs.change_message_visibility_batch(
        QueueUrl=queue,
        Entries=[{**handles[0], "VisibilityTimeout": 0}, {**handles[1], "VisibilityTimeout": 43_201}],
    )
    assert shown["Successful"] == [{"Id": "0"}] and shown["Failed"][0]["Id"] == "1"
    assert len(received(sqs, queue)) == 1
    gone = sqs.delete_message_batch(QueueUrl=queue, Entries=[*handles[1:], {"Id": "x", "ReceiptHandle": "?"}])
    assert len(gone["Successful"]) == 8 and gone["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"


def test_batches_have_their_limits(sqs: Any, queue: str) -> None:
    """SQS-7, SQS-2: the codes are those that programs of the Query protocol compare."""
    prefix = "AWS.SimpleQueueService."

    def batch(*entries: tuple[str, str]) -> str:
        return code(
            sqs.send_message_batch,
            QueueUrl=queue,
            Entries=[{"Id": entry_id, "MessageBody": body} for entry_id, body in entries],
        )[0]

    assert batch() == prefix + "EmptyBatchRequest"
    assert batch(*((str(n), "m") for n in range(11))) == prefix + "TooManyEntriesInBatchRequest"
    assert batch(("a", "m"), ("a", "m")) == prefix + "BatchEntryIdsNotDistinct"
    assert batch(("a b", "m")) == batch(("a" * 81, "m")) == prefix + "InvalidBatchEntryId"
    half = "x" * 524_288
    assert batch(("a", half), ("b", half + "x")) == prefix + "BatchRequestTooLong"
    answer = sqs.send_message_batch(
        QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": half}, {"Id": "b", "MessageBody": half}]
    )
    assert len(answer["Successful"]) == 2


def test_a_body_has_one_character_to_a_mebibyte(sqs: Any, queue: str) -> None:
    """SQS-7"""
    sqs.send_message(QueueUrl=queue, MessageBody="x" * 1_048_576)
    assert code(sqs.send_message, QueueUrl=queue, MessageBody="x" * 1_048_577)[0] == "InvalidParameterValue"
    assert code(sqs.send_message, QueueUrl=queue, MessageBody="")[0] == "MissingParameter"
    assert code(sqs.send_message, QueueUrl=queue, MessageBody="\ufffe")[0] == "InvalidMessageContents"
    attributes = {"n": {"DataType": "String", "StringValue": "v" * 10}}
    size = len("n") + len("String") + 10
    fits = "x" * (1_048_576 - size)
    sqs.send_message(QueueUrl=queue, MessageBody=fits, MessageAttributes=attributes)
    assert (
        code(sqs.send_message, QueueUrl=queue, MessageBody=fits + "x", MessageAttributes=attributes)[0]
        == "InvalidParameterValue"
    )


def test_a_long_poll_returns_when_something_is_sent(sqs: Any, client: Any, queue: str) -> None:
    """SQS-5"""
    other = client()
    sent_at: list[float] = []

    def send() -> None:
        other.send_message(QueueUrl=queue, MessageBody="now")
        sent_at.append(time.monotonic())

    timer = threading.Timer(0.3, send)
    timer.start()
    (message,) = received(sqs, queue, WaitTimeSeconds=20)
    took = time.monotonic()
    timer.join()
    assert message["Body"] == "now"
    assert took - sent_at[0] < 15  # what it takes is measured elsewhere; this is not twenty seconds


def test_a_long_poll_of_nothing_ends_without_messages(sqs: Any, queue: str) -> None:
    """SQS-5"""
    begun = time.monotonic()
    answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)
    assert "Messages" not in answer and time.monotonic() - begun >= 0.95


def test_a_hidden_message_comes_back_under_a_new_handle(sqs: Any, queue: str) -> None:
    """SQS-11: the old handle deletes nothing, and is no fault."""
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (first,) = received(sqs, queue, VisibilityTimeout=1)
    (second,) = received(sqs, queue, WaitTimeSeconds=20, AttributeNames=["ApproximateReceiveCount"])
    assert second["MessageId"] == first["MessageId"] and second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0)
    assert len(received(sqs, queue)) == 1


def test_what_is_received_too_often_goes_to_the_dead_letter_queue(sqs: Any, queue: str) -> None:
    """SQS-6"""
    grave = sqs.create_queue(QueueName=name())["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=grave, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    (first,) = received(sqs, queue, VisibilityTimeout=0, AttributeNames=["SentTimestamp"])
    assert len(received(sqs, queue, VisibilityTimeout=0)) == 1
    assert received(sqs, queue, VisibilityTimeout=0) == []
    (dead,) = received(sqs, grave, VisibilityTimeout=0, AttributeNames=["All"])
    assert dead["Body"] == "poison" and dead["MessageId"] == first["MessageId"]
    assert dead["Attributes"]["SentTimestamp"] == first["Attributes"]["SentTimestamp"]
    assert dead["Attributes"]["DeadLetterQueueSourceArn"].endswith(queue.rpartition("/")[2])
    assert sqs.list_dead_letter_source_queues(QueueUrl=grave)["queueUrls"] == [queue]
    missing = json.dumps({"deadLetterTargetArn": arn + "x", "maxReceiveCount": 2})
    assert (
        code(sqs.set_queue_attributes, QueueUrl=queue, Attributes={"RedrivePolicy": missing})[0]
        == "InvalidParameterValue"
    )


def test_a_dead_letter_queue_may_choose_its_sources(sqs: Any) -> None:
    grave = name()
    made = sqs.create_queue(
        QueueName=grave, Attributes={"RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'}
    )
    arn = sqs.get_queue_attributes(QueueUrl=made["QueueUrl"], AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    assert (
        code(sqs.create_queue, QueueName=name(), Attributes={"RedrivePolicy": policy})[0]
        == "InvalidParameterValue"
    )


def test_a_fifo_queue_keeps_order_in_a_group_and_drops_repeats(sqs: Any) -> None:
    url = sqs.create_queue(QueueName=f"{name()}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for group, body in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
    first = sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="b", MessageDeduplicationId="b1")
    assert "SequenceNumber" in first
    (a1,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert a1["Body"] == "a1" and a1["Attributes"]["MessageGroupId"] == "a"
    assert [m["Body"] for m in received(sqs, url)] == ["b1"], "group a waits for its first message"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=a1["ReceiptHandle"])
    assert [m["Body"] for m in received(sqs, url)] == ["a2", "a3"]
    assert code(sqs.send_message, QueueUrl=url, MessageBody="m")[0] == "MissingParameter"
    assert (
        code(sqs.send_message, QueueUrl=url, MessageBody="m", MessageGroupId="g")[0]
        == "InvalidParameterValue"
    )


def test_a_lost_answer_of_a_fifo_receive_can_be_asked_for_again(sqs: Any) -> None:
    url = sqs.create_queue(
        QueueName=f"{name()}.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    )["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="g")
    for _ in range(2):
        (message,) = received(sqs, url, ReceiveRequestAttemptId="try-1", AttributeNames=["All"])
        assert message["Body"] == "one" and message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert received(sqs, url) == []


def test_another_account_needs_permission(sqs: Any, client: Any, queue: str) -> None:
    """What MessageGears' clients call for MessageGears: AddPermission SendMessage."""
    other = client("AKIASECOND")
    assert code(other.send_message, QueueUrl=queue, MessageBody="m") == ("AccessDenied", 403)
    sqs.add_permission(QueueUrl=queue, Label="feed", AWSAccountIds=["222222222222"], Actions=["SendMessage"])
    other.send_message(QueueUrl=queue, MessageBody="m")
    other.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "m"}])
    assert code(other.receive_message, QueueUrl=queue) == ("AccessDenied", 403)
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(policy)["Statement"][0]["Sid"] == "feed"
    sqs.remove_permission(QueueUrl=queue, Label="feed")
    assert code(other.send_message, QueueUrl=queue, MessageBody="m") == ("AccessDenied", 403)


def test_a_queue_can_be_emptied_once_a_minute_and_deleted(sqs: Any) -> None:
    called = name()
    url = sqs.create_queue(QueueName=called)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.purge_queue(QueueUrl=url)
    assert received(sqs, url) == []
    assert code(sqs.purge_queue, QueueUrl=url) == ("AWS.SimpleQueueService.PurgeQueueInProgress", 403)
    sqs.delete_queue(QueueUrl=url)
    assert code(sqs.send_message, QueueUrl=url, MessageBody="m") == (
        "AWS.SimpleQueueService.NonExistentQueue",
        400,
    )
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=called)
    assert code(sqs.create_queue, QueueName=called)[0] == "AWS.SimpleQueueService.QueueDeletedRecently"


@pytest.mark.parametrize("bad", ["", "a" * 81, "a b", "a.fifo.x", "ü"])
def test_queue_names_have_their_rules(sqs: Any, bad: str) -> None:
    """SQS-7"""
    assert code(sqs.create_queue, QueueName=bad)[0] == "InvalidParameterValue"


def test_signatures_are_checked(client: Any, queue: str, url: str) -> None:
    """SQS-3"""
    assert code(client(secret="wrong").receive_message, QueueUrl=queue) == ("SignatureDoesNotMatch", 403)
    nobody = client("AKIASECOND")
    nobody._request_signer._credentials.access_key = "AKIANOBODY"
    assert code(nobody.receive_message, QueueUrl=queue) == ("InvalidClientTokenId", 403)
