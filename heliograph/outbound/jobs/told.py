"""A job and its recipients as programs are told of them: the answers of the operators' API and the lines of the command line.

The same facts as `views` finds, with every instant readable.
"""

from __future__ import annotations

from typing import Any

import msgspec

from heliograph.clock import Instant, iso
from heliograph.events.consent import Channel
from heliograph.outbound.jobs import ledger as ledgers
from heliograph.outbound.jobs.views import Shown, Standing
from heliograph.react.state import jobs as known
from heliograph.react.state.jobs import Figures


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `counts` are its recipients by state; `read` rows of its list were read so far; `remaining` are seconds at
    the speed of the last ten; `next_due_at`: when the next of those who are held for their window may be written to;
    `figures` count what became of the messages since."""

    id: str
    name: str
    state: known.State
    reading: bool
    channel: Channel
    template: str
    source: str
    request_id: str | None
    correlation_id: str | None
    job_category: str | None
    submitted_at: Instant
    send_at: Instant | None
    started_at: Instant | None
    ended_at: Instant | None
    total: int
    settled: int
    counts: dict[str, int]
    read: int
    per_second: float
    remaining: float | None
    next_due_at: Instant | None
    figures: Figures
    winner: str | None
    error_code: str | None
    error_message: str | None
    reason: str


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient: how far the job came with them, and what became of their message since. `zone` is the zone by whose
    clock they are written to, and `zone_source` how it is known; `reason` why they are not."""

    row: int
    line: int
    state: ledgers.State
    address: str
    recipient_id: str | None
    data: dict[str, Any]
    reason: str | None
    due_at: Instant | None
    zone: str | None
    zone_source: str | None
    template: str | None
    requested_at: Instant | None
    message: str | None
    message_state: str | None


def job(standing: Standing) -> Job:
    """How a job stands."""
    found = standing.job
    wanted = found.submission
    return Job(
        id=found.id,
        name=wanted.name,
        state=found.state,
        reading=standing.reading,
        channel=wanted.channel,
        template=wanted.template,
        source=wanted.source,
        request_id=wanted.request_id,
        correlation_id=wanted.correlation_id,
        job_category=wanted.job_category,
        submitted_at=iso(found.submitted),
        send_at=_instant(wanted.send_at),
        started_at=_instant(found.started),
        ended_at=_instant(found.ended),
        total=standing.total,
        settled=standing.settled,
        counts=standing.counts,
        read=standing.read,
        per_second=round(standing.per_second, 1),
        remaining=None if standing.remaining is None else round(standing.remaining, 1),
        next_due_at=_instant(standing.next_due),
        figures=standing.figures,
        winner=found.winner,
        error_code=found.error_code,
        error_message=found.error_message,
        reason=found.reason,
    )


def recipient(shown: Shown) -> Recipient:
    """One of those whom a job is for."""
    return Recipient(
        **{name: getattr(shown, name) for name in _SAME},
        due_at=_instant(shown.due if shown.due != ledgers.FOR_WINNER else None),
        requested_at=_instant(shown.requested),
    )


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)


_SAME = tuple(name for name in Recipient.__struct_fields__ if not name.endswith("_at"))
