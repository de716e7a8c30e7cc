"""SNS as a service behind the Amazon-shaped door: topics, and what is published to them.

An answered Publish is on disk: it is an event, and each subscription is a cursor over the journal (`deliveries`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heliograph.aws.door import Call, Operation, Service
from heliograph.aws.faults import AwsFault, as_fault
from heliograph.aws.query import Flat
from heliograph.errors import CallerError, Unavailable
from heliograph.events.event import AnyEvent
from heliograph.events.topics import TopicChanged, TopicCreated, TopicDeleted
from heliograph.outbound.topics import asked
from heliograph.outbound.topics.asked import invalid, read
from heliograph.outbound.topics.attributes import MOST_SIZE, check_tags, check_topic, describe_topic
from heliograph.outbound.topics.names import TOPIC, read_arn, topic_arn
from heliograph.outbound.topics.publications import check_ids, publication, size
from heliograph.outbound.topics.registry import Registry
from heliograph.outbound.topics.subscribing import PAGE, Subscribing
from heliograph.react.state import topics
from heliograph.settings import Settings

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"

LINKS = frozenset(("ConfirmSubscription", "Unsubscribe"))
"""What SubscribeURL and UnsubscribeURL ask for."""

FLAT = Flat(
    lists={},
    maps={"MessageAttributes": ("MessageAttributes", "Name", "Value")},
    elements={},
    pairs={"Attributes": ("entry", "key", "value")},
    wrapped=True,
)

_CODES = {403: "AuthorizationError", 429: "Throttled", 500: "InternalError"}


def sns_service(registry: Registry, settings: Settings) -> Service:
    """The service."""
    return Service(
        name="sns",
        version="2010-03-31",
        target="",
        json_namespace=NAMESPACE,
        query_namespace=NAMESPACE,
        flat=FLAT,
        operations={**_Desk(registry).operations(), **Subscribing(registry, settings).operations()},
        unsigned=LINKS,
        linked=LINKS,
        fault=_fault,
    )


class _Desk:
    """The operations on topics themselves."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def operations(self) -> dict[str, Operation]:
        """By Amazon's names."""
        return {
            "CreateTopic": self._create,
            "DeleteTopic": self._delete,
            "ListTopics": self._list,
            "GetTopicAttributes": self._attributes,
            "SetTopicAttributes": self._set_attributes,
            "Publish": self._publish,
            "PublishBatch": self._publish_batch,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags,
        }

    async def _create(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.CreateTopic)
        if not TOPIC.fullmatch(wanted.name):
            raise invalid("Topic Name")
        attributes, tags = check_topic(wanted.attributes), check_tags(wanted.tags)
        account = call.account
        known = await self._registry.look(lambda connection: topics.topic(connection, account, wanted.name))
        if known is None:
            await self._registry.change(
                account, TopicCreated(topic=wanted.name, attributes=attributes, tags=tags)
            )
        elif any(known.attributes.get(name, "") != value for name, value in attributes.items()):
            raise invalid("Attributes Reason: Topic already exists with different attributes")
        elif tags and tags != known.tags:
            raise invalid("Tags Reason: Topic already exists with different tags")
        return {"TopicArn": topic_arn(account, wanted.name)}

    async def _delete(self, call: Call) -> Mapping[str, Any]:
        """What is not there is deleted already."""
        named = read_arn(read(call.parameters, asked.OnTopic).topic_arn)
        if named is None or named.subscription:
            raise invalid("TopicArn")
        self._registry.check(call.account, named)
        known = await self._registry.look(
            lambda connection: topics.topic(connection, named.account, named.topic)
        )
        if known is not None:
            await self._registry.change(named.account, TopicDeleted(topic=named.topic))
        return {}

    async def _list(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.Page)
        found = await self._registry.look(lambda connection: topics.topics(connection, call.account))
        rest = [topic for topic in found if topic.name > wanted.next_token]
        more = {"NextToken": rest[PAGE - 1].name} if len(rest) > PAGE else {}
        return {"Topics": [{"TopicArn": topic_arn(one.account, one.name)} for one in rest[:PAGE]], **more}

    async def _attributes(self, call: Call) -> Mapping[str, Any]:
        topic = await self._registry.topic(call.account, read(call.parameters, asked.OnTopic).topic_arn)
        now = self._registry.clock.now()
        found = await self._registry.look(
            lambda connection: topics.subscriptions(connection, now, account=topic.account, topic=topic.name)
        )
        return {"Attributes": describe_topic(topic, found)}

    async def _set_attributes(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.SetTopic)
        topic = await self._registry.topic(call.account, wanted.topic_arn)
        attributes = check_topic({wanted.attribute_name: wanted.attribute_value})
        await self._registry.change(topic.account, TopicChanged(topic=topic.name, attributes=attributes))
        return {}

    async def _publish(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.Publish)
        if wanted.phone_number:
            raise invalid("PhoneNumber Reason: publish to a TopicArn")
        topic = await self._registry.topic(call.account, wanted.topic_arn or wanted.target_arn)
        event = self._registry.event(topic.account, publication(topic, wanted))
        await self._registry.record([event])
        return {"MessageId": event.id}

    async def _publish_batch(self, call: Call) -> Mapping[str, Any]:
        """Each entry stands for itself; those that can be are recorded together."""
        given = {name: value for name, value in call.parameters.items() if value != ""}  # an empty list
        wanted = read(given, asked.PublishBatch)
        entries = wanted.publish_batch_request_entries
        topic = await self._registry.topic(call.account, wanted.topic_arn)
        check_ids([entry.id for entry in entries])
        if sum(map(size, entries)) > MOST_SIZE:
            raise AwsFault("BatchRequestTooLong", "The batch request is too long.")
        events: list[AnyEvent] = []
        done, failed = [], []
        for entry in entries:
            try:
                event = self._registry.event(topic.account, publication(topic, entry))
            except AwsFault as fault:
                failed.append(
                    {"Id": entry.id, "Code": fault.shape, "Message": fault.message, "SenderFault": True}
                )
            else:
                events.append(event)
                done.append({"Id": entry.id, "MessageId": event.id})
        await self._registry.record(events)
        return {"Successful": done, "Failed": failed}

    async def _tag(self, call: Call) -> Mapping[str, Any]:
        wanted, topic = await self._resource(call)
        tags = check_tags(wanted.tags, topic.tags)
        await self._registry.change(topic.account, TopicChanged(topic=topic.name, tags=tags))
        return {}

    async def _untag(self, call: Call) -> Mapping[str, Any]:
        wanted, topic = await self._resource(call)
        untagged = TopicChanged(topic=topic.name, untagged=tuple(wanted.tag_keys))
        await self._registry.change(topic.account, untagged)
        return {}

    async def _tags(self, call: Call) -> Mapping[str, Any]:
        _, topic = await self._resource(call)
        return {"Tags": _pairs(topic.tags)}

    async def _resource(self, call: Call) -> tuple[asked.OnResource, topics.Topic]:
        wanted = read(call.parameters, asked.OnResource)
        try:
            return wanted, await self._registry.topic(call.account, wanted.resource_arn)
        except AwsFault as fault:
            if fault.shape == "NotFound":
                raise AwsFault("ResourceNotFound", "Resource does not exist", status=404) from fault
            raise


def _pairs(tags: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _fault(error: CallerError | Unavailable) -> AwsFault:
    """Whatever was raised, in SNS's words."""
    if isinstance(error, AwsFault):
        return error
    found = as_fault(error)
    return AwsFault(_CODES.get(found.status, "InvalidParameter"), found.message, status=found.status)
