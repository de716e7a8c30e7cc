"""Topics of our own, for subscribers with an SNS endpoint: `sns:NAME` of the subscription's account (LIT-10).

Saving the feed makes the topic. What is told becomes a `topic.published`; who has subscribed gets it from there
(`outbound.topics`). Its event has an id derived from what is told, so that telling it twice publishes it once; subscribers
see the activity's own id as the message's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from heliograph.errors import Unavailable
from heliograph.events import codec
from heliograph.events.event import Event
from heliograph.events.topics import TopicPublished
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.react.state import topics
from heliograph.settings import Settings

_ENDPOINT = re.compile(r"sns:([A-Za-z0-9_-]{1,256})")


async def deliver(told: Told, means: Means) -> Exchange:
    """Publish one event; recorded when this returns."""
    named = _ENDPOINT.fullmatch(told.endpoint)
    if named is None:
        return Exchange(outcome=Refused(f"{told.endpoint} names no topic"))
    account, name = told.account, named[1]

    async def publish(several: Sequence[Told]) -> list[Outcome]:
        with means.reading.look() as connection:
            exists = topics.exists(connection, account, name)
        if not exists:
            why = f"the topic {name} was deleted; save the feed again to make it"
            return [Refused(why)] * len(several)
        published = [_published(one, name, means.clock.now()) for one in several]
        await means.journal.append_once([codec.encode(event) for event in published])
        return [Delivered(event.data.message_id) for event in published]

    try:
        return Exchange(outcome=await means.together.ask((SINK.name, account, name), told, publish))
    except Unavailable as error:
        return Exchange(outcome=Retry(error.message))


def _published(told: Told, topic: str, now: int) -> Event[TopicPublished]:
    event, rendered = told.event, told.rendered
    data = TopicPublished(
        topic=topic,
        body=rendered.body.decode(),
        message_id=rendered.activity or event.id,
        born=rendered.born,
    )
    return codec.follow(event, data, topic, rendered.topic, now=now)


def fault(endpoint: str, _: Settings) -> str | None:
    """Why this names no topic."""
    return None if _ENDPOINT.fullmatch(endpoint) else "sns:NAME has up to 256 of A-Z, a-z, 0-9, - and _"


SINK = Sink("topic", ("sns",), fault, deliver)
