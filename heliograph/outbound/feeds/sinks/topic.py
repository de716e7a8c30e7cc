"""Topics of our own, for subscribers with an SNS endpoint: `sns:NAME` of the subscription's account (LIT-10).

Saving the feed makes the topic. What is told becomes a `topic.published`; who has subscribed gets it from there
(`outbound.topics`). Its event has an id derived from what is told, so that telling it twice publishes it once; subscribers
see the activity's own id as the message's.
"""

from __future__ import annotations

import re

from heliograph.errors import Unavailable
from heliograph.events import codec
from heliograph.events.topics import TopicPublished
from heliograph.journal.consumer import Delivered, Refused, Retry
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
    with means.reading.look() as connection:
        exists = topics.exists(connection, told.account, named[1])
    if not exists:
        why = f"the topic {named[1]} was deleted; save the feed again to make it"
        return Exchange(outcome=Refused(why))
    event, rendered = told.event, told.rendered
    published = codec.follow(
        event,
        TopicPublished(
            topic=named[1],
            body=rendered.body.decode(),
            message_id=rendered.activity or event.id,
            born=rendered.born,
        ),
        named[1],
        rendered.topic,
        now=means.clock.now(),
    )
    try:
        await means.journal.append_once([codec.encode(published)])
    except Unavailable as error:
        return Exchange(outcome=Retry(error.message))
    return Exchange(outcome=Delivered(published.data.message_id))


def fault(endpoint: str, _: Settings) -> str | None:
    """Why this names no topic."""
    return None if _ENDPOINT.fullmatch(endpoint) else "sns:NAME has up to 256 of A-Z, a-z, 0-9, - and _"


SINK = Sink("topic", ("sns",), fault, deliver)
