"""What the API says of jobs: orders, how a job stands, its recipients. Used by `jobs`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from heliograph.api.call import Instant, PageSize
from heliograph.events.consent import Channel
from heliograph.events.messages import Campaign
from heliograph.outbound.jobs import ledger as ledgers
from heliograph.outbound.jobs.options import Options
from heliograph.react.state import jobs as known
from heliograph.react.state.jobs import Figures


class JobOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk send. Its recipients are in `recipients`, one object each, or where `source` says: `upload:ID`,
    `file:NAME`, `https://...`, `s3://BUCKET/KEY`. With a `key`, asking twice is one job."""

    template: str
    name: str = ""
    channel: Channel = "email"
    source: str = ""
    recipients: list[dict[str, Any]] = []
    send_at: str | None = None
    correlation_id: str | None = None
    job_category: str | None = None
    campaign: Campaign | None = None
    options: Options = msgspec.field(default_factory=Options)
    key: str = ""


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


class Jobs(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, the newest first. `next` is the `after` of the next page, if there is one."""

    jobs: list[Job]
    next: str | None = None


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs: of one state. `after` is the `next` of a page."""

    state: known.State | None = None
    after: str = ""
    limit: PageSize = 100


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job is moved, for the record."""

    reason: str = ""


class Winner(msgspec.Struct, frozen=True, kw_only=True):
    """The template that wins a split test."""

    template: str


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


class Recipients(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients in the order of the list. `next` is the `after` of the next page, if there is one."""

    recipients: list[Recipient]
    next: int | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which recipients: of one state, those behind this row."""

    state: ledgers.State | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: PageSize = 100


class InState(msgspec.Struct, frozen=True, kw_only=True):
    """Which recipients: of one state, else all."""

    state: ledgers.State | None = None


class BrokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list that is no recipient, and why."""

    line: int
    reason: str


class BrokenRows(msgspec.Struct, frozen=True, kw_only=True):
    """Broken rows in order; the first hundred thousand are listed. `next` as everywhere."""

    rows: list[BrokenRow]
    next: int | None = None


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """Which broken rows: those behind this place."""

    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: PageSize = 100
