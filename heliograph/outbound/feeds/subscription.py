"""A subscription that can be served: a saved feed, checked, with its dialect and its options.

Whoever saves a feed (the command line, the API) checks it here first, so that the operator hears at once what is
wrong; `push` checks again when it starts serving, because dialects and settings change between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from heliograph.errors import BadRequest, perhaps
from heliograph.outbound.feeds.dialect import CARRIED, Dialect, Options
from heliograph.outbound.feeds.dialects import BY_NAME
from heliograph.outbound.feeds.sinks import sink_of, webhook
from heliograph.react.state.definitions import Feed, FeedSecret
from heliograph.settings import Settings


class Subscription(NamedTuple):
    """What is told to one receiver, and how. `kinds` are those that it wants and its dialect has words for."""

    account: str
    name: str
    endpoint: str
    kinds: frozenset[str]
    dialect: Dialect[Any]
    options: Options
    secrets: tuple[FeedSecret, ...] = ()


def subscribe(
    settings: Settings,
    *,
    account: str,
    name: str,
    dialect: str,
    endpoint: str,
    kinds: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Subscription:
    """The subscription that these make. `kinds` empty: everything the dialect has words for.

    Raises `BadRequest`, naming the field: an unknown dialect or option, an endpoint that is not called, a kind
    that no feed carries, or kinds of which the dialect can tell none."""
    spoken = BY_NAME.get(dialect)
    if spoken is None:
        raise BadRequest(f"there is no dialect {dialect!r}: choose {', '.join(BY_NAME)}", field="dialect")
    fault = sink_of(endpoint).fault(endpoint, settings)
    if fault:
        raise BadRequest(fault, field="endpoint")
    for kind in kinds:
        if kind not in CARRIED:
            raise BadRequest(f"feeds do not carry {kind!r}{perhaps(kind, CARRIED)}", field="kinds")
    wanted = spoken.kinds & CARRIED & frozenset(kinds or spoken.kinds)
    if not wanted:
        raise BadRequest(f"the dialect {dialect} tells none of these kinds", field="kinds")
    chosen = _options(spoken, options or {})
    if chosen.accounts and sink_of(endpoint) is not webhook.SINK:
        raise BadRequest(
            "sub-accounts are told of by webhooks only: give them feeds of their own", field="options"
        )
    return Subscription(account, name, endpoint, wanted, spoken, chosen)


def _options(spoken: Dialect[Any], said: Mapping[str, Any]) -> Options:
    known = [field.name for field in msgspec.structs.fields(spoken.options)]
    for name in said:
        if name not in known:
            fault = f"the dialect {spoken.name} has no option {name!r}{perhaps(name, known)}: there are {', '.join(known)}"
            raise BadRequest(fault, field="options")
    try:
        chosen: Options = msgspec.convert(said, spoken.options)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error), field="options") from error
    return chosen


def served(settings: Settings, feed: Feed) -> Subscription:
    """A saved feed as it can be served. Raises `BadRequest` when it cannot."""
    found = subscribe(
        settings,
        account=feed.account,
        name=feed.name,
        dialect=feed.dialect,
        endpoint=feed.endpoint,
        kinds=feed.kinds,
        options=feed.options,
    )
    return found._replace(secrets=feed.secrets)


def act_name(feed: Feed) -> str:
    """What the feed's place and retries are kept under. One that is saved again after it was removed is another."""
    again = f"#{feed.generation}" if feed.generation > 1 else ""
    return f"feed:{feed.account}:{feed.name}{again}"
