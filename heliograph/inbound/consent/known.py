"""What state knows of somebody who holds a link: whose address it is, what they may choose, and how it stands.

The only place here that asks the database, in a thread. A message that nobody knows any more (its time is over, its
recipient was erased) leaves its link without anything to choose.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from heliograph.events.consent import Channel
from heliograph.react.state import consent, messages, people, preferences
from heliograph.react.state.preferences import Preferences, SubscriptionTopic
from heliograph.refs import MessageRef

log = logging.getLogger("heliograph.consent")

T = TypeVar("T")


class Known(NamedTuple):
    """Who holds the link. `channel` and `address` are their message's; `phone` is empty where there is none, or
    where the message itself is a text. `language` is what their shop says of them, if it does."""

    channel: Channel
    address: str
    subscribed: bool
    phone: str
    texted: bool
    language: str
    topics: Sequence[SubscriptionTopic]
    said: Preferences


async def known(state: Engine, ref: MessageRef) -> Known | None:
    """Who holds this link; None where nobody knows. Raises `SQLAlchemyError`."""
    return await _read(state, lambda connection: _known(connection, ref))


async def topic_title(state: Engine, ref: MessageRef, language: str) -> str:
    """What the topic of a link's message is called; empty where nobody knows, or state cannot be read: who wants
    to leave must not wait for it."""

    def look(connection: Connection) -> str:
        message = messages.find(connection, ref.account, ref.message)
        if message is None or message.topic is None:
            return ""
        offered = {topic.name: topic for topic in preferences.topics(connection, ref.account)}
        topic = offered.get(message.topic)
        return topic.title(language) if topic else message.topic

    try:
        return await _read(state, look)
    except SQLAlchemyError:
        log.warning("the topic of a message cannot be read", exc_info=True)
        return ""


def _known(connection: Connection, ref: MessageRef) -> Known | None:
    account = ref.account
    message = messages.find(connection, account, ref.message)
    if message is None:
        return None
    channel, address = message.channel, message.address
    by_mail = channel == "email"
    person = people.find(
        connection, account, person=ref.person or message.person, email=address if by_mail else None
    )
    phone = (person.phone or "") if person and by_mail else ""
    said = person.document if person else {}
    return Known(
        channel=channel,
        address=address,
        subscribed=_subscribed(connection, account, channel, address),
        phone=phone,
        texted=bool(phone) and _subscribed(connection, account, "sms", phone),
        language=next((str(said[name]) for name in ("language", "locale") if said.get(name)), ""),
        topics=preferences.topics(connection, account),
        said=preferences.preferences(connection, account, channel, address),
    )


def _subscribed(connection: Connection, account: str, channel: Channel, address: str) -> bool:
    """Whether the person let us write there; what else may bar the address is not theirs to choose."""
    standing = consent.standing(connection, account, channel, address)
    theirs = {"unsubscribed", "pending_opt_in"} & standing.suppressions
    yes = standing.opt_in is True or (standing.opt_in is None and channel != "sms")
    return yes and not theirs


async def _read(state: Engine, look: Callable[[Connection], T]) -> T:
    def read() -> T:
        with state.connect() as connection:
            return look(connection)

    return await asyncio.to_thread(read)
