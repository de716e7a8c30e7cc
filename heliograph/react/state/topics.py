"""Topics and who is subscribed to them (SNS-1, SNS-2, SNS-9).

A feed that ends in a topic (`sns:NAME`) makes it. A subscription is pending until its endpoint confirms, with a token made
for the row's nonce; one that was ended through its UnsubscribeURL can be restored in the same way. What was not confirmed
in its time is nobody's any more: those who ask leave it out, and later subscriptions clear it away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from heliograph.database import METADATA, Query
from heliograph.events.definitions import FeedSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.events.topics import (
    TopicChanged,
    TopicConfirmed,
    TopicCreated,
    TopicDeleted,
    TopicSubscribed,
    TopicSubscriptionChanged,
    TopicUnsubscribed,
)
from heliograph.journal.consumer import Fold

FEED_SCHEME = "sns:"
"""What a feed's endpoint begins with when the feed ends in a topic; the topic's name follows."""

State = Literal["pending", "confirmed", "ended"]

TOPICS = Table(
    "topics",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("attributes", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created", BigInteger, nullable=False),
)

SUBSCRIPTIONS = Table(
    "topic_subscriptions",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("topic", String, nullable=False),
    Column("protocol", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("owner", String(12), nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("state", String(9), nullable=False),
    Column("nonce", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("confirmed", BigInteger),
    Column("confirmed_by", String(12), nullable=False),
    Column("locked", Boolean, nullable=False),
    Index("ix_topic_subscriptions_topic", "account", "topic"),
)


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic; attributes as they were set."""

    account: str
    name: str
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    created: int = 0


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. `account` is the topic's, `owner` who subscribed; `confirmed` when, `confirmed_by` the account
    that said it for the endpoint. Instants in microseconds; `expires`: until when `nonce` serves."""

    id: str
    account: str
    topic: str
    protocol: str
    endpoint: str
    owner: str
    attributes: dict[str, str]
    state: State
    nonce: str
    expires: int
    created: int
    confirmed: int | None
    confirmed_by: str
    locked: bool


_TOPIC = select(TOPICS).where(
    TOPICS.c.account == bindparam("of_account"), TOPICS.c.name == bindparam("of_name")
)
_NAME = Query(
    select(TOPICS.c.name).where(TOPICS.c.account == bindparam("account"), TOPICS.c.name == bindparam("name"))
)
_ONE = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == bindparam("of_id"))
_KNOWN = select(SUBSCRIPTIONS.c.id).where(
    SUBSCRIPTIONS.c.account == bindparam("of_account"),
    SUBSCRIPTIONS.c.topic == bindparam("of_topic"),
    SUBSCRIPTIONS.c.protocol == bindparam("of_protocol"),
    SUBSCRIPTIONS.c.endpoint == bindparam("of_endpoint"),
    SUBSCRIPTIONS.c.state != "ended",
)


def topic(connection: Connection, account: str, name: str) -> Topic | None:
    """The topic of this name."""
    found = connection.execute(_TOPIC, {"of_account": account, "of_name": name}).one_or_none()
    return None if found is None else Topic(**found._mapping)


def exists(connection: Connection, account: str, name: str) -> bool:
    """Whether there is a topic of this name: asked for every message that a feed publishes."""
    return _NAME.row(connection, account=account, name=name) is not None


def topics(connection: Connection, account: str | None = None) -> list[Topic]:
    """An account's topics by name; without an account everybody's."""
    query = select(TOPICS).order_by(TOPICS.c.account, TOPICS.c.name)
    if account is not None:
        query = query.where(TOPICS.c.account == account)
    return [Topic(**row._mapping) for row in connection.execute(query)]


def subscription(connection: Connection, id: str) -> Subscription | None:
    """The subscription with this id, whatever its state."""
    found = connection.execute(_ONE, {"of_id": id}).one_or_none()
    return None if found is None else Subscription(**found._mapping)


def subscriptions(
    connection: Connection,
    now: int,
    *,
    account: str | None = None,
    topic: str | None = None,
    owner: str | None = None,
) -> list[Subscription]:
    """The subscriptions that are confirmed or still may be, in the order of their ids."""
    table = SUBSCRIPTIONS.c
    query = select(SUBSCRIPTIONS).where(
        (table.state == "confirmed") | ((table.state == "pending") & (table.expires > now))
    )
    for column, value in ((table.account, account), (table.topic, topic), (table.owner, owner)):
        if value is not None:
            query = query.where(column == value)
    return [Subscription(**row._mapping) for row in connection.execute(query.order_by(table.id))]


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. Definitions are few: one by one."""
    for event in events:
        step = _STEPS.get(type(event.data))
        if step is not None:
            step(connection, event, event.data)


def _create(connection: Connection, event: AnyEvent, data: TopicCreated) -> None:
    if topic(connection, event.account, data.topic) is None:
        connection.execute(
            insert(TOPICS).values(
                account=event.account,
                name=data.topic,
                attributes=data.attributes,
                tags=data.tags,
                created=event.recorded,
            )
        )


def _create_for_feed(connection: Connection, event: AnyEvent, data: FeedSaved) -> None:
    if data.endpoint.startswith(FEED_SCHEME):
        _create(connection, event, TopicCreated(topic=data.endpoint.removeprefix(FEED_SCHEME)))


def _change(connection: Connection, event: AnyEvent, data: TopicChanged) -> None:
    known = topic(connection, event.account, data.topic)
    if known is None:
        return
    tags = {key: value for key, value in known.tags.items() if key not in data.untagged} | data.tags
    connection.execute(
        update(TOPICS)
        .where(TOPICS.c.account == event.account, TOPICS.c.name == data.topic)
        .values(attributes=_set(known.attributes, data.attributes), tags=tags)
    )


def _delete(connection: Connection, event: AnyEvent, data: TopicDeleted) -> None:
    connection.execute(delete(TOPICS).where(TOPICS.c.account == event.account, TOPICS.c.name == data.topic))
    connection.execute(
        delete(SUBSCRIPTIONS).where(
            SUBSCRIPTIONS.c.account == event.account, SUBSCRIPTIONS.c.topic == data.topic
        )
    )


def _subscribe(connection: Connection, event: AnyEvent, data: TopicSubscribed) -> None:
    """A new one, or a pending one whose endpoint is asked again; an endpoint has one at a time, and an id is given once.
    A question that was over when it was recorded asks nobody."""
    table = SUBSCRIPTIONS.c
    if not data.confirmed and data.expires < event.recorded:
        return
    connection.execute(
        delete(SUBSCRIPTIONS).where(table.state != "confirmed", table.expires < event.recorded)
    )
    if topic(connection, event.account, data.topic) is None:
        return
    of = {
        "of_account": event.account,
        "of_topic": data.topic,
        "of_protocol": data.protocol,
        "of_endpoint": data.endpoint,
    }
    known = connection.scalar(_KNOWN, of)
    if known is not None:
        if known == data.subscription:
            again = update(SUBSCRIPTIONS).where(table.id == known, table.state == "pending")
            connection.execute(again.values(nonce=data.nonce, expires=data.expires))
        return
    if subscription(connection, data.subscription) is not None:
        return
    connection.execute(
        delete(SUBSCRIPTIONS).where(
            table.account == event.account,
            table.topic == data.topic,
            table.protocol == data.protocol,
            table.endpoint == data.endpoint,
        )
    )
    connection.execute(insert(SUBSCRIPTIONS).values(**_row(event, data)))


def _row(event: AnyEvent, data: TopicSubscribed) -> dict[str, Any]:
    return {
        "id": data.subscription,
        "account": event.account,
        "topic": data.topic,
        "protocol": data.protocol,
        "endpoint": data.endpoint,
        "owner": data.owner,
        "attributes": _set({}, data.attributes),
        "state": "confirmed" if data.confirmed else "pending",
        "nonce": data.nonce,
        "expires": data.expires,
        "created": event.recorded,
        "confirmed": event.recorded if data.confirmed else None,
        "confirmed_by": data.owner if data.confirmed else "",
        "locked": False,
    }


def _confirm(connection: Connection, event: AnyEvent, data: TopicConfirmed) -> None:
    table = SUBSCRIPTIONS.c
    connection.execute(
        update(SUBSCRIPTIONS)
        .where(
            table.id == data.subscription,
            table.account == event.account,
            table.nonce == data.nonce,
            table.state != "confirmed",
        )
        .values(state="confirmed", confirmed=event.recorded, confirmed_by=data.by, locked=data.locked)
    )


def _change_subscription(connection: Connection, event: AnyEvent, data: TopicSubscriptionChanged) -> None:
    known = subscription(connection, data.subscription)
    if known is not None and known.account == event.account:
        attributes = _set(known.attributes, data.attributes)
        connection.execute(
            update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == known.id).values(attributes=attributes)
        )


def _unsubscribe(connection: Connection, event: AnyEvent, data: TopicUnsubscribed) -> None:
    theirs = (SUBSCRIPTIONS.c.id == data.subscription, SUBSCRIPTIONS.c.account == event.account)
    if not data.nonce:
        connection.execute(delete(SUBSCRIPTIONS).where(*theirs))
        return
    connection.execute(
        update(SUBSCRIPTIONS)
        .where(*theirs, SUBSCRIPTIONS.c.state == "confirmed")
        .values(state="ended", nonce=data.nonce, expires=data.expires)
    )


def _set(attributes: dict[str, str], said: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in (attributes | said).items() if value}


_STEPS: dict[type[Data], Callable[[Connection, AnyEvent, Any], None]] = {
    TopicCreated: _create,
    TopicChanged: _change,
    TopicDeleted: _delete,
    TopicSubscribed: _subscribe,
    TopicConfirmed: _confirm,
    TopicSubscriptionChanged: _change_subscription,
    TopicUnsubscribed: _unsubscribe,
    FeedSaved: _create_for_feed,
}

FOLD = Fold(
    name="topics",
    kinds=frozenset(kind.kind for kind in _STEPS),
    tables=(TOPICS, SUBSCRIPTIONS),
    apply=apply,
)
