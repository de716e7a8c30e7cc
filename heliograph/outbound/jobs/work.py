"""The work on one job whose list is read: ask for messages, see what became of them, until every row has its end.

Steps are small, and each leaves ledger and journal in a state from which the next process goes on. Rows that were asked
for when it is opened are asked for again: whichever of them the journal has, it has once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from heliograph.clock import Clock
from heliograph.errors import Unavailable
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.events.messages import DOUBT, Attachment
from heliograph.journal.journal import Journal
from heliograph.outbound.jobs import ledger as ledgers
from heliograph.outbound.jobs.asking import Asking, Decided, message_id
from heliograph.outbound.jobs.ledger import DEFERRED, REQUESTED, Ending, Ledger, Recipient
from heliograph.outbound.jobs.outcomes import given_up, outcomes
from heliograph.outbound.jobs.pacing import allowed, owed_next

APPEND = 500
"""Messages recorded at once."""

ATTACHED = "attached"
"""The fact of a ledger that holds what goes with every mail of the job."""

LOOK_SECONDS = 5.0
"""How often those are asked about who were put off or are parked."""

CANCEL = 10_000
"""Rows cancelled in one transaction."""

FAILED = ledgers.STATES.index("failed")


@dataclass(slots=True, kw_only=True)
class Work:
    """One job's open ledger, and what it waits for: ids of messages that were asked for, with their rows. `attached` goes
    with each of them."""

    ledger: Ledger
    journal: Journal
    state: Engine
    clock: Clock
    under_way: dict[str, int] = field(default_factory=dict)
    deferred: dict[str, int] = field(default_factory=dict)
    attached: tuple[Attachment, ...] = ()
    _looked: float = float("-inf")

    async def open(self, asking: Asking) -> None:
        """Know again what was asked for, and say it again."""
        asked = await asyncio.to_thread(self._load, asking.job.id)
        await self._append(
            [
                asking.message(
                    row, row.template or asking.job.submission.template, row.requested or 0, self.attached
                )
                for row in asked
            ]
        )

    async def settle(self, job: str) -> int:
        """See what became of those that are under way; how many have an end, or are put off."""
        now = self.clock.monotonic()
        slowly = now - self._looked > LOOK_SECONDS
        if slowly:
            self._looked = now
        if not self.under_way and not (slowly and self.deferred):
            return 0
        return await asyncio.to_thread(self._settle, job, slowly)

    async def ask(self, asking: Asking, places: int) -> bool:
        """Ask for up to so many messages more. Whether there was anybody to decide about."""
        now = self.clock.now()
        decided, rows = await asyncio.to_thread(self._decide, asking, places, now)
        by_number = {row.row: row for row in rows}
        await self._append(
            [asking.message(by_number[one.row], one.template, now, self.attached) for one in decided.asked]
        )
        return bool(rows)

    async def cancel(self, asking: Asking, reason: str) -> None:
        """End everybody who was not asked for, and call back who was not tried yet."""
        while await asyncio.to_thread(self._cancel_some, reason):
            pass
        now, rows = self.clock.now(), await asyncio.to_thread(self._asked_for)
        await self._append([asking.call_back(row, now) for row in rows])

    def let_go(self) -> None:
        """The split test has its winner: nobody is held for it any more. Blocks."""
        with self.ledger.writing():
            self.ledger.release_held()
            self.ledger.note("decided", True)

    @property
    def open_rows(self) -> bool:
        """Whether anybody has no end yet."""
        counts = self.ledger.counts()
        return any(ledgers.STATES[state] in counts for state in ledgers.OPEN)

    def _asked_for(self) -> list[Recipient]:
        return self.ledger.of_state(REQUESTED) + self.ledger.of_state(DEFERRED)

    def _load(self, job: str) -> list[Recipient]:
        asked = self.ledger.of_state(REQUESTED)
        self.attached = self.ledger.fact(ATTACHED, tuple[Attachment, ...], ())
        self.under_way = {message_id(job, row.row): row.row for row in asked}
        self.deferred = {message_id(job, row.row): row.row for row in self.ledger.of_state(DEFERRED)}
        return asked

    def _settle(self, job: str, slowly: bool) -> int:
        if slowly:  # an erasure may have changed the ledger
            self._load(job)
        rows = {**self.under_way, **self.deferred} if slowly else self.under_way
        with self.state.connect() as connection:
            found = outcomes(connection, list(rows))
            parked = given_up(connection, list(rows)) if slowly else {}
        ends = {message: Ending(rows[message], *outcome) for message, outcome in found.items()}
        ends |= {
            message: Ending(rows[message], FAILED, f"parked: {why}")
            for message, why in parked.items()
            if message not in ends and not why.startswith(DOUBT)  # state says so of these, a moment later
        }
        news = {
            message: end
            for message, end in ends.items()
            if message in self.under_way or end.state != DEFERRED
        }
        with self.ledger.writing():
            self.ledger.end(list(news.values()))
        for message, end in news.items():
            self.under_way.pop(message, None)
            self.deferred.pop(message, None)
            if end.state == DEFERRED:
                self.deferred[message] = end.row
        return len(news)

    def _decide(self, asking: Asking, places: int, now: int) -> tuple[Decided, list[Recipient]]:
        """Choose rows and mark them in the ledger."""
        ledger, rate = self.ledger, asking.options.rate
        owed = ledger.fact("owed", float, 0.0)
        if rate is not None:
            places = min(places, allowed(rate, owed, now))
        rows = ledger.due(now, places)
        rows += ledger.waiting(places - len(rows))
        with self.state.connect() as connection:
            decided = asking.decide(connection, rows, now)
        with ledger.writing():
            ledger.request(decided.asked)
            ledger.hold(decided.held)
            if rate is not None and decided.asked:
                ledger.note("owed", owed_next(rate, owed, now, len(decided.asked)))
        self.under_way |= {message_id(asking.job.id, one.row): one.row for one in decided.asked}
        return decided, rows

    def _cancel_some(self, reason: str) -> int:
        with self.ledger.writing():
            return self.ledger.cancel(reason, CANCEL)

    async def _append(self, events: Sequence[AnyEvent]) -> None:
        """Record what is not recorded yet, however long the journal takes."""
        records = [codec.encode(event) for event in events]
        for start in range(0, len(records), APPEND):
            while True:
                try:
                    await self.journal.append_once(records[start : start + APPEND])
                    break
                except Unavailable as full:
                    await self.clock.sleep(full.retry_after)
