"""Three ways to react, and the type says which.

A **fold** remembers: it turns events into state, may be thrown away and replayed any day, touches nothing
outside. A **reaction** decides: it turns events (and due timers) into further events with derived ids, once.
An **act** does what the world can see: it is never replayed, and what the world answers is a value.
Only folds can be replayed: `replay` takes a `Fold`.

All three are values; the loops that feed them are in `heliograph.journal.loops`. Positions live in state with
the effects, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Table

from heliograph.events.event import AnyEvent


class Erased(NamedTuple):
    """Who is to be forgotten (STD-7): the account, the person's id, and every reference under which something of
    theirs is recorded (`events.subjects`): their addresses and numbers, former ones too, their messages, carts
    and orders. `keep_case`: in their account the case of an address's local part counts."""

    account: str
    person: str
    references: tuple[str, ...]
    keep_case: bool = False

    def values(self, *schemes: str) -> list[str]:
        """What stands behind these schemes: `values("email", "phone")`."""
        parts = (reference.partition(":") for reference in self.references)
        return [value for scheme, _, value in parts if scheme in schemes]


@dataclass(frozen=True, slots=True)
class Fold:
    """Remembers. `apply` is given decoded events of `kinds` in order, many at once, inside one transaction of
    state; it may see an event twice and must end in the same state. `tables` are what a replay empties.

    `forget` removes the rows of somebody who is erased that are found by a number or an id. None where there are
    none: what names an address or a phone, and rows of an event in their column `event`, are found without it
    (`heliograph.privacy.sweeping`)."""

    name: str
    kinds: frozenset[str]
    tables: tuple[Table, ...]
    apply: Callable[[Connection, Sequence[AnyEvent]], None]
    forget: Callable[[Connection, Erased], None] | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """Decides. `decide` is given the connection, events in order, and the instant now; it may change its own
    tables and returns the events that follow, all with derived ids. They are recorded before the transaction
    commits, so a crash between repeats the decision and records nothing twice. A reaction that is seen for the
    first time begins at the head of the journal, so that nothing is decided about the past.

    `due` is asked for the events of timers that have come due; `next_due` for the instant of the next one."""

    name: str
    kinds: frozenset[str]
    decide: Callable[[Connection, Sequence[AnyEvent], int], Sequence[AnyEvent]]
    due: Callable[[Connection, int], Sequence[AnyEvent]] | None = None
    next_due: Callable[[Connection], int | None] | None = None


class Delivered(NamedTuple):
    """The world took it. `detail` for the log."""

    detail: str = ""


class Retry(NamedTuple):
    """Not now. `after` seconds if the world said when, else None: the act's schedule decides. `counts`: it is a
    failure; else something of ours is not ready yet, which speaks against nobody."""

    why: str
    after: float | None = None
    counts: bool = True


class Refused(NamedTuple):
    """Never. It is parked at once, where an operator sees it."""

    why: str


class Skipped(NamedTuple):
    """There was nothing to do: no attempt was made, nothing is logged."""


Outcome = Delivered | Retry | Refused | Skipped


@dataclass(frozen=True, slots=True)
class Act:
    """Does what the world can see, one event at a time, up to `concurrency` at once.

    `perform` gets the event and which attempt this is, from 1. `schedule` holds the seconds to wait before
    each further attempt; when it is used up the event is parked and `gave_up` is called once with the event,
    the last reason and the number of attempts (it may return events to record). An exception from `perform`
    is a bug of ours: the event is retried by the same schedule and then parked. `since`: the journal position
    from which an act that is seen for the first time begins (None: the head, so the past is not acted on). `born`: instead of that,
    the instant (microseconds) from which on what is recorded is its to act on, however late it is seen.
    `wants` is asked of each event when it is read: what it does not want is settled without an attempt. It only looks, and fast,
    for it is asked by every act of every event.
    `prepare` is told what was read, many events at once and before any of them begins: what it looks up for all of them together
    costs each a fraction. An attempt may find nothing prepared (it comes later, it is not the first), and looks for itself then.
    `trips_after`: failures in a row after which fresh events are held but for probes (`journal.breaker`); 0: never.
    """

    name: str
    kinds: frozenset[str]
    perform: Callable[[AnyEvent, int], Awaitable[Outcome]]
    schedule: tuple[float, ...] = (10, 60, 300, 1800)
    concurrency: int = 16
    since: int | None = None
    born: int | None = None
    gave_up: Callable[[AnyEvent, str, int], Sequence[AnyEvent]] | None = None
    trips_after: int = 0
    wants: Callable[[AnyEvent], bool] | None = None
    prepare: Callable[[Sequence[AnyEvent]], None] | None = None
