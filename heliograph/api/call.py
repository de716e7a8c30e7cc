"""What a resource of the API is: a value of calls, each a path, the types that it takes and gives, and a function.

`serving` makes routes of calls and `openapi` describes them, both from these types alone: so what is described is
what is checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Scope
from heliograph.clock import Clock
from heliograph.egress import Egress
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.journal import Journal
from heliograph.outbound.feeds.means import Means as FeedMeans

T = TypeVar("T")

PageSize = Annotated[int, msgspec.Meta(ge=1, le=1000, description="How many at most.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What calls work with: the journal, state to read, the evidence files, accounts, the clock; what deliveries of feeds
    are made with; the door out; what our URLs begin with (`base`, without a slash at the end), and what those of tracking
    codes do (`tracking_url`)."""

    journal: Journal
    state: Engine
    evidence: EvidenceFiles
    directory: Directory
    clock: Clock
    feeds: FeedMeans
    egress: Egress
    base: str
    tracking_url: str = ""

    @property
    def data(self) -> Path:
        """The data directory: where state is."""
        return Path(str(self.state.url.database)).parent

    async def read(self, look: Callable[[Connection], T]) -> T:
        """What `look` finds in state; asked in a thread, for the database may have to wait for the disk."""
        return await asyncio.to_thread(self._look, look)

    def _look(self, look: Callable[[Connection], T]) -> T:
        with self.state.connect() as connection:
            return look(connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, checked: whose it is, and what it says. `query` and `body` are of the call's own types."""

    account: Account
    path: dict[str, str]
    query: Any
    body: Any
    by: str
    """Who asks, for events: the key's public part."""
    idempotency_key: str = ""
    """What the header `Idempotency-Key` says; empty without one."""


class Csv(NamedTuple):
    """An answer that is a file of rows, however long: what it is called (without its ending), and its bytes as they come,
    read in a thread."""

    name: str
    pieces: Iterator[bytes]


Handler = Callable[[Means, Asked], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one path below `/api/v1`. `answer` is the type of what `handler` returns; `status` is told
    with it; `idempotent`: the header `Idempotency-Key` makes a repetition harmless; `missing`: what its body or query names
    may not be there (404). `file`: a handler of the same query that gives the whole list as `Csv`, for who asks for
    `text/csv`. Errors are raised (`heliograph.errors`)."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: str
    handler: Handler
    answer: Any
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    status: int = 200
    scope: Scope = "manage"
    idempotent: bool = False
    missing: bool = False
    file: Handler | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A sort of thing that the API speaks of: `name` in the plural, what it is, and its calls."""

    name: str
    description: str
    calls: tuple[Call, ...]
