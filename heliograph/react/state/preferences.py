"""Subscription topics as operators defined them, and what people said about them; pauses.

A choice is about an address on a channel, as consent is, and the last word counts. It is asked at the moment of sending
(`wishes`), and shown on the preference page. A choice outlives its topic: who left "offers" gets none when the topic
was removed, misspelt in a template, or defined anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from heliograph.database import METADATA, Query
from heliograph.events.event import AnyEvent
from heliograph.events.preferences import (
    MarketingPaused,
    SubscriptionTopicChosen,
    SubscriptionTopicRemoved,
    SubscriptionTopicSaved,
)
from heliograph.journal.consumer import Fold
from heliograph.react.state import reading
from heliograph.react.state.spelling import Spelling

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
"""What topics are called by templates and programs."""

TOPICS = Table(
    "subscription_topics",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("place", Integer, nullable=False),
    Column("titles", JSON, nullable=False),
    Column("descriptions", JSON, nullable=False),
    Column("by_default", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False),
)
"""`place`: the order in which they were first saved, from 1; pages show them so."""

CHOICES = Table(
    "topic_choices",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String(5), primary_key=True),
    Column("address", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

PAUSES = Table(
    "marketing_pauses",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String(5), primary_key=True),
    Column("address", String, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


class SubscriptionTopic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic: `titles` and `descriptions` by language; `default`: who said nothing receives it."""

    name: str
    titles: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    default: bool = True

    def title(self, language: str) -> str:
        """What it is called in a language, else in English, else in whatever there is."""
        return _spoken(self.titles, language) or self.name

    def description(self, language: str) -> str:
        """What it is about; empty where nobody said it."""
        return _spoken(self.descriptions, language)


class Wishes(NamedTuple):
    """What somebody wants of marketing beyond yes and no: the topic that is asked about, whether they want it (None: they
    said nothing, and nobody defined it) and whether they said so themselves; until when they paused (microseconds)."""

    topic: str | None = None
    wanted: bool | None = None
    said: bool = False
    paused_until: int = 0


class Preferences(NamedTuple):
    """Everything that an address said: by topic, and the pause."""

    choices: dict[str, bool]
    paused_until: int


def topics(connection: Connection, account: str) -> list[SubscriptionTopic]:
    """The topics that are offered, in their order."""
    found = connection.execute(_OFFERED, {"of_account": account})
    return [
        SubscriptionTopic(
            name=row.name, titles=row.titles, descriptions=row.descriptions, default=row.by_default
        )
        for row in found
    ]


def wishes(connection: Connection, account: str, channel: str, address: str, topic: str | None) -> Wishes:
    """What an address wants of a topic now (None: of marketing as such). Where two spellings of it are known, the
    stricter word counts."""
    places = _places(connection, account, channel, address)
    paused = _paused(connection, places)
    if topic is None:
        return Wishes(paused_until=paused)
    said = [wanted for place in places for (wanted,) in _CHOICE.rows(connection, **place, of_topic=topic)]
    wanted = all(said) if said else _DEFAULT.value(connection, of_account=account, of_topic=topic)
    return Wishes(topic, wanted, bool(said), paused)


def preferences(connection: Connection, account: str, channel: str, address: str) -> Preferences:
    """Everything that an address said."""
    places = _places(connection, account, channel, address)
    choices: dict[str, bool] = {}
    for place in places:
        for topic, wanted in _CHOICES.rows(connection, **place):
            choices[topic] = wanted and choices.get(topic, True)
    return Preferences(choices, _paused(connection, places))


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. People choose seldom, operators hardly ever: one by one."""
    spelling = Spelling(connection)
    for event in events:
        match event.data:
            case SubscriptionTopicSaved() as data:
                _save(connection, event.account, data)
            case SubscriptionTopicRemoved(name=name):
                _change(connection, event.account, name, removed=True)
            case SubscriptionTopicChosen() as data:
                values = {"wanted": data.wanted, "at": reading.happened(event)}
                _put(connection, CHOICES, spelling, event, data, {"topic": data.topic}, values)
            case MarketingPaused() as data:
                _put(connection, PAUSES, spelling, event, data, {}, {"until": data.until})
            case _:
                pass


def _save(connection: Connection, account: str, data: SubscriptionTopicSaved) -> None:
    values = {
        "titles": data.titles,
        "descriptions": data.descriptions,
        "by_default": data.default,
        "removed": False,
    }
    if _change(connection, account, data.name, **values):
        return
    last = connection.scalar(select(func.max(TOPICS.c.place)).where(TOPICS.c.account == account))
    connection.execute(
        insert(TOPICS).values(account=account, name=data.name, place=(last or 0) + 1, **values)
    )


def _change(connection: Connection, account: str, name: str, **values: object) -> bool:
    """Whether there is a topic of this name, with these values now."""
    where = (TOPICS.c.account == account, TOPICS.c.name == name)
    return connection.execute(update(TOPICS).where(*where).values(**values)).rowcount > 0


def _put(
    connection: Connection,
    table: Table,
    spelling: Spelling,
    event: AnyEvent,
    data: SubscriptionTopicChosen | MarketingPaused,
    rest: dict[str, str],
    values: Mapping[str, object],
) -> None:
    """The last word of an address: in place of the one before."""
    normal = spelling.normal(event.account, data.address) if data.channel == "email" else None
    address = normal if data.channel == "email" else reading.key_of(data.address)
    if address:
        key = {"account": event.account, "channel": data.channel, "address": address, **rest}
        connection.execute(delete(table).where(*(table.c[name] == value for name, value in key.items())))
        connection.execute(insert(table).values(**key, **values))


def _spoken(texts: dict[str, str], language: str) -> str:
    """In this language, in it without its region, in English, in any."""
    for wanted in (language, language.partition("-")[0], "en"):
        if wanted in texts:
            return texts[wanted]
    return next(iter(texts.values()), "")


def _paused(connection: Connection, places: Sequence[Mapping[str, object]]) -> int:
    return max(_PAUSE.value(connection, **place) or 0 for place in places)


def _places(connection: Connection, account: str, channel: str, address: str) -> list[dict[str, object]]:
    """Where what an address said may stand: at each of its spellings."""
    forms = Spelling(connection).forms(account, address) if channel == "email" else [address]
    return [{"of_account": account, "of_channel": channel, "of_address": form} for form in forms]


def _at(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.account == bindparam("of_account"),
        table.c.channel == bindparam("of_channel"),
        table.c.address == bindparam("of_address"),
    )


_OFFERED = (
    select(TOPICS)
    .where(TOPICS.c.account == bindparam("of_account"), TOPICS.c.removed.is_(False))
    .order_by(TOPICS.c.place)
)
_DEFAULT = Query(
    select(TOPICS.c.by_default).where(
        TOPICS.c.account == bindparam("of_account"),
        TOPICS.c.name == bindparam("of_topic"),
        TOPICS.c.removed.is_(False),
    )
)
_PAUSE = Query(select(PAUSES.c.until).where(_at(PAUSES)))
_CHOICES = Query(select(CHOICES.c.topic, CHOICES.c.wanted).where(_at(CHOICES)))
_CHOICE = Query(select(CHOICES.c.wanted).where(_at(CHOICES), CHOICES.c.topic == bindparam("of_topic")))

FOLD = Fold(
    name="preferences",
    kinds=frozenset(
        kind.kind
        for kind in (
            SubscriptionTopicSaved,
            SubscriptionTopicRemoved,
            SubscriptionTopicChosen,
            MarketingPaused,
        )
    ),
    tables=(TOPICS, CHOICES, PAUSES),
    apply=apply,
)
