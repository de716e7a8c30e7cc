"""How long things last: wishes, subscriptions of deleted topics, and state between two engines."""

from __future__ import annotations

from topic_world import ACCOUNT, LIFETIME, TOPIC, House, Receive

from heliograph.clock import SECOND
from heliograph.events.topics import TopicConfirmed, TopicCreated, TopicDeleted, TopicSubscribed
from heliograph.outbound.topics import tokens
from heliograph.outbound.topics.subscribing import genuine
from heliograph.react.state import topics

DAY = 86_400.0


def listed(house: House) -> list[str]:
    with house.state.connect() as connection:
        return [one.id for one in topics.subscriptions(connection, house.clock.now())]


async def test_a_wish_that_is_not_confirmed_in_its_time_goes_away(house: House, receive: Receive) -> None:
    """SNS-2: to the second; its token confirms no more, and the row is cleared by the next wish."""
    receiver = await receive()
    id_ = await house.subscribe(receiver.url, confirmed=False)
    token = receiver.posts[0].json["Token"]
    directory = house.means.directory
    await house.clock.advance(LIFETIME / SECOND - 1)
    assert listed(house) == [id_]
    assert genuine(directory, token, house.clock.now())
    await house.clock.advance(2)
    assert listed(house) == []
    assert tokens.read(directory.master, token) and genuine(directory, token, house.clock.now()) is None
    await house.subscribe(receiver.url + "2", confirmed=False)
    with house.state.connect() as connection:
        assert topics.subscription(connection, id_) is None


async def test_a_life_of_two_days_is_two_days(house: House) -> None:
    """SNS-2: Amazon's two documents differ, so it is a setting; what is recorded with the wish counts."""
    expires = house.clock.now() + int(2 * DAY) * SECOND
    subscribed = TopicSubscribed(
        topic=TOPIC,
        subscription="00000000-0000-4000-8000-00000000000a",
        protocol="http",
        endpoint="http://127.0.0.1:9/",
        owner=ACCOUNT,
        nonce="a" * 16,
        expires=expires,
    )
    await house.happen(TopicCreated(topic=TOPIC), subscribed)
    await house.clock.advance(2 * DAY - 1)
    assert len(listed(house)) == 1
    await house.clock.advance(2)
    assert listed(house) == []


async def test_a_wrong_nonce_confirms_nothing(house: House, receive: Receive) -> None:
    receiver = await receive()
    id_ = await house.subscribe(receiver.url, confirmed=False)
    await house.happen(TopicConfirmed(topic=TOPIC, subscription=id_, nonce="b" * 16))
    with house.state.connect() as connection:
        found = topics.subscription(connection, id_)
    assert found is not None and found.state == "pending"


async def test_a_topic_made_again_has_none_of_its_old_subscriptions(house: House, receive: Receive) -> None:
    receiver = await receive()
    await house.subscribe(receiver.url)
    await house.happen(TopicDeleted(topic=TOPIC), TopicCreated(topic=TOPIC))
    await house.serve()
    await house.publish()
    assert listed(house) == [] and receiver.posts == []
