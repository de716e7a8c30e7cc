"""The loop that feeds one reaction.

A decision is one transaction of state: `decide`, then its events are recorded in the journal, then the position,
then the commit. A crash between repeats the decision, and the derived ids of its events record them once. Where nothing was
recorded and nothing changed, nothing was decided: the position moves in memory and is written later with others, for to look
at these events again does no harm.

Timers are the reaction's own rows; the loop asks when the next is due. None fires ahead of an event that was
recorded before it came due: the order that cancels a run may be waiting while the engine was down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.clock import SECOND
from heliograph.database import changes
from heliograph.events.event import AnyEvent
from heliograph.journal import parked
from heliograph.journal.bell import Bell
from heliograph.journal.consumer import Reaction
from heliograph.journal.context import PAUSE, Context, log
from heliograph.journal.isolating import account_of, feed
from heliograph.journal.parked import Case, Parked
from heliograph.journal.positions import REACTION, Moved, Who, move
from heliograph.journal.source import Placed
from heliograph.journal.state_writer import passing, savepoint

BATCH = 512
"""Events given at once."""

TOGETHER = 50_000
"""Microseconds at least between timers that fire and the next that come due: those that do meanwhile, fire with these."""

BACK_OFF = 60.0
"""Seconds at most between attempts at timers that fail."""


Record = Callable[[Sequence[AnyEvent]], None]


class _Answer(NamedTuple):
    """What a transaction left behind: what it parked, how many events it recorded, when the next timer is due, and whether
    the reaction's place is written."""

    bad: Sequence[Parked]
    recorded: int
    timer: int | None
    moved: bool = False


class _SeenDue(NamedTuple):
    """When timers were seen to be due, and the journal's head then: decided up to there, they may fire."""

    now: int
    head: int


class Reacting:
    """Feeds one reaction: events up to the horizon, timers that are due, parked events that were put back."""

    def __init__(self, reaction: Reaction, context: Context) -> None:
        self._reaction = reaction
        self._context = context
        self._who = Who(REACTION, reaction.name)
        self._bell = Bell(context.clock)
        self._timer: int | None = None
        self._retry: int | None = None
        self._seen_due: _SeenDue | None = None
        self._hold = 0  # no timers before this instant: they failed
        self._together = 0  # what is not due yet comes due at this instant at the earliest
        self._failures = 0
        self._started = False

    @property
    def at_rest(self) -> bool:
        """No timer and no retry is due."""
        now = self._context.clock.now()
        return self._started and all(due is None or due > now for due in (self._timer, self._retry))

    def retry_at(self, due: int) -> None:
        """A case was put back, by somebody else."""
        if self._retry is None or due < self._retry:
            self._retry = due
            self._bell.ring()

    async def run(self) -> None:
        """Feed for ever. What the machine cannot do now is tried again; other errors are bugs of ours."""
        self._context.horizon.watch(self._bell)
        self._started = False
        try:
            while True:
                self._bell.clear()
                try:
                    if not self._started:
                        await self._start()
                    if not await self._step():
                        self._context.on_change()
                        await self._bell.wait()
                except Moved:
                    self._started = False
                except Exception as error:
                    if not passing(error):
                        raise
                    log.warning("the reaction %s has to wait: %s", self._who.name, error)
                    await self._context.clock.sleep(PAUSE)
        finally:
            self._context.horizon.unwatch(self._bell)
            self._bell.close()

    async def _start(self) -> None:
        context = self._context
        head = await context.journal.head()
        await context.positions.enroll({self._who: head})
        self._retry = await context.writer.run(lambda connection: parked.next_due(connection, self._who))
        self._note(await context.writer.run(self._answer))
        self._started = True

    async def _step(self) -> bool:
        """Do one thing. False when there is nothing to do before the bell rings."""
        now = self._context.clock.now()
        seen = await self._timers_to_fire(now)
        if seen is not None:
            await self._fire(seen.now)
            return True
        if self._retry is not None and self._retry <= now and await self._try_again(now):
            return True
        if await self._decide(now):
            return True
        coming = [due for due in (self._timer, self._retry) if due is not None and due > now]
        self._bell.at(min(coming, default=None))
        return False

    async def _decide(self, now: int) -> bool:
        context, who = self._context, self._who
        at, upto = context.positions.at(who), context.horizon.seq
        if at >= upto:
            return False
        events, reached = await context.source.take(at, self._reaction.kinds, upto, BATCH)
        if not events:
            context.positions.move(who, reached)
        elif context.horizon.seq >= reached:  # it may have gone back meanwhile
            moves, record = context.positions.step((who,), reached), context.recorder()

            def decide(connection: Connection) -> _Answer:
                before = changes(connection)
                bad, recorded = self._give(connection, events, record, now)
                decided = recorded > 0 or changes(connection) > before
                if decided and not move(connection, moves):
                    raise Moved
                return self._answer(connection, bad, recorded)._replace(moved=decided)

            answer = await context.writer.run(decide)
            if answer.moved:
                context.positions.note(moves)
            else:
                context.positions.move(who, reached)
            self._note(answer)
        return True

    async def _timers_to_fire(self, now: int) -> _SeenDue | None:
        context = self._context
        if self._timer is None or self._timer > now:
            self._seen_due = None
        elif self._seen_due is None:
            self._seen_due = _SeenDue(now, await context.journal.head())
        seen, reached = self._seen_due, min(context.positions.at(self._who), context.horizon.seq)
        return seen if seen is not None and reached >= seen.head else None

    async def _fire(self, now: int) -> None:
        record, before = self._context.recorder(), self._timer

        def fire(connection: Connection) -> _Answer:
            events = self._reaction.due(connection, now) if self._reaction.due else ()
            if events:
                record(events)
            return self._answer(connection, recorded=len(events))

        try:
            answer = await self._context.writer.run(fire)
        except Exception as error:
            if passing(error):
                raise
            self._failures += 1
            self._put_timers_off(min(BACK_OFF, 2.0**self._failures))
            log.exception("timers of %s failed; they are tried again", self._who.name)
        else:
            self._failures = 0
            self._together = now + TOGETHER
            self._note(answer)
            if answer.timer == before and not answer.recorded:
                self._put_timers_off(PAUSE)  # they are said to be due, but nothing is done about them
        self._seen_due = None

    def _put_timers_off(self, seconds: float) -> None:
        self._hold = self._timer = self._context.clock.now() + int(seconds * SECOND)

    async def _try_again(self, now: int) -> bool:
        """Decide on one case that was put back. False when it lies beyond the horizon."""
        context, who = self._context, self._who
        waiting = await context.writer.run(lambda connection: parked.due(connection, who, now, limit=1))
        if waiting and waiting[0].case.seq > context.horizon.seq:
            return False
        if waiting:
            await self._decide_again(waiting[0].case.seq, now)
        self._retry = await context.writer.run(lambda connection: parked.next_due(connection, who))
        return True

    async def _decide_again(self, seq: int, now: int) -> None:
        event = await self._context.source.one(seq)
        record = self._context.recorder()

        def decide(connection: Connection) -> _Answer:
            parked.settle(connection, self._who, seq)
            placed = [] if event is None else [Placed(seq, event)]
            return self._answer(connection, *self._give(connection, placed, record, now))

        self._note(await self._context.writer.run(decide))

    def _give(
        self, connection: Connection, placed: Sequence[Placed], record: Record, now: int
    ) -> tuple[list[Parked], int]:
        """What had to be parked, and how many events were recorded."""
        bad: list[Parked] = []
        recorded = 0

        def give(events: Sequence[AnyEvent]) -> None:
            nonlocal recorded
            following = self._reaction.decide(connection, events, now)
            if following:
                record(following)
                recorded += len(following)

        def failed(event: AnyEvent, error: Exception) -> None:
            seq = next(seq for seq, one in placed if one.id == event.id)
            case = Case(self._who, seq, event.id, event.account)
            bad.append(Parked(case, 1, account_of(error), now))

        if placed:
            feed(connection, [event for _, event in placed], give, failed)
        for one in bad:
            parked.park(connection, one)
        return bad, recorded

    def _answer(self, connection: Connection, bad: Sequence[Parked] = (), recorded: int = 0) -> _Answer:
        timer = None
        try:
            with savepoint(connection):
                timer = self._reaction.next_due(connection) if self._reaction.next_due else None
        except Exception as error:
            if passing(error):
                raise
            log.exception("%s cannot say when its next timer is due", self._who.name)
            timer = self._context.clock.now() + int(BACK_OFF * SECOND)
        return _Answer(bad, recorded, timer)

    def _note(self, answer: _Answer) -> None:
        now = self._context.clock.now()
        if self._hold > now + int(BACK_OFF * SECOND):
            self._hold = 0  # the clock was set back
        self._timer = None if answer.timer is None else max(answer.timer, self._hold)
        if self._timer is not None and now < self._timer < self._together <= now + TOGETHER:
            self._timer = self._together
        if answer.bad:
            log.error(
                "%s parked %d events; the first: %s", self._who.name, len(answer.bad), answer.bad[0].why
            )
