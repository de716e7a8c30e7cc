"""The loop that feeds one act.

Events begin in order, up to `concurrency` at once; an act's position is the place before the first that is not
settled. Delivered and skipped are settled; so is what has a row of its own, to be tried again or parked. Rows
that are due take at most half of the places, so that a pile of failures never keeps fresh events waiting, nor
fresh events the rows.

An act whose receiver keeps failing is given no fresh events but probes (`journal.breaker`).

What was performed and not yet written is performed again after a crash: at least once. To bound that, an event
that takes much longer than those behind it is given a row too, and the position passes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Container, Sequence

from sqlalchemy import Connection

from heliograph.events.event import AnyEvent
from heliograph.journal import parked, places, positions
from heliograph.journal.bell import Bell
from heliograph.journal.breaker import Breaker
from heliograph.journal.consumer import Act, Outcome, Refused
from heliograph.journal.context import Context, log
from heliograph.journal.parked import Case, Waiting
from heliograph.journal.positions import ACT, Who
from heliograph.journal.settling import Attempt, perform, settle
from heliograph.journal.source import Placed

BUFFER = 64
"""Fresh events taken at once, at least; and rows."""

STRAGGLER = 1_000
"""Places between an event under way and the last that began, from which on it is given a row."""

LET_GO = 1.0
"""Seconds for cancelled attempts to end; one that clings to life is left behind."""


class Acting:
    """Feeds one act, which may be replaced by another of its name while it runs."""

    def __init__(self, act: Act, context: Context) -> None:
        self.over = False
        self.retired = False
        self._act = act
        self._context = context
        self._who = Who(ACT, act.name)
        self._bell = Bell(context.clock)
        self._fresh: dict[int, Attempt] = {}  # under way and not settled, in order
        self._rows: dict[int, Attempt] = {}  # under way, with a row
        self._buffer: deque[Placed] = deque()
        self._generation = 0
        self._read = 0
        self._begun = 0
        self._skip: set[int] = set()
        self._due: deque[Waiting] = deque()
        self._row_due: int | None = None
        self._asking = False
        self._rows_turn = False
        self._bug: Exception | None = None
        self._started = False
        self.breaker = Breaker(act.trips_after)

    @property
    def busy(self) -> bool:
        """Something is being performed."""
        return bool(self._fresh or self._rows)

    @property
    def at_rest(self) -> bool:
        """Nothing is being performed and no row is due."""
        waits = self._row_due is None or self._row_due > self._context.clock.now()
        return self._started and waits and not (self.busy or self._due or self._asking)

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """What is being performed just now."""
        attempts = (*self._fresh.values(), *self._rows.values())
        return [attempt.task for attempt in attempts if attempt.task is not None]

    @property
    def waiting_since(self) -> int | None:
        """When the oldest event was recorded that is not settled and has no row (microseconds); None: there is none
        at hand."""
        for attempt in self._fresh.values():
            if attempt.event is not None:
                return attempt.event.recorded
        return self._buffer[0].event.recorded if self._buffer else None

    async def start(self, known: Container[Who]) -> int:
        """Where it begins when it is seen for the first time; 0 for one of those that are known."""
        if self._who in known:
            return 0
        head = await self._context.journal.head()
        if self._act.born is not None:
            return await places.before(self._context.journal, self._act.born, head)
        return head if self._act.since is None else self._act.since

    def retire(self) -> None:
        """Begin nothing more; what is under way may end."""
        self.retired = True
        self._bell.ring()

    def replace(self, act: Act) -> None:
        """Go on as this act; what is under way ends as the one before."""
        if act.kinds != self._act.kinds or act.wants != self._act.wants:
            self._unread()
        self._act = act
        self.breaker.after = act.trips_after
        self.retired = False
        self._bell.ring()

    def retry_at(self, due: int) -> None:
        """A case is to be tried again."""
        if self._row_due is None or due < self._row_due:
            self._row_due = due
            self._bell.ring()

    async def run(self) -> None:
        """Feed until it is retired and nothing is under way."""
        self._context.horizon.watch(self._bell)
        try:
            await self._context.persist(f"the start of {self._act.name}", self._start)
            while not (self.retired and not self.busy):
                self._bell.clear()
                if self._bug is not None:
                    raise self._bug
                if not await self._context.persist(f"the act {self._act.name}", self._step):
                    self._context.on_change()
                    await self._bell.wait()
            self.over = True
        finally:
            self._context.horizon.unwatch(self._bell)
            self._bell.close()
            await self._let_go()

    async def _start(self) -> None:
        context, who = self._context, self._who
        self._started, self._bug = False, None
        for left in (self._fresh, self._rows, self._buffer, self._due):
            left.clear()
        await context.positions.flush()
        await context.positions.enroll({who: await self.start(await context.writer.run(positions.load))})
        self._read = self._begun = at = context.positions.at(who)
        self._skip = await context.writer.run(lambda connection: parked.settled_beyond(connection, who, at))
        self._row_due = await context.writer.run(lambda connection: parked.next_due(connection, who))
        self._started = True

    async def _step(self) -> bool:
        """Begin what can begin. False when there is nothing to do before the bell rings."""
        if self.retired:
            return False
        read = self._read
        if len(self._fresh) + len(self._rows) < self._act.concurrency:
            await self._read_on()
            await self._ask_rows()
        began = 0
        while (attempt := self._choose()) is not None:
            attempt.task = asyncio.create_task(self._make(attempt))
            began += 1
        self._move()
        await self._spare_straggler()
        now, instants = self._context.clock.now(), (self._row_due, self.breaker.probe_at)
        if coming := [instant for instant in instants if instant is not None and instant > now]:
            self._bell.at(min(coming))
        return began > 0 or self._read != read

    async def _read_on(self) -> None:
        source, act, upto = self._context.source, self._act, self._context.horizon.seq
        if self._generation != source.generation:
            self._unread()
        if self._buffer or self._read >= upto:
            return
        self._generation = source.generation
        events, reached = await source.take(self._read, act.kinds, upto, max(BUFFER, act.concurrency))
        if act is not self._act or self._generation != source.generation:
            return  # it was replaced, or something was erased meanwhile
        self._read = reached
        fresh = [placed for placed in events if placed.seq not in self._skip]
        wanted = fresh if act.wants is None else [one for one in fresh if _wanted(act, one.event)]
        self._buffer.extend(wanted)
        if wanted and act.prepare is not None:
            _prepared(act.prepare, act.name, [one.event for one in wanted])

    def _unread(self) -> None:
        if self._buffer:
            self._read = self._buffer[0].seq - 1
            self._buffer.clear()

    async def _ask_rows(self) -> None:
        context, who, now = self._context, self._who, self._context.clock.now()
        if self._due or self._row_due is None or self._row_due > now or len(self._rows) >= self._share:
            return
        under_way = {*self._fresh, *self._rows}
        self._row_due, self._asking = None, True

        def ask(connection: Connection) -> tuple[list[Waiting], int | None]:
            found = parked.due(connection, who, now, limit=BUFFER, but=under_way)
            return found, now if len(found) == BUFFER else parked.next_due(connection, who, after=now)

        later: int | None = now
        try:
            found, later = await context.writer.run(ask)
            self._due.extend(found)
        finally:
            self._asking = False
            if later is not None:
                self.retry_at(later)

    @property
    def _share(self) -> int:
        """How many places rows may have."""
        return max(1, self._act.concurrency // 2)

    def _choose(self) -> Attempt | None:
        """The next to begin: a row if one is due and rows have not their share, else a fresh event."""
        if len(self._fresh) + len(self._rows) >= self._act.concurrency:
            return None
        horizon = self._context.horizon.seq
        fresh = bool(self._buffer) and self._buffer[0].seq <= horizon
        fresh = fresh and self.breaker.admits(self._context.clock.now())
        row = bool(self._due) and self._due[0].case.seq <= horizon and len(self._rows) < self._share
        if row and (not fresh or self._act.concurrency > 1 or self._rows_turn):
            self._rows_turn = False
            case, number, spared, _, _ = self._due.popleft()
            attempt = self._rows[case.seq] = Attempt(case, None, number + 1, spared, has_row=True)
        elif fresh:
            self._rows_turn = True
            seq, event = self._buffer.popleft()
            case = Case(self._who, seq, event.id, event.account)
            attempt = self._fresh[seq] = Attempt(case, event, 1, 0, has_row=False)
            self._begun = seq
            self.breaker.begun()
        else:
            return None
        return attempt

    async def _make(self, attempt: Attempt) -> None:
        act, context, seq = self._act, self._context, attempt.case.seq
        try:
            if attempt.event is None:
                attempt.event = await context.persist("an attempt", lambda: context.source.one(seq))
            if attempt.event is None:
                outcome: Outcome = Refused("the event is in the journal no more")
            else:
                outcome = await perform(act, attempt.event, attempt.number)
            self.breaker.note(seq, outcome, context.clock.now())
            due = await settle(context, act, attempt, outcome)
        except Exception as error:
            self._bug = error
        else:
            self._fresh.pop(seq, None)
            self._rows.pop(seq, None)
            if due is not None:
                self.retry_at(due)
            self._move()
            context.on_change()
        self._bell.ring()

    def _move(self) -> None:
        """Everything before the first that is not settled is settled."""
        if self._fresh:
            place = next(iter(self._fresh)) - 1
        elif self._buffer:
            place = self._buffer[0].seq - 1
        else:
            place = self._read
        self._context.positions.move(self._who, place)

    async def _spare_straggler(self) -> None:
        seq, attempt = next(iter(self._fresh.items()), (self._begun, None))
        if attempt is None or attempt.ended or attempt.has_row or self._begun - seq <= STRAGGLER:
            return
        attempt.has_row = True  # if it ends meanwhile, its outcome is written behind this
        now, case = self._context.clock.now(), attempt.case
        waiting = Waiting(case, attempt.number - 1, attempt.spared, now, "it was under way for long")
        await self._context.writer.run(lambda connection: parked.put_off(connection, waiting))
        if self._fresh.pop(seq, None) is not None:
            self._rows[seq] = attempt
        self._move()

    async def _let_go(self) -> None:
        tasks = self.under_way
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LET_GO)


def _wanted(act: Act, event: AnyEvent) -> bool:
    """Where the question itself fails, an attempt says why."""
    try:
        return act.wants is None or act.wants(event)
    except Exception:
        log.exception("the act %s could not say whether it wants event %s", act.name, event.id)
        return True


def _prepared(prepare: Callable[[Sequence[AnyEvent]], None], name: str, events: Sequence[AnyEvent]) -> None:
    """Where this fails, each attempt looks for itself and says what is wrong."""
    try:
        prepare(events)
    except Exception:
        log.exception("the act %s could not prepare the events that it has read", name)
