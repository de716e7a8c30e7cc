"""`/subscription-topics`: what people may leave without leaving everything."""

from __future__ import annotations

import msgspec

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec, subjects
from heliograph.events.preferences import SubscriptionTopicRemoved, SubscriptionTopicSaved
from heliograph.react.state import preferences
from heliograph.react.state.preferences import NAME, SubscriptionTopic


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic. `titles` and `descriptions` by language (`en`, `pt-BR`); `default`: who said nothing receives it."""

    titles: dict[str, str]
    descriptions: dict[str, str] = {}
    default: bool = True


class Topics(msgspec.Struct, frozen=True, kw_only=True):
    """The topics in the order in which pages show them."""

    topics: list[SubscriptionTopic]


class Defined(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str
    at: Instant


async def list_topics(means: Means, asked: Asked) -> Topics:
    """All topics."""
    account = asked.account.number
    return Topics(topics=await means.read(lambda connection: preferences.topics(connection, account)))


async def save(means: Means, asked: Asked) -> Defined:
    """A topic, new or changed."""
    name, said = asked.path["topic"], asked.body
    if NAME.fullmatch(name) is None:
        raise BadRequest("A topic is named by up to 64 of a-z, 0-9, - and _.", field="topic")
    saved = SubscriptionTopicSaved(
        name=name, titles=said.titles, descriptions=said.descriptions, default=said.default, by=asked.by
    )
    return await _record(means, asked, saved)


async def remove(means: Means, asked: Asked) -> Defined:
    """A topic is offered no more; who left it is still not written to about it."""
    name = asked.path["topic"]
    if name not in {topic.name for topic in (await list_topics(means, asked)).topics}:
        raise NotFound("There is no such topic.", field="topic")
    return await _record(means, asked, SubscriptionTopicRemoved(name=name, by=asked.by))


async def _record(
    means: Means, asked: Asked, data: SubscriptionTopicSaved | SubscriptionTopicRemoved
) -> Defined:
    event = codec.make(
        data,
        account=asked.account.number,
        subject=subjects.thing("subscription_topic", data.name),
        now=means.clock.now(),
    )
    await means.journal.append([codec.encode(event)])
    return Defined(event=event.id, at=iso(event.at))


RESOURCE = Resource(
    name="subscription-topics",
    description="Sorts of marketing that can be left one by one.",
    calls=(
        Call(
            method="GET",
            path="/subscription-topics",
            name="listSubscriptionTopics",
            summary="The topics that people may choose",
            handler=list_topics,
            answer=Topics,
        ),
        Call(
            method="PUT",
            path="/subscription-topics/{topic}",
            name="saveSubscriptionTopic",
            summary="Define a topic",
            handler=save,
            body=Topic,
            answer=Defined,
            status=202,
        ),
        Call(
            method="DELETE",
            path="/subscription-topics/{topic}",
            name="removeSubscriptionTopic",
            summary="Offer a topic no more",
            handler=remove,
            answer=Defined,
            status=202,
        ),
    ),
)
