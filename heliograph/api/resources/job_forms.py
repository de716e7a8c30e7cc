"""What the API says of jobs: orders, pages of jobs, of recipients and of broken rows. Used by `jobs`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from heliograph.api.call import PageSize
from heliograph.events.consent import Channel
from heliograph.events.messages import Campaign
from heliograph.outbound.jobs import ledger as ledgers
from heliograph.outbound.jobs.options import Options
from heliograph.outbound.jobs.told import Job, Recipient
from heliograph.react.state import jobs as known


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
