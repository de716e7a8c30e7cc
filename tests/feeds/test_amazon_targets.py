"""Feeds that end in queues and topics at Amazon, against moto's server and the real SDK."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import boto3
import msgspec
import pytest
from feed_world import ACCOUNT, event
from moto.server import ThreadedMotoServer

from heliograph.events.consent import ConsentWithdrawn
from heliograph.journal.consumer import Act, Delivered, Refused, Retry
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_act
from heliograph.outbound.feeds.sinks import amazon
from heliograph.react.state.definitions import Feed
from heliograph.settings import Settings

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:activity"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:activity"
BARRED = "arn:aws:sqs:eu-west-1:123456789012:payroll"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def amazon_here(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own chain finds these."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def sqs(moto: str, amazon_here: None) -> Iterator[Any]:
    client = boto3.client("sqs", region_name="eu-west-1")
    yield client
    boto3.client("sqs", region_name="eu-west-1").close()
    client.close()


@pytest.fixture
def settings(settings: Settings, amazon_here: None) -> Settings:
    return msgspec.structs.replace(settings, aws_targets=("arn:aws:s?s:eu-west-1:123456789012:activity*",))


def act(endpoint: str, means: Means, dialect: str = "heliograph") -> Act:
    return feed_act(
        Feed(
            account=ACCOUNT,
            name="there",
            dialect=dialect,
            endpoint=endpoint,
            kinds=("consent.withdrawn",),
            options={},
            state="active",
        ),
        means,
    )


def left(number: int) -> Any:
    return event(ConsentWithdrawn(address=f"p{number}@doe.com", how="link"))


def received(sqs: Any, url: str) -> list[dict[str, Any]]:
    found = []
    while answer := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        found += answer
        for message in answer:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


async def test_an_event_is_in_the_queue_with_its_id_when_it_counts_as_told(sqs: Any, means: Means) -> None:
    """STD-5"""
    url = sqs.create_queue(QueueName="activity")["QueueUrl"]
    told = left(1)
    outcome = await act(QUEUE, means).perform(told, 1)
    (message,) = received(sqs, url)
    assert outcome == Delivered(message["MessageId"])
    assert json.loads(message["Body"])["id"] == told.id
    assert {name: one["StringValue"] for name, one in message["MessageAttributes"].items()} == {
        "X-Heliograph-Event": told.id,
        "X-Heliograph-Kind": "consent.withdrawn",
    }


async def test_what_waits_together_goes_in_few_calls_and_each_gets_its_own_outcome(
    sqs: Any, means: Means
) -> None:
    url = sqs.create_queue(QueueName="activity")["QueueUrl"]
    serve = act(QUEUE, means)
    await serve.perform(left(0), 1)
    courier: Any = await means.links.get(QUEUE, lambda: pytest.fail("it is open"))
    sent: list[int] = []
    plain = courier.send

    def counted(entries: list[dict[str, Any]]) -> dict[str, Any]:
        sent.append(len(entries))
        return dict(plain(entries))

    courier.send = counted
    events = [left(number) for number in range(1, 34)]
    outcomes = await asyncio.gather(*(serve.perform(one, 1) for one in events))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert sum(sent) == 33 and max(sent) <= 10 and len(sent) <= 10
    bodies = {json.loads(message["Body"])["id"]: message["MessageId"] for message in received(sqs, url)}
    assert [bodies[one.id] for one in events] == [outcome.detail for outcome in outcomes]


async def test_a_fifo_queue_takes_each_event_once_and_keeps_the_order(sqs: Any, means: Means) -> None:
    url = sqs.create_queue(QueueName="activity.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    serve = act(QUEUE + ".fifo", means)
    events = [left(7) for _ in range(25)]
    await asyncio.gather(*(serve.perform(one, 1) for one in [*events, *events[:5]]))
    ids = []
    while answer := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        ids += [json.loads(message["Body"])["id"] for message in answer]
        for message in answer:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert ids == [one.id for one in events]


async def test_a_topic_passes_the_event_on_to_its_own_subscribers(sqs: Any, means: Means) -> None:
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    sns = boto3.client("sns", region_name="eu-west-1")
    assert sns.create_topic(Name="activity")["TopicArn"] == TOPIC
    sns.subscribe(
        TopicArn=TOPIC,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:eu-west-1:123456789012:subscriber",
        Attributes={"RawMessageDelivery": "true"},
    )
    told = left(2)
    outcome = await act(TOPIC, means).perform(told, 1)
    assert isinstance(outcome, Delivered)
    (message,) = received(sqs, url)
    assert json.loads(message["Body"])["id"] == told.id
    sns.close()


async def test_a_queue_that_is_not_there_is_tried_again_and_works_once_it_is(sqs: Any, means: Means) -> None:
    target = "arn:aws:sqs:eu-west-1:123456789012:activity-later"
    serve, told = act(target, means), left(3)
    refused = await serve.perform(told, 1)
    assert isinstance(refused, Retry) and "QueueDoesNotExist" in refused.why
    sqs.create_queue(QueueName="activity-later")
    assert isinstance(await serve.perform(told, 2), Delivered)


async def test_amazon_out_of_reach_is_tried_again(means: Means, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    outcome = await act(TOPIC + "-2", means).perform(left(4), 1)
    assert isinstance(outcome, Retry) and "EndpointConnectionError" in outcome.why


async def test_our_credentials_are_for_listed_targets_alone(sqs: Any, means: Means) -> None:
    sqs.create_queue(QueueName="payroll")
    why = amazon.fault(BARRED, means.settings)
    assert why is not None and "aws_targets" in why
    no_list = msgspec.structs.replace(means.settings, aws_targets=("*",))
    serve = act(BARRED, dataclasses.replace(means, settings=no_list))
    assert isinstance(await serve.perform(left(5), 1), Delivered)
    told = amazon.Told(left(6), None, ACCOUNT, BARRED, None)  # type: ignore[arg-type]
    assert isinstance((await amazon.deliver(told, means)).outcome, Refused)


@pytest.mark.parametrize(
    "endpoint",
    [
        "arn:aws:s3:eu-west-1:123456789012:activity",
        "arn:aws:sqs:eu-west-1:1:activity",
        "arn:aws:sqs:::x",
        "arn:",
        TOPIC + "/x",
    ],
)
def test_what_names_no_queue_or_topic_says_how_one_is_named(endpoint: str, settings: Settings) -> None:
    why = amazon.fault(endpoint, msgspec.structs.replace(settings, aws_targets=("*",)))
    assert why is not None and "arn:aws:sqs:REGION" in why


def test_an_entry_that_amazon_blames_on_us_is_refused_and_any_other_is_tried_again() -> None:
    answer = {
        "Successful": [{"Id": "0", "MessageId": "m"}],
        "Failed": [
            {"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no"},
            {"Id": "2", "SenderFault": False, "Code": "InternalError"},
        ],
    }
    assert amazon._outcomes(answer, 4) == [
        Delivered("m"),
        Refused("InvalidMessageContents: no"),
        Retry("InternalError: "),
        Retry("Amazon's answer does not name it"),
    ]
