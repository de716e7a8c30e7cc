"""Subscriptions by the API: made, confirmed, ended, described (SNS-1, SNS-2, SNS-9).

An HTTP endpoint confirms by visiting SubscribeURL; a queue of the caller's own needs no asking. Confirming and ending are
open to whoever has the link: the token, or the UUID in the ARN, is the proof.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from heliograph.accounts.directory import Directory
from heliograph.aws.door import Call, Operation
from heliograph.aws.faults import AwsFault
from heliograph.clock import SECOND
from heliograph.egress import Failed, target
from heliograph.events.topics import (
    TopicConfirmed,
    TopicSubscribed,
    TopicSubscriptionChanged,
    TopicUnsubscribed,
)
from heliograph.outbound.topics import asked, tokens
from heliograph.outbound.topics.asked import invalid, read
from heliograph.outbound.topics.attributes import check_subscription, describe_subscription
from heliograph.outbound.topics.credentials import without_credentials
from heliograph.outbound.topics.names import read_arn, subscription_arn
from heliograph.outbound.topics.registry import Registry
from heliograph.queues.model import named_by
from heliograph.react.state import topics
from heliograph.react.state.topics import Subscription, Topic
from heliograph.settings import Settings

PAGE = 100
"""Subscriptions, or topics, in one answer."""

PENDING = "PendingConfirmation"
"""What lists have in place of an ARN that is not confirmed."""


class Subscribing:
    """The operations on subscriptions."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._lifetime = int(settings.sns_token_lifetime * SECOND)

    def operations(self) -> dict[str, Operation]:
        """By Amazon's names."""
        return {
            "Subscribe": self._subscribe,
            "ConfirmSubscription": self._confirm,
            "Unsubscribe": self._unsubscribe,
            "ListSubscriptions": self._list,
            "ListSubscriptionsByTopic": self._list_by_topic,
            "GetSubscriptionAttributes": self._attributes,
            "SetSubscriptionAttributes": self._set_attributes,
        }

    async def _subscribe(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.Subscribe)
        topic = await self._registry.topic(call.account, wanted.topic_arn)
        self._check_endpoint(call.account, wanted)
        attributes = check_subscription(wanted.attributes, topic.account)
        known = await self._known(topic, wanted)
        if known is not None and any(known.attributes.get(k, "") != v for k, v in attributes.items()):
            raise invalid("Attributes Reason: Subscription already exists with different attributes")
        if known is None or known.state == "pending":
            await self._ask(topic, wanted, attributes, call.account, known)
            known = await self._known(topic, wanted)
        if known is None:  # no engine is there to show it
            return {"SubscriptionArn": "pending confirmation"}
        return {
            "SubscriptionArn": _told(known, "pending confirmation", always=wanted.return_subscription_arn)
        }

    async def _ask(
        self,
        topic: Topic,
        wanted: asked.Subscribe,
        attributes: dict[str, str],
        owner: str,
        known: Subscription | None,
    ) -> None:
        """Record the wish; an HTTP endpoint is asked by it."""
        subscribed = TopicSubscribed(
            topic=topic.name,
            subscription=known.id if known else str(uuid.uuid4()),
            protocol=wanted.protocol,
            endpoint=wanted.endpoint,
            owner=owner,
            nonce=known.nonce if known else tokens.new_nonce(),
            expires=self._registry.clock.now() + self._lifetime,
            attributes=attributes,
            confirmed=wanted.protocol == "sqs",
        )
        await self._registry.change(topic.account, subscribed)

    async def _known(self, topic: Topic, wanted: asked.Subscribe) -> Subscription | None:
        now = self._registry.clock.now()
        found = await self._registry.look(
            lambda connection: topics.subscriptions(connection, now, account=topic.account, topic=topic.name)
        )
        endpoint = (wanted.protocol, wanted.endpoint)
        return next((one for one in found if (one.protocol, one.endpoint) == endpoint), None)

    def _check_endpoint(self, caller: str, wanted: asked.Subscribe) -> None:
        if wanted.protocol == "sqs":
            queue = named_by(wanted.endpoint)
            if queue is None:
                raise invalid("SQS endpoint ARN")
            if not self._registry.may(caller, queue[0]):
                raise AwsFault("AuthorizationError", "The queue is another account's.", status=403)
            return
        if wanted.protocol not in ("http", "https"):
            raise invalid(f"Protocol Reason: {wanted.protocol[:40]!r} is not one of http, https, sqs")
        if not wanted.endpoint.lower().startswith(f"{wanted.protocol}://"):
            raise invalid("Endpoint must match the specified protocol")
        url = target(without_credentials(wanted.endpoint)[0])
        if isinstance(url, Failed):
            raise invalid(f"Endpoint Reason: {url.reason}")

    async def _confirm(self, call: Call) -> Mapping[str, Any]:
        """What SubscribeURL does, any number of times; so also what brings an ended subscription back."""
        wanted = read(call.parameters, asked.Confirm)
        registry = self._registry
        named = read_arn(wanted.topic_arn)
        claim = genuine(registry.directory, wanted.token, registry.clock.now())
        if named is None or claim is None:
            raise invalid("Token")
        found = await registry.look(lambda connection: topics.subscription(connection, claim.subscription))
        if (
            found is None
            or (found.account, found.topic, found.nonce) != (named.account, named.topic, claim.nonce)
            or (call.account and not registry.may(call.account, found.owner))
        ):
            raise invalid("Token")
        if found.state != "confirmed":
            confirmed = TopicConfirmed(
                topic=found.topic,
                subscription=found.id,
                nonce=found.nonce,
                by=call.account,
                locked=wanted.authenticate_on_unsubscribe and bool(call.account),
            )
            await registry.change(found.account, confirmed)
        return {"SubscriptionArn": subscription_arn(found.account, found.topic, found.id)}

    async def _unsubscribe(self, call: Call) -> Mapping[str, Any]:
        """By its owner for good; by anybody who has the link so that the endpoint can undo it (SNS-9)."""
        wanted = read(call.parameters, asked.OnSubscription)
        registry = self._registry
        found = await registry.subscription(wanted.subscription_arn)
        if call.account:
            if not (registry.may(call.account, found.owner) or registry.may(call.account, found.account)):
                raise AwsFault("AuthorizationError", "The subscription is another account's.", status=403)
            await registry.change(found.account, TopicUnsubscribed(topic=found.topic, subscription=found.id))
            return {}
        if found.locked or found.protocol == "sqs":
            raise AwsFault("AuthorizationError", "Only its owner may end this subscription.", status=403)
        if found.state == "confirmed":
            ended = TopicUnsubscribed(
                topic=found.topic,
                subscription=found.id,
                nonce=tokens.new_nonce(),
                expires=registry.clock.now() + self._lifetime,
            )
            await registry.change(found.account, ended)
        return {}

    async def _list(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.Page)
        now = self._registry.clock.now()
        found = await self._registry.look(
            lambda connection: topics.subscriptions(connection, now, owner=call.account)
        )
        return _page(found, wanted.next_token)

    async def _list_by_topic(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.ListByTopic)
        topic = await self._registry.topic(call.account, wanted.topic_arn)
        now = self._registry.clock.now()
        found = await self._registry.look(
            lambda connection: topics.subscriptions(connection, now, account=topic.account, topic=topic.name)
        )
        return _page(found, wanted.next_token)

    async def _attributes(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.OnSubscription)
        found, topic = await self._theirs(call, wanted.subscription_arn)
        return {"Attributes": describe_subscription(found, topic)}

    async def _set_attributes(self, call: Call) -> Mapping[str, Any]:
        wanted = read(call.parameters, asked.SetSubscription)
        found, topic = await self._theirs(call, wanted.subscription_arn)
        named = {wanted.attribute_name: wanted.attribute_value}
        scope = found.attributes.get("FilterPolicyScope", "")
        changed = TopicSubscriptionChanged(
            topic=topic.name,
            subscription=found.id,
            attributes=check_subscription(named, topic.account, scope),
        )
        await self._registry.change(topic.account, changed)
        return {}

    async def _theirs(self, call: Call, arn: str) -> tuple[Subscription, Topic]:
        found = await self._registry.subscription(arn)
        if found.state == "ended":
            raise AwsFault("NotFound", "Subscription does not exist", status=404)
        topic_arn, _, _ = arn.rpartition(":")
        return found, await self._registry.topic(call.account, topic_arn)


def genuine(directory: Directory, token: str, now: int) -> tokens.Claim | None:
    """What a token says; None unless we made it and its time is not up."""
    claim = tokens.read(directory.master, token)
    return None if claim is None or claim.expires < now else claim


def _page(found: list[Subscription], after: str) -> dict[str, Any]:
    rest = [one for one in found if one.id > after]
    more = {"NextToken": rest[PAGE - 1].id} if len(rest) > PAGE else {}
    return {"Subscriptions": [_entry(one) for one in rest[:PAGE]], **more}


def _entry(one: Subscription) -> dict[str, str]:
    return {
        "SubscriptionArn": _told(one, PENDING),
        "Owner": one.owner,
        "Protocol": one.protocol,
        "Endpoint": one.endpoint,
        "TopicArn": subscription_arn(one.account, one.topic, "").rstrip(":"),
    }


def _told(one: Subscription, otherwise: str, *, always: bool = False) -> str:
    shown = always or one.state == "confirmed"
    return subscription_arn(one.account, one.topic, one.id) if shown else otherwise
