"""What operators do with feeds, for the API and the command line alike: the events that it takes, and how a feed stands."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from heliograph.accounts.directory import Directory
from heliograph.clock import SECOND
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec, subjects
from heliograph.events.definitions import (
    FeedMoved,
    FeedPaused,
    FeedRemoved,
    FeedResumed,
    FeedSecretRotated,
)
from heliograph.events.event import AnyEvent, Data, Event
from heliograph.journal import positions
from heliograph.journal.breaker import State
from heliograph.journal.parked import PARKED, RETRIES
from heliograph.journal.positions import ACT, Who
from heliograph.outbound.feeds import breakers, delivery_log
from heliograph.outbound.feeds.delivery_log import Noted
from heliograph.outbound.feeds.secrets import derived, key_pair, live, public_key, standard_form
from heliograph.outbound.feeds.subscription import act_name
from heliograph.react.state import definitions
from heliograph.react.state.definitions import Feed, FeedSecret

OVERLAP_HOURS = 24.0
"""For how long the secret before still signs, unless the operator says otherwise."""

MOST_OVERLAP_HOURS = 24.0 * 90

Move = Literal["paused", "resumed", "removed"]

MOVES: dict[Move, type[FeedMoved]] = {
    "paused": FeedPaused,
    "resumed": FeedResumed,
    "removed": FeedRemoved,
}


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed's receiver verifies with, the newest first. `secrets`: the shared ones, as written; the dialect's own
    signature is made with `single`. `standard`: the same for libraries of Standard Webhooks. `public_keys`: for `v1a`."""

    single: str
    secrets: list[str]
    standard: list[str]
    public_keys: list[str]


class Rotated(NamedTuple):
    """The event that gives a feed a new secret, and what its receiver is to be told."""

    event: Event[FeedSecretRotated]
    secret: str
    public_key: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a feed stands: entries of the journal behind its end, events to be tried again, events given up, its circuit
    breaker and since when (microseconds) that is not closed, and the latest delivery and failure that the log has."""

    behind: int
    waiting: int
    parked: int
    breaker: State = "closed"
    breaker_since: int | None = None
    last_delivered: Noted | None = None
    last_failed: Noted | None = None


def found(connection: Connection, account: str, name: str) -> Feed:
    """The feed of this name. Raises `NotFound`, naming those that there are."""
    feed = definitions.feed(connection, account, name)
    if feed is None:
        known = sorted(one.name for one in definitions.feeds(connection) if one.account == account)
        raise NotFound(f"there is no feed {name}: {', '.join(known) or 'there is none at all'}", field="feed")
    return feed


def told(data: Data, *, account: str, name: str, now: int) -> AnyEvent:
    """An event about a feed."""
    return codec.make(data, account=account, subject=subjects.thing("feed", name), now=now)


def rotated(
    directory: Directory, account: str, name: str, now: int, *, overlap: float, turns: float, by: str
) -> Rotated:
    """A new secret, which signs at once beside the one before; that goes on for `overlap` hours. What bears one
    signature only turns to the new one after `turns` hours. Raises `BadRequest`."""
    if not 0 <= turns <= overlap <= MOST_OVERLAP_HOURS:
        raise BadRequest(
            f"the overlap is 0 to {MOST_OVERLAP_HOURS:g} hours, and the turn within it", field="overlap"
        )
    hour = 3600 * SECOND
    data = FeedSecretRotated(
        name=name,
        kid=directory.master.current,
        turns=now + int(turns * hour),
        until=now + int(overlap * hour),
        by=by,
    )
    event = codec.make(data, account=account, subject=subjects.thing("feed", name), now=now)
    made = FeedSecret(event=event.id, kid=data.kid)
    pair = key_pair(directory.master, account, name, made)
    return Rotated(event, derived(directory.master, account, name, made), public_key(pair))


def secrets(directory: Directory, feed: Feed, now: int) -> Secrets:
    """What its receiver verifies with now. Raises `NotFound` when there is nothing."""
    valid = live(directory, feed.account, feed.name, feed.secrets, now)
    if valid is None:
        raise NotFound("the account has no webhook secret", field="feed")
    return Secrets(
        single=valid.single,
        secrets=list(valid.all),
        standard=[standard_form(secret) for secret in valid.all],
        public_keys=[public_key(pair) for pair in valid.pairs],
    )


def standing(connection: Connection, feed: Feed, head: int) -> Standing:
    """How a feed stands. `head`: the journal's."""
    who = Who(ACT, act_name(feed))
    at = positions.load(connection).get(who, head)
    waiting, parked = (
        connection.scalar(
            select(func.count())
            .select_from(table)
            .where(table.c.consumer == who.consumer, table.c.name == who.name)
        )
        for table in (RETRIES, PARKED)
    )

    def last(delivered: bool) -> Noted | None:
        noted = delivery_log.find(connection, feed.account, feed.name, delivered=delivered, limit=1)
        return noted[0] if noted else None

    held = breakers.find(connection, feed.account, feed.name)
    return Standing(
        behind=max(0, head - at),
        waiting=waiting or 0,
        parked=parked or 0,
        breaker=held.state if held else "closed",
        breaker_since=held.since if held else None,
        last_delivered=last(True),
        last_failed=last(False),
    )
