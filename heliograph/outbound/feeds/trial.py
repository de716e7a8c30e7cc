"""The test button: one event told to a feed's receiver now, by the very code that tells all others, and what came back.

The same dialect renders, the same sink signs and sends through the same guard (`egress`); only the event is made up, in
an account's own name, unless one of the journal is given. Nothing is recorded and nothing is tried again.
"""

from __future__ import annotations

from heliograph.accounts.model import Account
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.engagement import LinkClicked, MessageOpened, MessagePrinted
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import MessageSent
from heliograph.outbound.feeds import delivery_log
from heliograph.outbound.feeds.delivery_log import Conversation
from heliograph.outbound.feeds.dialect import About, Context
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Told
from heliograph.outbound.feeds.sinks import sink_of
from heliograph.outbound.feeds.subscription import Subscription

ADDRESS = "test@heliograph.invalid"
MESSAGE = "00000000-0000-7000-8000-000000000000"
URL = "https://heliograph.invalid/"

SAMPLES: tuple[Data, ...] = (
    MessageSent(message=MESSAGE, address=ADDRESS),
    LinkClicked(message=MESSAGE, url=URL, user_agent="Heliograph test"),
    MessageOpened(message=MESSAGE, user_agent="Heliograph test"),
    MessagePrinted(message=MESSAGE, user_agent="Heliograph test"),
)
"""What is told, the first of these that the feed has words for and wants."""


async def try_out(feed: Subscription, account: Account, means: Means) -> Conversation:
    """Send a test now. Raises `BadRequest` when the feed would tell none of the samples."""
    now, clock = means.clock.now(), means.clock
    subject = subjects.email(ADDRESS)
    about = About(id=MESSAGE, channel="email", address=ADDRESS, is_test=True)
    for data in SAMPLES:
        event: AnyEvent = codec.make(data, account=account.number, subject=subject, now=now)
        rendered = feed.dialect.render(event, Context(feed.options, about))
        if data.kind in feed.kinds and rendered is not None:
            break
    else:
        raise BadRequest("the feed tells none of the samples; widen its kinds for a test", field="kinds")
    told = Told(
        event, rendered, feed.account, feed.endpoint, feed.dialect, feed.options, feed.name, feed.secrets
    )
    began = clock.monotonic()
    exchange = await sink_of(feed.endpoint).deliver(told, means)
    return delivery_log.report(
        exchange,
        attempt=1,
        topic=rendered.topic,
        endpoint=feed.endpoint,
        body=rendered.body,
        seconds=clock.monotonic() - began,
    )
