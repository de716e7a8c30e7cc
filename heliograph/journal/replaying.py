"""Applying events to folds, and starting a fold over.

`replay` takes a fold and nothing else: what a fold remembers can be thrown away and folded again from the first
event; what a reaction decided and an act did cannot. On a running engine it is asked for (`ask_replay`), since
nothing may be sent on the word of a state that is half rebuilt: the engine holds its reactions and acts until the
fold has caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.schema import sort_tables

from heliograph.clock import Clock
from heliograph.errors import OperatorError
from heliograph.events.event import AnyEvent
from heliograph.journal import parked
from heliograph.journal.batches import Batch, read
from heliograph.journal.consumer import Fold
from heliograph.journal.isolating import account_of, feed
from heliograph.journal.journal import JournalView
from heliograph.journal.parked import Case, Parked
from heliograph.journal.positions import FOLD, POSITIONS, Moved, Who, enroll, move
from heliograph.journal.state_writer import StateWriter

ASKED = "replay"
"""Beside the positions: a fold that shall start over as soon as the engine sees it."""

BATCH = 2_048


async def replay(
    fold: Fold,
    *,
    journal: JournalView,
    writer: StateWriter,
    clock: Clock,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Empty the fold's tables and fold everything again; no engine may run on this state meanwhile.

    `progress` is told the position and the head after each batch. Returns how many events were applied.
    TypeError for anything but a fold; OperatorError when an engine turns out to be at work.
    """
    who = Who(FOLD, name_of(fold))
    await writer.run(lambda connection: start_over(connection, fold))
    at = applied = 0
    try:
        while True:
            head = await journal.head()
            batch = await read(journal, at, fold.kinds, fold.kinds, BATCH)
            reached = batch.entries[-1].seq if batch.entries else head
            await writer.run(_step(fold, batch, {who: (at, reached)}, clock.now()))
            applied, at = applied + len(batch.entries), reached
            if progress is not None:
                progress(reached, head)
            if not batch.entries:
                return applied
    except Moved as error:
        raise OperatorError(f"an engine is running on this state: ask it to replay {fold.name}") from error


def name_of(fold: object) -> str:
    """The fold's name; TypeError for anything else, whatever it looks like."""
    if not isinstance(fold, Fold):
        raise TypeError(
            f"only a fold can be replayed; a {type(fold).__name__} has done what cannot be undone"
        )
    return fold.name


def start_over(connection: Connection, fold: Fold) -> None:
    """Empty a fold's tables and put it before the first event. Others are untouched."""
    who = Who(FOLD, name_of(fold))
    for table in reversed(sort_tables(fold.tables)):
        connection.execute(delete(table))
    enroll(connection, {who: 0})
    of_name = POSITIONS.c.name == fold.name
    connection.execute(update(POSITIONS).where(of_name, POSITIONS.c.consumer == FOLD).values(seq=0))
    connection.execute(delete(POSITIONS).where(of_name, POSITIONS.c.consumer == ASKED))
    parked.drop(connection, who)


def ask_replay(connection: Connection, fold: Fold) -> None:
    """Have the engine that runs on this state start the fold over; it looks every few seconds."""
    name = name_of(fold)
    if name not in asked(connection):
        connection.execute(insert(POSITIONS).values(consumer=ASKED, name=name, seq=0))


def asked(connection: Connection) -> list[str]:
    """The names of the folds that shall start over."""
    return list(connection.execute(select(POSITIONS.c.name).where(POSITIONS.c.consumer == ASKED)).scalars())


def apply(
    connection: Connection,
    folds: Sequence[Fold],
    batch: Batch,
    moves: Mapping[Who, tuple[int, int]],
    now: int,
) -> list[Parked]:
    """Feed folds that stand in one place with what follows, and move them. Returns what had to be parked.

    Raises `Moved` when one does not stand there any more.
    """
    if not move(connection, moves):
        raise Moved
    bad: list[Parked] = []
    for fold in folds:
        events = batch.of(fold.kinds)
        if events:
            bad += _give(connection, fold, events, batch, now)
    return bad


def _give(
    connection: Connection, fold: Fold, events: Sequence[AnyEvent], batch: Batch, now: int
) -> list[Parked]:
    bad: list[Parked] = []

    def failed(event: AnyEvent, error: Exception) -> None:
        case = Case(Who(FOLD, fold.name), batch.seq_of(event), event.id, event.account)
        bad.append(Parked(case, 1, account_of(error), now))

    feed(connection, events, lambda some: fold.apply(connection, some), failed)
    for one in bad:
        parked.park(connection, one)
    return bad


def _step(
    fold: Fold, batch: Batch, moves: Mapping[Who, tuple[int, int]], now: int
) -> Callable[[Connection], list[Parked]]:
    return lambda connection: apply(connection, (fold,), batch, moves, now)
