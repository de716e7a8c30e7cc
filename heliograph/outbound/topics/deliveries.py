"""Delivery of what is published: one act per subscription, and one that asks new endpoints whether they want it.

A subscription is a cursor over the journal, so receivers do not delay one another (SNS-5 to SNS-8). What cannot be
delivered goes to the subscription's dead-letter queue; without one it is parked, where an operator sees it. A message that
was published before an endpoint confirmed is not for it (SNS-1), nor is one about a campaign made before (LIT-16).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from heliograph.aws.signed import Type
from heliograph.events.event import AnyEvent
from heliograph.events.topics import (
    TopicConfirmed,
    TopicDeleted,
    TopicPublished,
    TopicSubscribed,
    TopicUnsubscribed,
)
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Retry, Skipped
from heliograph.outbound.topics import notices, tokens
from heliograph.outbound.topics.attributes import SCOPES, dead_letters
from heliograph.outbound.topics.delivery_policy import Effective, Retries, effective, schedule
from heliograph.outbound.topics.endpoints import Means, Pace, Parcel, enqueue, post
from heliograph.outbound.topics.filters import wants
from heliograph.outbound.topics.names import subscription_arn, topic_arn
from heliograph.outbound.topics.publications import text_for
from heliograph.queues.model import named_by
from heliograph.react.state import topics
from heliograph.react.state.topics import Subscription, Topic
from heliograph.settings import topics_url

QUEUE_SCHEDULE = (1.0, 5.0, 20.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds between attempts at a queue of our own: the disk is full, or another process is writing."""

AT_ONCE = 32
"""Deliveries of one subscription under way."""
ASKED_AT_ONCE = 64
"""Confirmation requests under way, of all accounts: endpoints that hang hold up few others."""


class Served(NamedTuple):
    """A subscription with its topic, as they are now: what its act is made of."""

    subscription: Subscription
    topic: Topic


def served(connection: Connection, now: int) -> list[Served]:
    """Every subscription that gets messages."""
    all_topics = {(one.account, one.name): one for one in topics.topics(connection)}
    found = topics.subscriptions(connection, now)
    return [Served(one, all_topics[one.account, one.topic]) for one in found if one.state == "confirmed"]


def subscription_act(one: Served, means: Means) -> Act:
    """The act of one subscription."""
    confirmed = one.subscription.confirmed or 0
    delivery = _Delivery(one.subscription, one.topic, means, _Standing(confirmed))
    return Act(
        name=act_name(one),
        kinds=frozenset(kind.kind for kind in (TopicPublished, *_TURNS)),
        perform=delivery.perform,
        schedule=delivery.schedule,
        concurrency=AT_ONCE,
        born=confirmed,
        wants=delivery.wants,
    )


def act_name(one: Served) -> str:
    """What the subscription's place and retries are kept under."""
    subscription = one.subscription
    return f"topic:{subscription.account}:{subscription.topic}:{subscription.id}"


def confirmations_act(means: Means) -> Act:
    """The act that asks endpoints to confirm, and tells those that were unsubscribed how to undo it."""
    return Act(
        name="topics:confirmations",
        kinds=frozenset((TopicSubscribed.kind, TopicUnsubscribed.kind)),
        perform=_Asking(means).perform,
        schedule=schedule(Retries()),
        concurrency=ASKED_AT_ONCE,
    )


_TURNS = (TopicConfirmed, TopicUnsubscribed, TopicDeleted)
"""What begins and ends a subscription."""


class _Standing:
    """Since when a subscription is wanted, as its own events tell: they stand in the journal between what it gets and
    what it does not, while the engine looks at state only now and then."""

    def __init__(self, confirmed: int) -> None:
        self.wanted = True
        self.confirmed = confirmed

    def turn(self, event: AnyEvent, subscription: Subscription) -> None:
        """Take note of an event; one from before the state that we began with says nothing new."""
        data = event.data
        mine = event.account == subscription.account and (
            getattr(data, "subscription", "") == subscription.id
            or (isinstance(data, TopicDeleted) and data.topic == subscription.topic)
        )
        if not mine or event.recorded < self.confirmed:
            return
        if not isinstance(data, TopicConfirmed):
            self.wanted = False
        elif not self.wanted:
            self.wanted, self.confirmed = True, event.recorded


@dataclass(frozen=True)
class _Delivery:
    """One subscription being served."""

    subscription: Subscription
    topic: Topic
    means: Means
    standing: _Standing
    pace: Pace = field(default_factory=Pace)

    @cached_property
    def policy(self) -> Effective:
        """Its delivery policy."""
        own, of_topic = self.subscription.attributes, self.topic.attributes
        return effective(own.get("DeliveryPolicy", ""), of_topic.get("DeliveryPolicy", ""))

    @cached_property
    def filter(self) -> dict[str, Any] | None:
        """Which messages it wants; None: all."""
        text = self.subscription.attributes.get("FilterPolicy")
        return msgspec.json.decode(text) if text else None

    @cached_property
    def raw(self) -> bool:
        """Whether it gets messages without our envelope (SNS-8)."""
        return self.subscription.attributes.get("RawMessageDelivery") == "true"

    @property
    def schedule(self) -> tuple[float, ...]:
        """Seconds before each further attempt."""
        queue = self.subscription.protocol == "sqs"
        return QUEUE_SCHEDULE if queue else schedule(self.policy.healthy_retry_policy)

    def wants(self, event: AnyEvent) -> bool:
        """Whether it is published to this topic, or may begin or end the subscription."""
        data, one = event.data, self.subscription
        return event.account == one.account and not (
            isinstance(data, TopicPublished) and data.topic != one.topic
        )

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Deliver one publication, once."""
        data, one, standing = event.data, self.subscription, self.standing
        if isinstance(data, _TURNS):
            standing.turn(event, one)
            return Skipped()
        if not isinstance(data, TopicPublished) or (event.account, data.topic) != (one.account, one.topic):
            return Skipped()
        if (
            not standing.wanted
            or min(event.recorded, event.recorded if data.born is None else data.born) < standing.confirmed
        ):
            return Skipped()
        text = text_for(data, one.protocol)
        scope = one.attributes.get("FilterPolicyScope", SCOPES[0])
        if self.filter is not None and not wants(self.filter, scope, text, data.attributes):
            return Skipped()
        parcel = self._parcel(event, data, text)
        outcome = await self._bring(parcel)
        last = isinstance(outcome, Retry) and attempt > len(self.schedule)
        grave = dead_letters(one.attributes)
        if (
            grave is not None
            and isinstance(outcome, Retry | Refused)
            and (last or isinstance(outcome, Refused))
        ):
            return await self._bury(parcel, grave, outcome.why)
        return outcome

    async def _bring(self, parcel: Parcel) -> Outcome:
        one = self.subscription
        if one.protocol == "sqs":
            queue = named_by(one.endpoint)
            return await enqueue(parcel, *queue, self.means) if queue else Refused("the endpoint is no queue")
        await self.pace.wait(self.policy.throttle_policy.max_receives_per_second, self.means.clock)
        content_type = self.policy.request_policy.header_content_type
        headers = {**parcel.headers, **({"Content-Type": content_type} if content_type else {})}
        return await post(one.endpoint, parcel.body, headers, self.means)

    async def _bury(self, parcel: Parcel, grave: tuple[str, str], why: str) -> Outcome:
        outcome = await enqueue(parcel, *grave, self.means)
        if isinstance(outcome, Delivered):
            return Delivered(f"dead-letter queue {grave[1]}: {why}")
        return Refused(f"{why}; and the dead-letter queue {grave[1]}: {outcome.why}" if outcome else why)

    def _parcel(self, event: AnyEvent, data: TopicPublished, text: str) -> Parcel:
        one, means = self.subscription, self.means
        topic, arn = topic_arn(one.account, one.topic), subscription_arn(one.account, one.topic, one.id)
        id_ = data.message_id or event.id
        headers = notices.headers("Notification", id_, topic, arn)
        if self.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
            return Parcel(event, id_, text.encode(), headers, one.topic, data.attributes)
        told = notices.notification(id_, topic, text, data.title, event.recorded)
        signed = means.signer.signed(told, self.topic.attributes.get("SignatureVersion", "1"))
        signed["UnsubscribeURL"] = notices.unsubscribe_url(topics_url(means.settings), arn)
        if data.attributes:
            signed["MessageAttributes"] = notices.wire_attributes(data.attributes)
        return Parcel(event, id_, notices.body(signed), headers, one.topic)


@dataclass(frozen=True)
class _Asking:
    """Confirmation requests of both kinds; each is sent only while it still is the question."""

    means: Means

    async def perform(self, event: AnyEvent, _: int) -> Outcome:
        """Ask one endpoint, once."""
        data = event.data
        if not isinstance(data, TopicSubscribed | TopicUnsubscribed) or not data.nonce:
            return Skipped()
        with self.means.engine.connect() as connection:
            one = topics.subscription(connection, data.subscription)
            topic = topics.topic(connection, event.account, data.topic)
        state = "pending" if isinstance(data, TopicSubscribed) else "ended"
        if (
            one is None
            or topic is None
            or one.account != event.account
            or (one.state, one.nonce) != (state, data.nonce)
            or one.protocol not in ("http", "https")
            or data.expires < self.means.clock.now()
        ):
            return Skipped()
        token = tokens.write(
            self.means.directory.master, tokens.Claim(data.subscription, data.nonce, data.expires)
        )
        return await self._ask(event, one, topic, token)

    async def _ask(self, event: AnyEvent, one: Subscription, topic: Topic, token: str) -> Outcome:
        means, arn = self.means, topic_arn(one.account, one.topic)
        own = subscription_arn(one.account, one.topic, one.id)
        new = one.state == "pending"
        type_: Type = "SubscriptionConfirmation" if new else "UnsubscribeConfirmation"
        asking = notices.confirmation(
            type_, event.id, arn, arn if new else own, token, topics_url(means.settings), event.recorded
        )
        signed = means.signer.signed(asking, topic.attributes.get("SignatureVersion", "1"))
        headers = notices.headers(type_, event.id, arn, "" if new else own)
        return await post(one.endpoint, notices.body(signed), headers, means)
