"""What a technique is: a way to answer a pixel's request so that it is seen when the reader goes.

`held.TECHNIQUE` writes a picture slowly and sees the connection end; `redirects.TECHNIQUE` leads from one delayed redirect to
the next and sees who follows. What they measured about each other is in docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from heliograph.events.readtimes import Opening
from heliograph.inbound.tracking.readtime.watch import Watch
from heliograph.refs import Refs
from heliograph.web.http import Answer, Request, Route


class Means(NamedTuple):
    """What techniques work with."""

    watch: Watch
    refs: Refs


@dataclass(frozen=True, slots=True)
class Technique:
    """`answer` is given the request of an open that was recorded just now; from then on the technique owes its
    `message.read`. `routes` are doors of its own."""

    name: str
    answer: Callable[[Means, Request, Opening], Awaitable[Answer]]
    routes: Callable[[Means], tuple[Route, ...]]
