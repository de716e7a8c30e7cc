"""What waits for the disk: bounded, gathered per turn of the event loop, small before large.

An `Intake` stands on the event loop's side of a journal. Appends of one turn of the loop become one `Parcel`;
what is large becomes a parcel of its own. A `Line` stands where the parcels are taken out: small and large ones
take turns, so that a pixel waits for one batch at most and a batch for one commit of pixels.

Each caller has a future of its own: a caller that goes away (a request that is dropped) must not take the others
of its parcel along, and a shielded shared one measures slower.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from heliograph.errors import JournalFull, Unavailable
from heliograph.events.event import Record, is_derived

OVERHEAD = 300
"""Bytes that a waiting record holds beside its data: the envelope and the objects around it."""

SMALL_ROWS, SMALL_BYTES = 64, 128 * 1024
"""Up to here an append is small."""

MOST_ROWS, MOST_BYTES = 2_000, 2 << 20
"""What is taken at once, unless one append alone is more: a commit of so much takes some 5 to 10 ms."""

Outcome = list[bool] | Exception | None
"""Of one append: recorded; of an `append_once` which ones; or why not."""

T = TypeVar("T")


class Parcel(Generic[T]):
    """Appends that travel together, and who is told how each one went."""

    __slots__ = ("items", "rows", "settle", "size")

    def __init__(
        self, items: list[T], rows: int, size: int, settle: Callable[[Sequence[Outcome]], None]
    ) -> None:
        self.items = items
        self.rows = rows
        self.size = size
        self.settle = settle

    @property
    def large(self) -> bool:
        """One large append; a parcel of many small ones is not."""
        return len(self.items) == 1 and (self.rows > SMALL_ROWS or self.size > SMALL_BYTES)

    def fail(self, error: Exception) -> None:
        """Tell everybody the same."""
        self.settle([error] * len(self.items))


class Intake(Generic[T]):
    """Takes appends while there is room, and hands them on in parcels."""

    def __init__(self, hand_on: Callable[[Parcel[T]], None], *, queue_limit: int, queue_bytes: int) -> None:
        self.rows = 0
        self.size = 0
        self.refused = 0
        self._hand_on = hand_on
        self._queue_limit = queue_limit
        self._queue_bytes = queue_bytes
        self._loop = asyncio.get_running_loop()
        self._shut: str | None = None
        self._idle: asyncio.Future[None] | None = None
        self._scheduled = False
        self._begin()

    def put(self, item: T, rows: int, size: int) -> asyncio.Future[list[bool] | None]:
        """Accept one append; the future says how it went. Raises `JournalFull`, or `Unavailable` when shut."""
        self._admit(rows, size)
        future: asyncio.Future[list[bool] | None] = self._loop.create_future()
        if rows > SMALL_ROWS or size > SMALL_BYTES:
            self._hand_on(Parcel([item], rows, size, partial(self._settle, [future], rows, size)))
            return future
        self._items.append(item)
        self._futures.append(future)
        self._rows += rows
        self._size += size
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._hand_over)
        return future

    def put_parcel(
        self, items: list[T], rows: int, size: int, settled: Callable[[Sequence[Outcome]], None]
    ) -> None:
        """Accept what comes as a parcel already. Raises as `put`."""
        self._admit(rows, size)

        def settle(outcomes: Sequence[Outcome]) -> None:
            self._leave(rows, size)
            settled(outcomes)

        self._hand_on(Parcel(items, rows, size, settle))

    def shut(self, why: str | None) -> None:
        """Refuse everything from now on, for this reason; None: take again."""
        self._shut = why

    async def drained(self) -> None:
        """Hand over what was accepted, and return when everybody was told."""
        self._hand_over()
        if self.rows:
            self._idle = self._loop.create_future()
            await self._idle

    def _begin(self) -> None:
        self._items: list[T] = []
        self._futures: list[asyncio.Future[list[bool] | None]] = []
        self._rows = self._size = 0

    def _admit(self, rows: int, size: int) -> None:
        full = self.rows + rows > self._queue_limit or self.size + size > self._queue_bytes
        if self._shut is not None or (full and self.rows):
            self._refuse()
        self.rows += rows
        self.size += size

    def _refuse(self) -> None:
        self.refused += 1
        if self._shut is not None:
            raise Unavailable(self._shut)
        raise JournalFull(f"{self.rows} events wait for the disk already: try again in a second")

    def _hand_over(self) -> None:
        self._scheduled = False
        if self._items:
            settle = partial(self._settle, self._futures, self._rows, self._size)
            parcel = Parcel(self._items, self._rows, self._size, settle)
            self._begin()
            self._hand_on(parcel)

    def _settle(
        self,
        futures: Sequence[asyncio.Future[list[bool] | None]],
        rows: int,
        size: int,
        outcomes: Sequence[Outcome],
    ) -> None:
        self._leave(rows, size)
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(copy.copy(outcome))
            else:
                future.set_result(outcome)

    def _leave(self, rows: int, size: int) -> None:
        self.rows -= rows
        self.size -= size
        if not self.rows and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


class Line(Generic[T]):
    """Parcels in the order in which they will be taken."""

    def __init__(self) -> None:
        self._small: deque[Parcel[T]] = deque()
        self._large: deque[Parcel[T]] = deque()
        self._turn, self._next = self._small, self._large

    def __bool__(self) -> bool:
        return bool(self._small or self._large)

    def add(self, parcel: Parcel[T]) -> None:
        """Stand behind those of its size."""
        (self._large if parcel.large else self._small).append(parcel)

    def take(self) -> list[Parcel[T]]:
        """Those that go next, all of one kind, up to the bounds; one at least, if any waits."""
        if not self._turn:
            self._turn, self._next = self._next, self._turn
        taken: list[Parcel[T]] = []
        rows = size = 0
        while waiting := self._turn:
            rows += waiting[0].rows
            size += waiting[0].size
            if taken and (rows > MOST_ROWS or size > MOST_BYTES):
                break
            taken.append(waiting.popleft())
        self._turn, self._next = self._next, self._turn
        return taken

    def empty(self) -> list[Parcel[T]]:
        """All of them, for whoever has to tell them that it will not be."""
        everything = [*self._small, *self._large]
        self._small.clear()
        self._large.clear()
        return everything


def size_of(records: Sequence[Record]) -> int:
    """Bytes that these records hold while they wait."""
    if len(records) == 1:
        return OVERHEAD + len(records[0].data)
    return OVERHEAD * len(records) + sum([len(record.data) for record in records])


def only_derived(records: Sequence[Record]) -> None:
    """Let only ids pass that can be made again; raises ValueError for others."""
    for record in records:
        if not is_derived(record.id):
            raise ValueError(f"append_once is for ids that can be made again (version 8), not {record.id}")
