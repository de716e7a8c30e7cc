"""A job as people and programs are shown it: how it stands, how fast it goes, how long it will take. For the operators'
API, the command line and the web service; reads state and the ledger, changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.outbound.jobs.asking import message_id
from heliograph.outbound.jobs.ledger import OPEN, STATES, Broken, Recipient, State, looking_into, readable
from heliograph.react.state import jobs as known
from heliograph.react.state import messages
from heliograph.react.state.jobs import Figures, Job


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a job stands. `counts`: recipients by state, as its ledger has them; `read`: rows of the list that were read
    so far; `per_second`: outcomes in the last ten seconds; `remaining`: seconds that the rest will take at that speed,
    None where nobody can tell; `next_due`: when the next of those who are held for their window may be written to, in
    microseconds."""

    job: Job
    counts: dict[str, int]
    read: int
    reading: bool
    per_second: float
    remaining: float | None
    next_due: int | None
    figures: Figures

    @property
    def total(self) -> int:
        """Recipients, broken rows among them."""
        return sum(self.counts.values())

    @property
    def settled(self) -> int:
        """Recipients who have their end."""
        return self.total - _open(self.counts)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient. `state` is how far the job came with them, and `message_state` what became of the message since
    (delivered, bounced), where there is one. Instants in microseconds."""

    row: int
    line: int
    state: State
    address: str
    recipient_id: str | None
    data: dict[str, Any]
    reason: str | None
    due: int | None
    zone: str | None
    zone_source: str | None
    template: str | None
    requested: int | None
    message: str | None
    message_state: str | None


def standing(connection: Connection, data: Path, account: str, job: str) -> Standing | None:
    """How a job of this account stands; None where there is none."""
    found = known.find(connection, account, job)
    if found is None:
        return None
    counts, read, done, speed, next_due = found.counts, 0, False, 0.0, None
    with looking_into(data, job) as ledger:
        if ledger is not None:
            counts, progress = ledger.counts(), ledger.progress
            read, done = progress.seen, progress.done
            speed = ledger.fact("speed", float, 0.0) if found.state == "running" else 0.0
            next_due = None if found.over else ledger.next_due()
    left = _open(counts)
    return Standing(
        job=found,
        counts=counts,
        read=read,
        reading=not (done or found.over),
        per_second=speed,
        remaining=left / speed if speed and not found.over else None,
        next_due=next_due,
        figures=known.figures(connection, account, job),
    )


def recipients(
    connection: Connection, data: Path, job: Job, *, state: State | None, after: int, limit: int
) -> list[Shown]:
    """Recipients behind this row, of one state or all; nothing where the ledger's time is over."""
    number = None if state is None else STATES.index(state)
    with looking_into(data, job.id) as ledger:
        rows = [] if ledger is None else ledger.page(state=number, after=after, limit=limit)
    return shown(connection, job, rows)


def shown(connection: Connection, job: Job, rows: Sequence[Recipient]) -> list[Shown]:
    """Rows of a ledger, with what became of their messages since."""
    ids = {row.row: message_id(job.id, row.row) for row in rows if row.requested is not None}
    states = messages.states(connection, job.account, list(ids.values()))
    return [
        Shown(
            **{name: getattr(row, name) for name in _SAME},
            state=STATES[row.state],
            data=dict(readable(row)),
            message=ids.get(row.row),
            message_state=states.get(ids.get(row.row, "")),
        )
        for row in rows
    ]


def broken(data: Path, job: str, *, after: int, limit: int) -> list[Broken]:
    """Broken rows of a job's list, behind this place."""
    with looking_into(data, job) as ledger:
        return [] if ledger is None else ledger.broken(after=after, limit=limit)


def _open(counts: dict[str, int]) -> int:
    return sum(counts.get(STATES[state], 0) for state in OPEN)


_SAME = (
    "row",
    "line",
    "address",
    "recipient_id",
    "reason",
    "due",
    "zone",
    "zone_source",
    "template",
    "requested",
)
