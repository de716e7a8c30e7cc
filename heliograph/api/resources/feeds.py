"""`/feeds`: who is told what of the stream, how it fares, and what operators do about it (RM-14, RM-15)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Means, PageSize, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest
from heliograph.events import codec
from heliograph.events.commerce import instant
from heliograph.events.definitions import FeedSaved
from heliograph.events.event import AnyEvent
from heliograph.journal.breaker import State
from heliograph.outbound.feeds import delivery_log, operating, replay_orders, trial
from heliograph.outbound.feeds.delivery_log import Conversation, Noted
from heliograph.outbound.feeds.operating import MOVES, OVERLAP_HOURS, Move, Secrets
from heliograph.outbound.feeds.subscription import served, subscribe
from heliograph.react.state import definitions

NAME = r"^[A-Za-z0-9_.-]{1,64}$"


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as it was saved."""

    name: str
    dialect: str
    endpoint: str
    kinds: tuple[str, ...]
    options: dict[str, Any]
    state: Literal["pending", "active", "paused", "removed"]


class Feeds(msgspec.Struct, frozen=True, kw_only=True):
    """All feeds of the account, by name."""

    feeds: list[Subscribed]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt that the log has: every failure, a sample of successes. What proves who speaks is not kept."""

    id: str
    event: str
    at: Instant
    report: Conversation


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts, the latest first. `next` is the `after` of the next page, if there is one."""

    deliveries: list[Delivery]
    next: str | None = None


class Standing(Subscribed, frozen=True, kw_only=True):
    """A feed and how it fares: entries of the journal behind the end, events to be tried again, events given up, its
    circuit breaker: while that is not `closed`, fresh events are held, since `breaker_since`."""

    behind: int
    waiting: int
    parked: int
    breaker: State = "closed"
    breaker_since: Instant | None = None
    last_delivered: Delivery | None = None
    last_failed: Delivery | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told, how and to whom. `kinds` empty: everything that the dialect has words for."""

    endpoint: str
    dialect: str = "remarkety"
    kinds: list[str] = []
    options: dict[str, Any] = {}


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which a feed is saved. `secret`, `public_key`: where saving made them, because Standard Webhooks
    are wanted."""

    event: str
    secret: str | None = None
    public_key: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be told again: these events, or what was recorded from `since` to before `until` (RFC 3339)."""

    events: list[str] = []
    since: str | None = None
    until: str | None = None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempts: failures alone, or successes alone; of one event. `after` is the `next` of a page."""

    delivered: bool | None = None
    event: str | None = None
    after: str | None = None
    limit: PageSize = 100


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """`overlap`: hours for which the secret before still signs beside the new one. `turn_after`: hours after which what
    bears one signature only turns to the new one."""

    overlap: Annotated[float, Meta(ge=0)] = OVERLAP_HOURS
    turn_after: Annotated[float, Meta(ge=0)] = 0.0


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A feed's new secret, and the public key for `v1a`."""

    event: str
    secret: str
    public_key: str


def standing(connection: Connection, feed: definitions.Feed, head: int) -> Standing:
    """A feed and how it fares. `head`: the journal's."""
    fares = operating.standing(connection, feed, head)
    return Standing(
        **msgspec.structs.asdict(_subscribed(feed)),
        behind=fares.behind,
        waiting=fares.waiting,
        parked=fares.parked,
        breaker=fares.breaker,
        breaker_since=None if fares.breaker_since is None else iso(fares.breaker_since),
        last_delivered=None if fares.last_delivered is None else delivery(fares.last_delivered),
        last_failed=None if fares.last_failed is None else delivery(fares.last_failed),
    )


def delivery(noted: Noted) -> Delivery:
    """An attempt that the log has, as it is shown."""
    return Delivery(id=noted.id, event=noted.event, at=iso(noted.at), report=noted.report)


async def every(means: Means, asked: Asked) -> Feeds:
    """All feeds of the account."""
    known = await means.read(definitions.feeds)
    return Feeds(feeds=[_subscribed(one) for one in known if one.account == asked.account.number])


async def get(means: Means, asked: Asked) -> Standing:
    """One feed and how it fares."""
    head = await means.journal.head()

    return await means.read(lambda connection: standing(connection, _feed(connection, asked), head))


async def save(means: Means, asked: Asked) -> Saved:
    """Subscribe a receiver from now on, or change how it is told."""
    account, name, wanted, now = asked.account.number, asked.path["feed"], asked.body, means.clock.now()
    _check_name(name)
    said = {**msgspec.structs.asdict(wanted), "kinds": tuple(wanted.kinds)}
    checked = subscribe(means.feeds.settings, account=account, name=name, **said)
    known = await means.read(lambda connection: definitions.feed(connection, account, name))
    saved = operating.told(
        FeedSaved(name=name, by=asked.by, **said),
        account=account,
        name=name,
        now=now,
    )
    events: list[AnyEvent] = [saved]
    made = None
    if checked.options.standard_webhooks and not (known and known.secrets):
        made = operating.rotated(
            means.directory, account, name, now, overlap=OVERLAP_HOURS, turns=0, by=asked.by
        )
        events.append(made.event)
    await means.journal.append([codec.encode(event) for event in events])
    return Saved(
        event=saved.id,
        secret=made.secret if made else None,
        public_key=made.public_key if made else None,
    )


async def pause(means: Means, asked: Asked) -> Told:
    """Hold a feed."""
    return await _moved(means, asked, "paused")


async def resume(means: Means, asked: Asked) -> Told:
    """Go on where a feed was."""
    return await _moved(means, asked, "resumed")


async def remove(means: Means, asked: Asked) -> Told:
    """End a feed."""
    return await _moved(means, asked, "removed")


async def test(means: Means, asked: Asked) -> Conversation:
    """Tell the receiver one made-up event now; what was sent, and what came back."""
    feed = await means.read(lambda connection: _feed(connection, asked))
    return await trial.try_out(served(means.feeds.settings, feed), asked.account, means.feeds)


async def replay(means: Means, asked: Asked) -> Told:
    """Tell a feed again what it was told before, under the same ids."""
    feed = await means.read(lambda connection: _feed(connection, asked))
    which, now = asked.body, means.clock.now()
    if bool(which.events) == bool(which.since):
        raise BadRequest("name either events or a time", field="events")
    if which.events:
        order = await replay_orders.order_of_events(means.journal, feed.name, which.events, asked.by)
    else:
        since, until = _instant(which.since, "since"), _instant(which.until, "until")
        order = await replay_orders.order_of_time(
            means.journal, feed.name, since or 0, now if until is None else until, asked.by
        )
    return await _recorded(means, operating.told(order, account=feed.account, name=feed.name, now=now))


async def deliveries(means: Means, asked: Asked) -> Deliveries:
    """What the log has of a feed."""
    wanted = asked.query

    def look(connection: Connection) -> list[Noted]:
        feed = _feed(connection, asked)
        return delivery_log.find(
            connection,
            feed.account,
            feed.name,
            delivered=wanted.delivered,
            event=wanted.event,
            before=wanted.after,
            limit=wanted.limit + 1,
        )

    noted = await means.read(look)
    shown = noted[: wanted.limit]
    following = shown[-1].id if len(noted) > len(shown) else None
    return Deliveries(deliveries=[delivery(one) for one in shown], next=following)


async def rotate(means: Means, asked: Asked) -> NewSecret:
    """Give a feed a new secret."""
    feed = await means.read(lambda connection: _feed(connection, asked))
    said = asked.body
    made = operating.rotated(
        means.directory,
        feed.account,
        feed.name,
        means.clock.now(),
        overlap=said.overlap,
        turns=said.turn_after,
        by=asked.by,
    )
    await means.journal.append([codec.encode(made.event)])
    return NewSecret(event=made.event.id, secret=made.secret, public_key=made.public_key)


async def secrets(means: Means, asked: Asked) -> Secrets:
    """What the receiver verifies with now."""
    feed = await means.read(lambda connection: _feed(connection, asked))
    return operating.secrets(means.directory, feed, means.clock.now())


async def _moved(means: Means, asked: Asked, move: Move) -> Told:
    feed = await means.read(lambda connection: _feed(connection, asked))
    data = MOVES[move](name=feed.name, by=asked.by)
    return await _recorded(
        means, operating.told(data, account=feed.account, name=feed.name, now=means.clock.now())
    )


async def _recorded(means: Means, event: AnyEvent) -> Told:
    await means.journal.append([codec.encode(event)])
    return Told(event=event.id)


def _feed(connection: Connection, asked: Asked) -> definitions.Feed:
    return operating.found(connection, asked.account.number, asked.path["feed"])


def _subscribed(feed: definitions.Feed) -> Subscribed:
    return Subscribed(
        name=feed.name,
        dialect=feed.dialect,
        endpoint=feed.endpoint,
        kinds=feed.kinds,
        options=feed.options,
        state=feed.state,
    )


def _check_name(name: str) -> None:
    try:
        msgspec.convert(name, Annotated[str, Meta(pattern=NAME)])
    except msgspec.ValidationError as error:
        raise BadRequest("a feed's name has 1 to 64 of A-Z, a-z, 0-9, _, . and -", field="feed") from error


def _instant(text: str | None, field: str) -> int | None:
    found = instant(text)
    if found is None and text is not None:
        raise BadRequest(f"{field}: no date or time, such as 2026-01-31T12:00:00Z", field=field)
    return found


def _call(method: Any, path: str, name: str, summary: str, handler: Any, answer: Any, **more: Any) -> Call:
    return Call(
        method=method,
        path=f"/feeds{path}",
        name=name,
        summary=summary,
        handler=handler,
        answer=answer,
        scope="feeds",
        **more,
    )


RESOURCE = Resource(
    name="feeds",
    description="Subscriptions to the stream: webhooks, queues, topics.",
    calls=(
        _call("GET", "", "listFeeds", "All feeds", every, Feeds),
        _call("GET", "/{feed}", "getFeed", "One feed and how it fares", get, Standing),
        _call("PUT", "/{feed}", "saveFeed", "Add or change a feed", save, Saved, body=Wanted, status=202),
        _call("DELETE", "/{feed}", "removeFeed", "End a feed", remove, Told, status=202),
        _call("POST", "/{feed}/pause", "pauseFeed", "Hold a feed", pause, Told, status=202),
        _call("POST", "/{feed}/resume", "resumeFeed", "Go on where it was", resume, Told, status=202),
        _call(
            "POST", "/{feed}/test", "testFeed", "Send a test now, and see what came back", test, Conversation
        ),
        _call("POST", "/{feed}/replay", "replayFeed", "Tell it again", replay, Told, body=Which, status=202),
        _call(
            "GET",
            "/{feed}/deliveries",
            "listDeliveries",
            "Failures, and a sample of successes",
            deliveries,
            Deliveries,
            query=Past,
        ),
        _call(
            "POST",
            "/{feed}/secret",
            "rotateSecret",
            "A new secret",
            rotate,
            NewSecret,
            body=Rotation,
            status=202,
        ),
        _call("GET", "/{feed}/secret", "getSecrets", "What its receiver verifies with", secrets, Secrets),
    ),
)
