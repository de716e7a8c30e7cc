"""What a sink is: where a told event goes. The scheme of a subscription's endpoint chooses it.

A dialect says how an event is put, a sink how the bytes get there: posted to a receiver, put into a queue of ours. Sinks
are listed in `heliograph.outbound.feeds.sinks.SINKS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from heliograph.events.event import AnyEvent
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.dialect import Dialect, Options, Rendered
from heliograph.outbound.feeds.means import Means
from heliograph.react.state.definitions import FeedSecret
from heliograph.settings import Settings


class Told(NamedTuple):
    """An event, as it goes to one subscription."""

    event: AnyEvent
    rendered: Rendered
    account: str
    endpoint: str
    dialect: Dialect[Any]
    options: Options = Options()
    feed: str = ""
    secrets: tuple[FeedSecret, ...] = ()


@dataclass(frozen=True, slots=True)
class Sink:
    """One way for events to leave.

    `schemes`: what an endpoint begins with, before the colon. `fault` says why an endpoint cannot be one of its own,
    None when it may be tried. `deliver` brings one event there, once.
    """

    name: str
    schemes: tuple[str, ...]
    fault: Callable[[str, Settings], str | None]
    deliver: Callable[[Told, Means], Awaitable[Exchange]]
