"""The three messages on the wire: keys, order, headers, signatures (SNS-1, SNS-3, SNS-4, SNS-8, SNS-11)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sns_guide import HOST, accepted_by_validators, verify
from topic_world import ARN, LIFETIME, TOPIC, House, Receive

from heliograph.events.topics import TopicChanged, TopicUnsubscribed

NASTY = 'He said "ü 😀"\r\n\t\\ and <left> & so on\x00\x1f\u2028'


async def test_a_new_endpoint_is_asked_once_and_told_nothing_before_it_confirms(
    house: House, receive: Receive, pem: bytes, tmp_path: Path
) -> None:
    """SNS-1: the exact keys in their order, the exact headers; SNS-3."""
    receiver = await receive()
    id_ = await house.subscribe(receiver.url, confirmed=False)
    await house.publish("too early")
    (asked,) = receiver.posts
    message = verify(asked.body, pem, tmp_path)
    assert list(message) == [
        "Type",
        "MessageId",
        "Token",
        "TopicArn",
        "Message",
        "SubscribeURL",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
    ]
    assert message["Type"] == "SubscriptionConfirmation" and message["TopicArn"] == ARN
    assert message["Message"] == (
        f"You have chosen to subscribe to the topic {ARN}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    assert message["SubscribeURL"] == (
        f"https://sns.shop.example/?Action=ConfirmSubscription&TopicArn={ARN}&Token={message['Token']}"
    )
    named = {name.lower(): value for name, value in asked.headers.items()}
    assert (
        named.items()
        >= {
            "x-amz-sns-message-type": "SubscriptionConfirmation",
            "x-amz-sns-message-id": message["MessageId"],
            "x-amz-sns-topic-arn": ARN,
            "content-type": "text/plain; charset=UTF-8",
            "user-agent": "Amazon Simple Notification Service Agent",
        }.items()
    )
    assert "x-amz-sns-subscription-arn" not in named
    await house.confirm(id_, "0" * 15 + "1")
    told = await house.publish("now")
    assert [post.json["MessageId"] for post in receiver.posts[1:]] == [told.id]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("body", ["hello", NASTY, '{"a": "1"}'])
async def test_a_notification_is_the_guides_and_verifies(
    house: House, receive: Receive, pem: bytes, tmp_path: Path, version: str, body: str
) -> None:
    """SNS-3, SNS-4: `openssl` checks the guide's own string, whatever characters the message holds."""
    receiver = await receive()
    id_ = await house.subscribe(receiver.url)
    await house.happen(TopicChanged(topic=TOPIC, attributes={"SignatureVersion": version}))
    await house.serve()
    event = await house.publish(body, title="Über $5 & more")
    (post,) = receiver.posts
    message = verify(post.body, pem, tmp_path)
    assert list(message) == [
        "Type",
        "MessageId",
        "TopicArn",
        "Subject",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
        "UnsubscribeURL",
    ]
    assert message["Message"] == body and message["Subject"] == "Über $5 & more"
    assert message["MessageId"] == event.id and message["SignatureVersion"] == version
    assert message["Timestamp"] == "2023-11-14T22:13:20.000Z"
    assert message["UnsubscribeURL"] == (
        f"https://sns.shop.example/?Action=Unsubscribe&SubscriptionArn={ARN}:{id_}"
    )
    assert post.headers["x-amz-sns-subscription-arn"] == f"{ARN}:{id_}"
    assert post.headers["x-amz-sns-message-type"] == "Notification"


async def test_what_was_changed_on_its_way_does_not_verify(
    house: House, receive: Receive, pem: bytes, tmp_path: Path
) -> None:
    """A signature cannot be taken to another message, nor its time be changed."""
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.publish("pay 5")
    await house.publish("pay 500")
    first, second = (post.json for post in receiver.posts)
    for forged in (
        first | {"Message": "pay 500"},
        first | {"Timestamp": "2033-11-14T22:13:20.000Z"},
        first | {"MessageId": second["MessageId"]},
        second | {"Signature": first["Signature"]},
        first | {"Subject": "new"},
        first | {"SignatureVersion": "2"},
    ):
        with pytest.raises(AssertionError):
            verify(json.dumps(forged).encode(), pem, tmp_path)
    for genuine in (first, second):
        verify(json.dumps(genuine).encode(), pem, tmp_path)


async def test_a_subject_that_was_not_given_is_not_there(house: House, receive: Receive) -> None:
    """SNS-11: an empty Subject would be signed by some and not by others."""
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.publish()
    assert "Subject" not in receiver.posts[0].json


async def test_the_certificates_address_passes_the_validators_rules(house: House, receive: Receive) -> None:
    """SNS-11: with our host in place of Amazon's; and by their own rule it is not Amazon's."""
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.publish()
    await house.publish()
    first, second = (post.json["SigningCertURL"] for post in receiver.posts)
    assert first == second
    assert accepted_by_validators(first, r"sns\.shop\.example")
    assert not accepted_by_validators(first, HOST)


async def test_who_left_by_the_link_is_told_how_to_come_back(
    house: House, receive: Receive, pem: bytes, tmp_path: Path
) -> None:
    """SNS-9: keys as in a confirmation, no UnsubscribeURL; the token is signed with the rest."""
    receiver = await receive()
    id_ = await house.subscribe(receiver.url)
    nonce = "f" * 16
    expires = house.clock.now() + LIFETIME
    await house.happen(TopicUnsubscribed(topic=TOPIC, subscription=id_, nonce=nonce, expires=expires))
    await house.serve()
    await house.publish("not for you")
    (post,) = receiver.posts
    message = verify(post.body, pem, tmp_path)
    assert message["Type"] == "UnsubscribeConfirmation" and "UnsubscribeURL" not in message
    assert message["Message"] == (
        f"You have chosen to deactivate subscription {ARN}:{id_}.\n"
        "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
    )
    assert post.headers["x-amz-sns-subscription-arn"] == f"{ARN}:{id_}"
    with pytest.raises(AssertionError):
        verify(json.dumps(message | {"Token": "0" * 130}).encode(), pem, tmp_path)


async def test_raw_delivery_is_the_message_alone(house: House, receive: Receive) -> None:
    """SNS-8"""
    receiver = await receive()
    await house.subscribe(receiver.url, RawMessageDelivery="true")
    attributes = {"a": {"DataType": "String", "StringValue": "b"}}
    event = await house.publish(NASTY, title="left out", attributes=attributes)
    (post,) = receiver.posts
    assert post.body == NASTY.encode()
    assert post.headers["x-amz-sns-rawdelivery"] == "true"
    assert post.headers["x-amz-sns-message-id"] == event.id
    assert post.headers["Content-Type"] == "text/plain; charset=UTF-8"


async def test_a_policy_chooses_the_content_type(house: House, receive: Receive) -> None:
    receiver = await receive()
    policy = {"requestPolicy": {"headerContentType": "application/json; charset=UTF-8"}}
    await house.subscribe(receiver.url, DeliveryPolicy=json.dumps(policy))
    await house.publish()
    assert receiver.posts[0].headers["Content-Type"] == "application/json; charset=UTF-8"


async def test_attributes_go_with_the_message(house: House, receive: Receive) -> None:
    receiver = await receive()
    await house.subscribe(receiver.url)
    attributes: dict[str, Any] = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAE="},
    }
    await house.publish(attributes=attributes)
    message = receiver.posts[0].json
    assert list(message)[-1] == "MessageAttributes"
    assert message["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "order"},
        "raw": {"Type": "Binary", "Value": "AAE="},
    }


async def test_each_protocol_gets_its_own_text(house: House, receive: Receive) -> None:
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.subscribe(await house.queue("q"), RawMessageDelivery="true")
    await house.publish(json.dumps({"default": "d", "http": "for http"}), structure="json")
    assert receiver.posts[0].json["Message"] == "for http"
    assert [message.body for message in await house.fetched("q")] == ["d"]


async def test_a_message_is_signed_once_for_all_who_want_it(
    house: House, receive: Receive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RSA takes a millisecond: twenty subscribers must not cost twenty."""
    key = house.means.signer._key
    signed: list[bytes] = []
    sign = key.sign_base64

    def counting(text: bytes, digest: Any) -> str:
        signed.append(text)
        return sign(text, digest)

    monkeypatch.setattr(key, "sign_base64", counting)
    receivers = [await receive() for _ in range(5)]
    for receiver in receivers:
        await house.subscribe(receiver.url)
    await house.publish()
    assert len(signed) == 1
    assert len({post.json["Signature"] for one in receivers for post in one.posts}) == 1
