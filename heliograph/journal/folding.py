"""The loop that feeds folds.

Folds that stand in the same place are fed together: the journal is read and decoded once, and their effects and
positions are one transaction. A fold that lags, because it is new or starts over, is caught up by batches of its
own between theirs, and joins them where they are. What the folds at the front have read goes to the `Source`,
for reactions and acts; the horizon says how far these may go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise

from heliograph.clock import SECOND
from heliograph.events.people import PersonErased
from heliograph.journal.batches import Batch, read
from heliograph.journal.consumer import Fold
from heliograph.journal.context import PAUSE, Context, log
from heliograph.journal.positions import FOLD, Moved, Who
from heliograph.journal.replaying import apply, start_over
from heliograph.journal.state_writer import passing

LEAST, MOST = 64, 2_048
"""Entries in a batch: it grows with the backlog, and shrinks when a transaction takes too long."""

LONG = 0.2
"""Seconds of a transaction from which on batches are halved: others wait for the writer meanwhile."""

GATHER, WORTH = 0.025, 64
"""Seconds at most between a round and the next while events keep coming, and how many events make them worth it; after fewer,
the pause is as much shorter. A round costs some milliseconds however few events are in it: at 2,000 events a second rounds of
50 events took half as much CPU again as rounds of 100. Whoever comes when nothing is going on does not wait, and at some
hundreds a second nobody much: what is decided of an event goes through a second round before it is told."""

RECENT = 3_600 * SECOND
"""What was recorded within this time is in the journal still should a power cut take back what was made of it (retention removes
whole days), so a round of folds waits for no disk. Whatever follows from it, a reaction's decision or an act's place, is
flushed, and everything before it with it."""

IDLE = 5.0
"""Seconds to wait for news before looking at the head anew."""


class Folding:
    """Feeds all folds of an engine. `quiet` returns when no act is at work any more (the horizon is down then,
    so that none begins)."""

    def __init__(self, folds: Sequence[Fold], context: Context, quiet: Callable[[], Awaitable[None]]) -> None:
        self._folds = {Who(FOLD, fold.name): fold for fold in folds}
        self._context = context
        self._quiet = quiet
        self._front = 0
        self._size = LEAST
        self._latest = 0  # entries of the latest batch at the front
        self._wanted: dict[tuple[Who, ...], frozenset[str]] = {}
        self._wishes: list[str] = []
        self._stale = True
        self._waiting: asyncio.Task[int] | None = None

    async def run(self) -> None:
        """Feed for ever. What the machine cannot do now is tried again; other errors are bugs of ours."""
        self._stale = True
        try:
            while True:
                try:
                    await self._go_on()
                except Moved:
                    log.warning("a fold was moved by somebody else: positions are read anew")
                    self._stale = True
                except Exception as error:
                    if not passing(error):
                        raise
                    log.warning("folding has to wait: %s", error)
                    await self._context.clock.sleep(PAUSE)
        finally:
            self._nudge()

    def start_over(self, name: str) -> None:
        """Have the fold of this name emptied and fed from the first event; reactions and acts wait for it."""
        if Who(FOLD, name) in self._folds and name not in self._wishes:
            self._wishes.append(name)
            self._nudge()

    def check(self, written: Mapping[Who, int]) -> None:
        """Look anew if state is behind what is known here: somebody else started a fold over."""
        if any(written.get(who, 0) < self._context.positions.written(who) for who in self._folds):
            self._stale = True
            self._nudge()

    @property
    def at_rest(self) -> bool:
        """Nothing was asked for that is not done."""
        return not self._wishes and not self._stale

    async def _go_on(self) -> None:
        if self._stale:
            await self._enroll()
        while self._wishes:
            await self._grant(self._wishes[0])
        if not await self._round():
            await self._idle()
        elif self._latest < self._size:
            await asyncio.sleep(min(self._latest / WORTH, 1.0) * GATHER)

    async def _enroll(self) -> None:
        positions = self._context.positions
        head = await self._context.journal.head()
        await positions.enroll(dict.fromkeys(self._folds, 0))
        self._front = max((positions.at(who) for who in self._folds), default=head)
        self._stale = False
        self._show()

    async def _grant(self, name: str) -> None:
        fold = self._folds[Who(FOLD, name)]
        self._context.horizon.move(0)
        await self._quiet()
        await self._context.writer.run(lambda connection: start_over(connection, fold))
        self._context.positions.restart(Who(FOLD, name))
        self._wishes.remove(name)
        log.info("the fold %s starts over", name)

    async def _round(self) -> bool:
        """One batch for each group of folds that stand together. False when there was nothing for any."""
        at = self._context.positions.at
        places = sorted({at(who) for who in self._folds} | {self._front})
        for place, upto in pairwise(places):
            await self._catch_up([who for who in self._folds if at(who) == place], upto)
        front = [who for who in self._folds if at(who) == self._front]
        return await self._advance(front, self._front) or len(places) > 1

    async def _advance(self, group: Sequence[Who], at: int) -> bool:
        wanted = self._kinds(group)
        batch = await read(self._context.journal, at, None, wanted, self._size)
        self._latest = len(batch.entries)
        if not batch.entries:
            return False
        reached = batch.entries[-1].seq
        await self._apply(group, batch, reached)
        self._front = reached
        source = self._context.source
        source.push(at, batch.entries, batch.events)
        if any(entry.kind == PersonErased.kind for entry in batch.entries):
            source.forget()
        self._context.head = max(self._context.head, reached)
        self._show()
        return True

    async def _catch_up(self, group: Sequence[Who], upto: int) -> None:
        """A full batch, or as far as `upto`, where the next group stands and this one joins it."""
        kinds = self._kinds(group)
        while (at := self._context.positions.at(group[0])) < upto:
            batch = await read(self._context.journal, at, kinds, kinds, self._size)
            full = len(batch.entries) >= self._size
            whole = not batch.entries or batch.entries[-1].seq >= upto
            batch = batch.upto(upto)
            await self._apply(group, batch, upto if whole else batch.entries[-1].seq)
            self._show()
            if full:
                break

    async def _apply(self, group: Sequence[Who], batch: Batch, reached: int) -> None:
        positions, clock = self._context.positions, self._context.clock
        if all(event is None for event in batch.events):
            for who in group:
                positions.move(who, reached)
            return
        folds = [self._folds[who] for who in group]
        moves = positions.step(group, reached)
        began, now = clock.monotonic(), clock.now()
        bad = await self._context.writer.run(
            lambda connection: apply(connection, folds, batch, moves, now),
            durable=batch.entries[0].recorded < now - RECENT,
        )
        self._fit(len(batch.entries), clock.monotonic() - began)
        positions.note(moves)
        for one in bad[:1]:
            log.error("%d events were parked, the first for %s: %s", len(bad), one.case.who, one.why)

    def _fit(self, entries: int, seconds: float) -> None:
        if seconds > LONG:
            self._size = max(LEAST, self._size // 2)
        elif entries >= self._size and seconds < LONG / 2:
            self._size = min(MOST, self._size * 2)

    def _kinds(self, group: Sequence[Who]) -> frozenset[str]:
        if tuple(group) not in self._wanted:  # nearly always all folds are together
            self._wanted = {tuple(group): frozenset().union(*(self._folds[who].kinds for who in group))}
        return self._wanted[tuple(group)]

    def _show(self) -> None:
        places = [self._context.positions.at(who) for who in self._folds]
        self._context.horizon.move(min(places, default=self._front))

    async def _idle(self) -> None:
        if not self.at_rest:
            return
        self._context.on_change()
        journal = self._context.journal
        self._waiting = asyncio.create_task(journal.wait(self._front, IDLE))
        await asyncio.wait({self._waiting})
        if not self._waiting.cancelled():
            self._context.head = max(self._context.head, self._waiting.result())

    def _nudge(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
