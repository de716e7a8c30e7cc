"""What becomes of a message: tried again, given up, put aside; to receivers that behave as badly as they can."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from topic_world import ACCOUNT, ARN, LIFETIME, OTHER, TOPIC, House, Receive, Receiver

from heliograph.clock import SECOND, ManualClock
from heliograph.events.engagement import MessageRead
from heliograph.events.topics import (
    TopicConfirmed,
    TopicDeleted,
    TopicPublished,
    TopicSubscribed,
    TopicUnsubscribed,
)
from heliograph.journal import parked
from heliograph.outbound.topics.delivery_policy import Retries, schedule
from heliograph.outbound.topics.endpoints import Pace

PHASES = {
    "minDelayTarget": 1,
    "maxDelayTarget": 60,
    "numRetries": 50,
    "numNoDelayRetries": 3,
    "numMinDelayRetries": 2,
    "numMaxDelayRetries": 35,
}


def seconds(receiver: Receiver, since: int) -> list[float]:
    return [round((post.at - since) / SECOND) for post in receiver.posts]


def put_aside(house: House) -> list[str]:
    with house.state.connect() as connection:
        return [case.why for case in parked.find(connection)]


async def test_the_default_policy_tries_four_times_twenty_seconds_apart(
    house: House, receive: Receive
) -> None:
    """SNS-6 and SNS-7: at 0, 20, 40 and 60 s, the same message every time; then it is put aside."""
    receiver = await receive(500)
    await house.subscribe(receiver.url)
    event = await house.publish()
    await house.pass_time(300)
    assert seconds(receiver, event.recorded) == [0, 20, 40, 60]
    assert len({post.body for post in receiver.posts}) == 1
    assert {post.headers["x-amz-sns-message-id"] for post in receiver.posts} == {event.id}
    assert len(put_aside(house)) == 1
    other = await house.publish()
    assert receiver.posts[-1].json["MessageId"] == other.id != event.id


async def test_a_policy_of_fifty_retries_has_its_four_phases(house: House, receive: Receive) -> None:
    """SNS-6: three at once, two after 1 s, ten backing off from 1 to 60 s, 35 after 60 s."""
    receiver = await receive(503)
    await house.subscribe(receiver.url, DeliveryPolicy=json.dumps({"healthyRetryPolicy": PHASES}))
    event = await house.publish()
    await house.pass_time(2600)
    at = [post.at - event.recorded for post in receiver.posts]
    gaps = [(later - sooner) / SECOND for sooner, later in pairwise(at)]
    assert len(at) == 51
    expected = [0.0] * 3 + [1.0] * 2 + [1 + 59 * step / 9 for step in range(10)] + [60.0] * 35
    assert gaps == pytest.approx(expected, abs=1.01)  # the test's clock goes by seconds
    assert list(schedule(msgspec.convert(PHASES, Retries))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("linear", [1, 26, 51, 76, 101]),
        ("arithmetic", [1, 11, 31, 61, 101]),
        ("geometric", [1, 3.17, 10.05, 31.86, 101]),
        ("exponential", [1, 7.67, 21, 47.67, 101]),
    ],
)
def test_backing_off_grows_from_the_least_to_the_most(function: Any, expected: list[float]) -> None:
    retries = Retries(min_delay_target=1, max_delay_target=101, num_retries=5, backoff_function=function)
    assert list(schedule(retries)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("answer", [500, 503, 599, "reset", b"nonsense\r\n\r\n"])
async def test_what_passes_is_tried_again(house: House, receive: Receive, answer: Any) -> None:
    """SNS-5: 5xx, a lost connection, and what is not HTTP."""
    receiver = await receive(answer, 200)
    await house.subscribe(receiver.url)
    await house.publish()
    await house.pass_time(21)
    assert len(receiver.posts) == 2
    assert put_aside(house) == []


def with_timeout(house: House, seconds: float) -> None:
    """From the next `serve` on receivers have so long to answer."""
    settings = msgspec.structs.replace(house.means.settings, sns_timeout=seconds)
    house.means = dataclasses.replace(house.means, settings=settings)


async def test_silence_is_tried_again(house: House, receive: Receive) -> None:
    """SNS-5"""
    receiver = await receive("hang")
    with_timeout(house, 0.5)
    await house.subscribe(receiver.url)
    await house.publish()
    silent = len(receiver.posts)
    receiver.answers = (200,)
    with_timeout(house, 60)
    await house.serve()
    await house.pass_time(21)
    assert len(receiver.posts) == silent + 1
    assert put_aside(house) == []


@pytest.mark.parametrize("answer", [200, 201, 204, 299])
async def test_any_2xx_is_a_delivery(house: House, receive: Receive, answer: int) -> None:
    receiver = await receive(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % answer)
    await house.subscribe(receiver.url)
    await house.publish()
    await house.pass_time(61, step=20)
    assert len(receiver.posts) == 1 and put_aside(house) == []


@pytest.mark.parametrize("answer", [400, 401, 403, 404, 410, 429, 499])
async def test_4xx_is_for_good(house: House, receive: Receive, answer: int) -> None:
    """SNS-5"""
    receiver = await receive(answer)
    await house.subscribe(receiver.url)
    await house.publish()
    await house.pass_time(61, step=20)
    assert len(receiver.posts) == 1
    assert put_aside(house) == [f"{answer} why?"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(house: House, receive: Receive, status: int) -> None:
    """SNS-5, SNS-10: not to a machine's metadata, nor anywhere."""
    other = await receive()
    for where in (b"http://169.254.169.254/latest/meta-data/", other.url.encode()):
        answer = b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, where)
        receiver = await receive(answer)
        await house.subscribe(receiver.url)
        await house.publish()
        await house.pass_time(61, step=20)
        assert len(receiver.posts) == 1
    assert other.posts == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://10.0.0.1/",
        "http://[::1]:8025/",
        "http://2852039166/",
    ],
)
async def test_private_addresses_are_not_called(house: House, endpoint: str) -> None:
    """SNS-10: neither for a confirmation nor for a message, and not tried again."""
    await house.subscribe(endpoint, confirmed=False)
    await house.subscribe(endpoint + "x")
    await house.publish()
    await house.pass_time(1)
    assert [why.partition(":")[0] for why in put_aside(house)] == ["refused", "refused"]


async def test_an_endless_answer_is_cut_off_and_counts(house: House, receive: Receive) -> None:
    """Ten gigabytes of body after a 200: the status is all that is asked for."""
    receiver = await receive("forever")
    await house.subscribe(receiver.url)
    await house.publish()
    assert len(receiver.posts) == 1 and put_aside(house) == []


async def test_a_receiver_that_hangs_holds_up_nobody_else(house: House, receive: Receive) -> None:
    with_timeout(house, 600)
    hanging, good = await receive("hang"), await receive()
    await house.subscribe(hanging.url)
    await house.subscribe(good.url)
    publishing = asyncio.create_task(house.publish())
    async with asyncio.timeout(60):
        while not (good.posts and hanging.posts):  # noqa: ASYNC110 - what is waited for is in a socket
            await asyncio.sleep(0.005)
    assert not publishing.done()
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)


async def test_credentials_in_the_url_are_sent_when_they_are_asked_for(
    house: House, receive: Receive
) -> None:
    receiver = await receive(401, 200)
    await house.subscribe(receiver.url.replace("http://", "http://u%40ser:pa%3Ass@"))
    await house.publish()
    first, second = receiver.posts
    assert "Authorization" not in first.headers
    assert second.headers["Authorization"] == "Basic dUBzZXI6cGE6c3M="
    assert put_aside(house) == []


async def test_what_cannot_be_delivered_goes_to_the_dead_letter_queue(house: House, receive: Receive) -> None:
    """SNS-5: at once after a 4xx, at the end of the schedule after 5xx; the subscription stays."""
    arn = await house.queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": arn})
    refusing, failing = await receive(404), await receive(500)
    await house.subscribe(refusing.url, RedrivePolicy=redrive)
    await house.subscribe(failing.url, RedrivePolicy=redrive, RawMessageDelivery="true")
    event = await house.publish("kept")
    (dead,) = await house.fetched("dead")
    assert json.loads(dead.body)["MessageId"] == event.id
    await house.pass_time(59)
    assert len(failing.posts) == 3 and await house.fetched("dead") == []
    await house.pass_time(2)
    (later,) = await house.fetched("dead")
    assert len(failing.posts) == 4 and later.body == "kept"
    assert put_aside(house) == []
    assert len(house.served()) == 2


async def test_without_its_dead_letter_queue_a_message_is_put_aside(house: House, receive: Receive) -> None:
    receiver = await receive(404)
    gone = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:gone"})
    await house.subscribe(receiver.url, RedrivePolicy=gone)
    await house.publish()
    (why,) = put_aside(house)
    assert why.startswith("404") and "dead-letter queue gone" in why


async def test_a_queue_of_ours_gets_the_envelope_or_the_message(house: House) -> None:
    """The envelope is a notification; raw has the attributes as the queue's own."""
    await house.subscribe(await house.queue("enveloped"))
    await house.subscribe(await house.queue("raw"), RawMessageDelivery="true")
    attributes = {"n": {"DataType": "Number", "StringValue": "5"}}
    event = await house.publish("order 5", title="Order", attributes=attributes)
    (enveloped,), (raw,) = await house.fetched("enveloped"), await house.fetched("raw")
    told = json.loads(enveloped.body)
    assert (told["Type"], told["MessageId"], told["Message"]) == ("Notification", event.id, "order 5")
    assert enveloped.attributes is None
    assert raw.body == "order 5"
    assert raw.attributes and json.loads(raw.attributes) == attributes


async def test_a_queue_that_is_gone_or_too_small_is_for_good(house: House) -> None:
    await house.subscribe(f"arn:aws:sqs:us-east-1:{ACCOUNT}:nowhere")
    await house.subscribe(await house.queue("small", MaximumMessageSize="1024"))
    await house.publish("x" * 2000)
    assert len(put_aside(house)) == 2


async def test_a_throttle_lets_so_many_through_in_a_second(house: House, receive: Receive) -> None:
    receiver = await receive()
    policy = json.dumps({"throttlePolicy": {"maxReceivesPerSecond": 2}})
    await house.subscribe(receiver.url, DeliveryPolicy=policy)
    begun = house.clock.now()
    happening = asyncio.create_task(
        house.happen(*(TopicPublished(topic=TOPIC, body=str(n)) for n in range(6)))
    )
    async with asyncio.timeout(60):
        while not happening.done():
            await house.clock.advance(0.25)
            await asyncio.sleep(0.01)
    came = [post.at - begun for post in receiver.posts]
    assert len(came) == 6
    assert all(at >= n * SECOND // 2 for n, at in enumerate(came)), "none before its turn"


async def test_whoever_is_throttled_has_a_turn_of_their_own() -> None:
    clock, pace, turns = ManualClock(), Pace(), list[int]()
    begun = clock.now()

    async def deliver() -> None:
        await pace.wait(2, clock)
        turns.append(clock.now() - begun)

    delivering = [asyncio.create_task(deliver()) for _ in range(6)]
    await clock.settle()
    await clock.advance(3)
    assert turns == [n * SECOND // 2 for n in range(6)]
    await asyncio.gather(*delivering)


async def test_a_subscription_gets_its_own_topics_messages_alone(house: House, receive: Receive) -> None:
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.happen(TopicPublished(topic="another", body="no"))
    await house.happen(TopicPublished(topic=TOPIC, body="no"), account=OTHER)
    await house.happen(MessageRead(open="x", seconds=2, category="Skimmed"))
    await house.publish("yes")
    assert [post.json["Message"] for post in receiver.posts] == ["yes"]


async def test_a_deleted_topic_delivers_no_more(house: House, receive: Receive) -> None:
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.happen(TopicDeleted(topic=TOPIC))
    await house.serve()
    await house.publish()
    assert receiver.posts == [] and house.served() == []


async def test_leaving_and_coming_back_count_to_the_message(house: House, receive: Receive) -> None:
    """SNS-9: though the engine learns of it from state only half a second later."""
    receiver = await receive()
    id_ = await house.subscribe(receiver.url, RawMessageDelivery="true")
    nonce, expires = "f" * 16, house.clock.now() + LIFETIME
    for turn in (None, TopicUnsubscribed(topic=TOPIC, subscription=id_, nonce=nonce, expires=expires)):
        if turn is not None:
            await house.happen(turn)
        await house.clock.advance(0.1)
        await house.publish("before" if turn is None else "while away")
    await house.happen(TopicConfirmed(topic=TOPIC, subscription=id_, nonce=nonce))
    await house.publish("back")
    told = [post.body for post in receiver.posts if "x-amz-sns-rawdelivery" in post.headers]
    assert told == [b"before", b"back"]


async def test_only_campaigns_made_after_the_confirmation_are_told(house: House, receive: Receive) -> None:
    """LIT-16: per subscriber, to the instant."""
    early, late = await receive(), await receive()
    await house.subscribe(early.url)
    made = house.clock.now()
    await house.clock.advance(1)
    await house.subscribe(late.url)
    await house.publish("old campaign", born=made)
    await house.publish("new campaign", born=house.clock.now())
    await house.publish("no campaign")
    assert [post.json["Message"] for post in early.posts] == ["old campaign", "new campaign", "no campaign"]
    assert [post.json["Message"] for post in late.posts] == ["new campaign", "no campaign"]


async def test_the_message_carries_the_activitys_own_id(house: House, receive: Receive) -> None:
    """SNS-7: what a feed publishes has the id that webhook and queue give the same activity."""
    receiver = await receive()
    await house.subscribe(receiver.url)
    activity = "018bcfe5-6be8-7000-b7c0-d54bf3d2a175"
    await house.publish(message_id=activity)
    (post,) = receiver.posts
    assert post.json["MessageId"] == post.headers["x-amz-sns-message-id"] == activity


async def test_a_confirmation_request_is_tried_as_a_message_is_and_not_after_its_time(
    house: House, receive: Receive
) -> None:
    """SNS-2, SNS-6: four attempts with one token; then silence, and after its life the wish is gone."""
    receiver = await receive(500)
    await house.subscribe(receiver.url, confirmed=False)
    began = house.clock.now()
    await house.pass_time(300)
    assert seconds(receiver, began) == [0, 20, 40, 60]
    assert len({post.json["Token"] for post in receiver.posts}) == 1
    assert receiver.posts[0].json["TopicArn"] == ARN


async def test_who_confirmed_meanwhile_is_not_asked_again(house: House, receive: Receive) -> None:
    receiver = await receive(500)
    id_ = await house.subscribe(receiver.url, confirmed=False)
    await house.confirm(id_, "0" * 15 + "1")
    await house.pass_time(61)
    assert len(receiver.posts) == 1


async def test_a_second_wish_for_one_endpoint_changes_nothing_about_the_first(
    house: House, receive: Receive
) -> None:
    """Two requests at the same time: one subscription, told once."""
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.happen(
        TopicSubscribed(
            topic=TOPIC,
            subscription="00000000-0000-4000-8000-0000000000ff",
            protocol="http",
            endpoint=receiver.url,
            owner=ACCOUNT,
            nonce="a" * 16,
            expires=house.clock.now() + SECOND,
        )
    )
    await house.serve()
    await house.publish()
    assert len(receiver.posts) == 1
