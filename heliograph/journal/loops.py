"""What the engine and the process of the acts run: one loop for all folds, one for each reaction, one for each act.

Folds move the horizon; reactions and acts follow it, in this process or in another (`following`). No loop waits for
another one's work, and one that dies of a bug of ours is begun again from what is in state. Acts come and go while it
runs: an act is known by its name, and keeps its place and its retries while it is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from heliograph.clock import Clock
from heliograph.errors import Unavailable
from heliograph.journal import parked, positions, replaying
from heliograph.journal.acting import Acting
from heliograph.journal.breaker import State
from heliograph.journal.consumer import Act, Fold, Reaction
from heliograph.journal.context import PAUSE, Context, log
from heliograph.journal.folding import Folding
from heliograph.journal.following import Followers, Following
from heliograph.journal.journal import Journal
from heliograph.journal.positions import ACT, FOLD, REACTION, Positions, Who
from heliograph.journal.reacting import Reacting
from heliograph.journal.source import Source
from heliograph.journal.state_writer import StateWriter

LOOK = 5.0
"""Seconds between looks at what others wrote in state: cases put back, replays asked for."""

QUIET = 60.0
"""Seconds that a replay waits for acts that are under way; they asked state before it was emptied."""


class Standing(NamedTuple):
    """How an act fares: its breaker, and when the oldest event that it has still to begin or end was recorded
    (microseconds; None: there is none at hand)."""

    breaker: State
    waiting_since: int | None


@dataclass(slots=True)
class _Running:
    acting: Acting
    task: asyncio.Task[None] | None = None


class Loops:
    """Feeds folds, reactions and acts until it is stopped. Everything is called on one event loop.

    `led_by`: the socket of another process's loops, which have the folds that these here follow; `leads`: where others
    may follow these. `on_forget` is called when what is kept in memory was erased elsewhere: at once, so that nobody begins with
    it, and once more when what was under way has ended, for that may have kept something."""

    def __init__(
        self,
        *,
        journal: Journal,
        engine: Engine,
        clock: Clock,
        folds: Sequence[Fold] = (),
        reactions: Sequence[Reaction] = (),
        acts: Sequence[Act] = (),
        leads: Path | None = None,
        led_by: Path | None = None,
        on_forget: Callable[[], None] = lambda: None,
    ) -> None:
        if led_by is not None and (folds or reactions):
            raise ValueError("only acts may follow the folds of another process")
        self.writer = StateWriter(engine)
        self._context = context = Context(
            journal, self.writer, clock, Source(journal), Positions(self.writer, clock)
        )
        context.on_change = context.positions.on_move = self._changed
        _refuse_twins("fold", [fold.name for fold in folds])
        _refuse_twins("reaction", [reaction.name for reaction in reactions])
        self._folds = tuple(folds)
        self._folding = (
            Folding(folds, context, self._quiet)
            if led_by is None
            else Following(led_by, context, self._quiet_as_told)
        )
        self._followers = None if leads is None else Followers(leads, context.horizon, clock)
        self._on_forget = on_forget
        self._reacting = {Who(REACTION, one.name): Reacting(one, context) for one in reactions}
        self._acts: dict[Who, _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiters: set[asyncio.Future[None]] = set()
        self._running = self._stopped = False
        self._ended = asyncio.Event()
        self._grace: asyncio.Task[None] | None = None
        self.set_acts(acts)

    async def prepare(self) -> None:
        """Give every consumer that is seen for the first time its place: folds the first event, acts what they
        say, reactions and other acts the head. To be called before the first event of a new installation is let
        in, so that none is taken for the past; `run` does it too."""
        head = await self._context.journal.head()
        starts = {Who(FOLD, fold.name): 0 for fold in self._folds}
        starts |= dict.fromkeys(self._reacting, head)
        known = await self._context.writer.run(positions.load)
        starts |= {who: await running.acting.start(known) for who, running in self._acts.items()}
        await self._context.positions.enroll(starts)
        self._context.head = max(self._context.head, head)

    async def run(self) -> None:
        """Feed until `stop`."""
        context = self._context
        try:
            await context.persist("the start", self.prepare)
            if self._stopped:
                return
            self._spawn("the folds", self._folding.run)
            if self._followers is not None:
                self._spawn("the followers", self._followers.run)
            for who, reacting in self._reacting.items():
                self._spawn(f"the reaction {who.name}", reacting.run)
            self._spawn("the positions", lambda: context.persist("the positions", context.positions.keep))
            self._spawn("the look around", self._look_around)
            self._running = True
            for who in self._acts:
                self._begin(who)
            await self._ended.wait()
        except RuntimeError:
            if not self._stopped:  # else it was stopped before it had begun
                raise
        finally:
            await self.stop(grace=0)

    async def stop(self, grace: float = 10.0) -> None:
        """Begin nothing more, give what is being performed `grace` seconds, write positions, let go.

        What was not done by then is cancelled and stays unsettled: it is performed again after the next start.
        Called once more, it waits no longer.
        """
        if self._stopped:
            if self._grace is not None:
                self._grace.cancel()
            await self._ended.wait()
            return
        self._stopped = True
        for running in self._acts.values():
            running.acting.retire()
        await self._acts_end(grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._context.positions.flush()
        except Unavailable as error:
            log.warning("positions could not be written, the next start repeats a little: %s", error)
        await self.writer.close()
        self._ended.set()

    def set_acts(self, acts: Iterable[Act]) -> None:
        """These acts and no others. One that is new begins at its `since` or where it was when it was removed; one
        that is removed ends what it has begun and keeps its place; one that is replaced goes on as the new one."""
        acts = list(acts)
        if self._stopped:
            return
        _refuse_twins("act", [act.name for act in acts])
        wanted = {Who(ACT, act.name): act for act in acts}
        for who, running in self._acts.items():
            if who not in wanted:
                running.acting.retire()
        for who, act in wanted.items():
            known = self._acts.get(who)
            if known is not None and not known.acting.over:
                known.acting.replace(act)
                continue
            self._acts[who] = _Running(Acting(act, self._context))
            if self._running:
                self._begin(who)

    @property
    def head(self) -> int:
        """The place of the journal's last entry, as it was last seen."""
        return self._context.head

    def replay(self, fold: Fold) -> None:
        """Have a fold emptied and fed from the first event; reactions and acts wait until it has caught up.
        TypeError for anything but a fold."""
        self._folding.start_over(replaying.name_of(fold))

    async def passed(self, seq: int) -> None:
        """Return when every fold and every reaction has handled everything up to this place. Acts are not waited
        for: a receiver may be away for hours."""
        at = self._context.positions.at
        following = [*(Who(FOLD, fold.name) for fold in self._folds), *self._reacting]
        while True:
            changed = self._next_change()
            if all(at(who) >= seq for who in following):
                self._waiters.discard(changed)
                return
            await changed

    async def forget(self) -> None:
        """Let go of the events that are kept in memory, here and in processes that follow: some of them were erased in
        the journal. Returns when what acts are performing just now has ended, for they hold theirs; at most after
        `QUIET` seconds."""
        elsewhere = asyncio.create_task(self._followers_quiet(forget=True))
        self._context.source.forget()
        self._on_forget()
        tasks = {task for one in self._acts.values() for task in one.acting.under_way}
        tasks.discard(asyncio.current_task())  # an act may ask
        if tasks:
            await asyncio.wait(tasks, timeout=QUIET)
        await elsewhere
        self._on_forget()

    def lag(self) -> dict[Who, int]:
        """How many places each consumer is behind the head of the journal, as it was last seen."""
        known = [Who(FOLD, fold.name) for fold in self._folds] + [*self._reacting, *self._serving()]
        at, head = self._context.positions.at, self._context.head
        return {who: max(0, head - at(who)) for who in known if at(who) >= 0}

    def standing(self) -> dict[Who, Standing]:
        """How each act that is served fares."""
        return {
            who: Standing(acting.breaker.state, acting.waiting_since)
            for who, acting in self._serving().items()
        }

    def put_back(self, who: Who, due: int) -> None:
        """Cases of this act were put into state, to be tried at this instant (microseconds)."""
        acting = self._serving().get(who)
        if acting is not None:
            acting.retry_at(due)

    def settled_by(self, who: Who) -> int:
        """Up to which place this consumer has settled everything; -1 when it is not known."""
        return self._context.positions.at(who)

    async def caught_up(self) -> None:
        """Return when everything up to the head is settled by every consumer, no retry and no timer is due."""
        while True:
            changed = self._next_change()
            head = await self._context.journal.head()
            if self._settled(head) and head == await self._context.journal.head():
                self._waiters.discard(changed)
                await self._context.positions.flush()
                return
            await changed

    def _settled(self, head: int) -> bool:
        folds = [Who(FOLD, fold.name) for fold in self._folds]
        serving = self._serving()
        at = self._context.positions.at
        return (
            self._folding.at_rest
            and self._context.horizon.seq >= head
            and all(at(who) >= head for who in [*folds, *self._reacting, *serving])
            and all(reacting.at_rest for reacting in self._reacting.values())
            and all(acting.at_rest for acting in serving.values())
        )

    def _serving(self) -> dict[Who, Acting]:
        return {who: one.acting for who, one in self._acts.items() if not one.acting.retired}

    def _begin(self, who: Who) -> None:
        running = self._acts[who]
        running.task = self._spawn(f"the act {who.name}", running.acting.run)

        def ended(_: asyncio.Task[None]) -> None:
            if self._acts.get(who) is running and running.acting.over:
                del self._acts[who]

        running.task.add_done_callback(ended)

    def _spawn(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._keep(name, run), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception:
                log.exception("%s failed by a bug; begun again", name)
                await self._context.clock.sleep(PAUSE)
            else:
                return

    async def _look_around(self) -> None:
        """See what others wrote in state, again and again."""
        while True:
            await self._context.persist("the look around", self._look)
            await self._context.clock.sleep(LOOK)

    async def _look(self) -> None:
        def look(connection: Connection) -> tuple[dict[Who, int], list[str], dict[Who, int]]:
            return parked.earliest(connection), replaying.asked(connection), positions.load(connection)

        rows, asked, written = await self.writer.run(look)
        self._context.head = max(self._context.head, await self._context.journal.head())
        serving = self._serving()
        for who, due in rows.items():
            consumer = self._reacting.get(who) or serving.get(who)
            if consumer is not None:
                consumer.retry_at(due)
        for name in asked:
            self._folding.start_over(name)
        self._folding.check(written)

    async def _acts_end(self, limit: float) -> None:
        """Return when no act has anything under way, or after so many seconds."""
        if not any(running.acting.busy for running in self._acts.values()):
            return
        self._grace = over = asyncio.create_task(self._context.clock.sleep(limit))
        while any(running.acting.busy for running in self._acts.values()) and not over.done():
            await asyncio.wait({over, self._next_change()}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()

    async def _quiet(self) -> None:
        await asyncio.gather(self._acts_end(QUIET), self._followers_quiet())
        if any(running.acting.busy for running in self._acts.values()):
            log.warning("an act is still under way while a fold starts over")

    async def _quiet_as_told(self, forget: bool) -> None:
        await (self.forget() if forget else self._quiet())

    async def _followers_quiet(self, *, forget: bool = False) -> None:
        if self._followers is not None and not await self._followers.quiet(QUIET, forget=forget):
            log.warning("an act is still under way in another process")

    def _next_change(self) -> asyncio.Future[None]:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        return waiter

    def _changed(self) -> None:
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def _refuse_twins(what: str, names: Sequence[str]) -> None:
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        raise ValueError(f"{what}s are known by their names; there are two of {', '.join(sorted(twins))}")
