"""Bulk jobs: what was submitted, how each one stands, and how its messages fared.

One row for each job. Whom it goes to is in a file of its own (`heliograph.outbound.jobs.ledger`), so that a million
recipients neither swell this database nor outlive the job; what became of each message is in `messages`. The engine's
runner, the operators' API and the web service read jobs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    String,
    Table,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from heliograph.database import METADATA
from heliograph.events.event import AnyEvent, Data
from heliograph.events.jobs import (
    JobCancelled,
    JobDecided,
    JobFailed,
    JobFinished,
    JobPaused,
    JobResumed,
    JobStarted,
    JobSubmitted,
)
from heliograph.events.messages import Campaign
from heliograph.journal.consumer import Fold
from heliograph.react.state.messages import MESSAGES

State = Literal["submitted", "running", "paused", "finished", "cancelled", "failed"]
OVER: frozenset[State] = frozenset(("finished", "cancelled", "failed"))
"""States that a job does not leave."""

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("state", String(9), nullable=False),
    Column("submission", JSON, nullable=False),  # the data of job.submitted
    Column("request_id", String),
    Column("correlation_id", String),
    Column("submitted", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("error_code", String),
    Column("error_message", String),
    Column("reason", String, nullable=False),
    Column("winner", String),
    Column("counts", JSON, nullable=False),
    Index(None, "account", "id"),
    Index(None, "state"),
)
"""Instants in microseconds. `reason` is of the last move; `winner` the template that won a split test; `counts` those
of the ledger when the job was finished."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. Instants in microseconds; `submission` is what was asked for."""

    id: str
    account: str
    state: State
    submission: JobSubmitted
    submitted: int
    started: int | None
    ended: int | None
    error_code: str | None
    error_message: str | None
    reason: str
    winner: str | None
    counts: dict[str, int]

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it by itself."""
        return self.state in OVER


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a job's messages so far, as `BulkJobSummary` counts them: `messages` were handed over, opens,
    clicks and the others are messages with at least one."""

    messages: int = 0
    deliveries: int = 0
    bounces: int = 0
    opens: int = 0
    clicks: int = 0
    unsubscribes: int = 0
    spam_complaints: int = 0
    render_errors: int = 0
    suppressed: int = 0
    in_doubt: int = 0


def find(connection: Connection, account: str, job: str) -> Job | None:
    """The job of this id, if it is this account's."""
    row = connection.execute(_FIND, {"of_id": job, "of_account": account}).one_or_none()
    return None if row is None else _job(row)


def named(
    connection: Connection, account: str, *, request_id: str = "", correlation_id: str = ""
) -> Job | None:
    """The last job of this request id, else of this correlation id."""
    wanted = {"of_account": account, "of_request": request_id, "of_correlation": correlation_id}
    row = connection.execute(_NAMED, wanted).first()
    return None if row is None else _job(row)


def page(
    connection: Connection, account: str, *, before: str = "", limit: int = 100, state: State | None = None
) -> list[Job]:
    """Jobs of an account, the newest first, those before this id."""
    wanted = select(JOBS).where(JOBS.c.account == account).order_by(JOBS.c.id.desc()).limit(limit)
    if before:
        wanted = wanted.where(JOBS.c.id < before)
    if state:
        wanted = wanted.where(JOBS.c.state == state)
    return [_job(row) for row in connection.execute(wanted)]


def under_way(connection: Connection) -> list[Job]:
    """Every account's jobs that are not over, the oldest first."""
    return [_job(row) for row in connection.execute(_UNDER_WAY)]


def these(connection: Connection, jobs: Sequence[str]) -> list[Job]:
    """Those of these jobs that are known, whosever they are."""
    return [_job(row) for row in connection.execute(_THESE, {"ids": list(jobs)})]


def of_account(connection: Connection, account: str) -> list[str]:
    """The ids of all jobs of an account."""
    return list(connection.scalars(select(JOBS.c.id).where(JOBS.c.account == account).order_by(JOBS.c.id)))


def over_before(connection: Connection, account: str, ended: int) -> list[str]:
    """The ids of jobs that were over before this instant (microseconds)."""
    return list(connection.scalars(_OVER_BEFORE, {"of_account": account, "before": ended}))


def figures(connection: Connection, account: str, job: str) -> Figures:
    """What became of a job's messages so far."""
    row = connection.execute(_FIGURES, {"of_account": account, "of_job": job}).one()
    return Figures(**{str(name): value for name, value in row._mapping.items() if name != "template"})


def figures_by_template(connection: Connection, account: str, job: str) -> dict[str, Figures]:
    """The same for each template of a split test."""
    found = connection.execute(_BY_TEMPLATE, {"of_account": account, "of_job": job})
    return {
        row.template: Figures(
            **{str(name): value for name, value in row._mapping.items() if name != "template"}
        )
        for row in found
    }


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    for event in events:
        match event.data:
            case JobSubmitted() as submission:
                connection.execute(_SUBMIT, _submitted(event, submission))
            case JobDecided(job=job, template=template):
                whose = {"of_id": job, "of_account": event.account}
                connection.execute(_DECIDE, {**whose, "new_winner": template})
            case data if (state := _MOVES.get(type(data))) is not None:
                _move(connection, event, data, state)


def _submitted(event: AnyEvent, submission: JobSubmitted) -> dict[str, Any]:
    return {
        "id": event.id,
        "account": event.account,
        "state": "submitted",
        "submission": msgspec.to_builtins(submission),
        "request_id": submission.request_id,
        "correlation_id": submission.correlation_id,
        "submitted": event.recorded,
        "reason": "",
        "counts": {},
    }


def _move(connection: Connection, event: AnyEvent, data: Any, state: State) -> None:
    known = connection.execute(_STANDING, {"of_id": data.job, "of_account": event.account}).one_or_none()
    if known is None or known.state in OVER:
        return
    news: dict[str, Any] = {"state": state, "reason": data.reason}
    if isinstance(data, JobStarted):
        news["started"] = event.recorded
        if known.state == "paused":
            del news["state"]
    elif isinstance(data, JobResumed) and known.started is None:
        news["state"] = "submitted"
    elif isinstance(data, JobFinished):
        news["counts"] = data.counts
    elif isinstance(data, JobFailed):
        news |= {"error_code": data.error_code, "error_message": data.error_message}
    if state in OVER:
        news["ended"] = event.recorded
    connection.execute(update(JOBS).where(JOBS.c.id == data.job).values(news))


def _job(row: Any) -> Job:
    values = {str(name): value for name, value in row._mapping.items()}
    del values["request_id"], values["correlation_id"]
    submission = values.pop("submission")
    campaign = submission.pop("campaign", None)
    return Job(
        **values,
        submission=JobSubmitted(
            **submission, campaign=msgspec.convert(campaign, Campaign) if campaign else None
        ),
    )


_MOVES: dict[type[Data], State] = {
    JobStarted: "running",
    JobPaused: "paused",
    JobResumed: "running",
    JobCancelled: "cancelled",
    JobFinished: "finished",
    JobFailed: "failed",
}

_OWN = (JOBS.c.id == bindparam("of_id"), JOBS.c.account == bindparam("of_account"))
_FIND = select(JOBS).where(*_OWN)
_STANDING = select(JOBS.c.state, JOBS.c.started).where(*_OWN)
_NAMED = (
    select(JOBS)
    .where(
        JOBS.c.account == bindparam("of_account"),
        (
            ((JOBS.c.request_id == bindparam("of_request")) & (bindparam("of_request") != ""))
            | ((JOBS.c.correlation_id == bindparam("of_correlation")) & (bindparam("of_correlation") != ""))
        ),
    )
    .order_by((JOBS.c.request_id == bindparam("of_request")).desc(), JOBS.c.id.desc())
    .limit(1)
)
_UNDER_WAY = select(JOBS).where(JOBS.c.state.not_in(sorted(OVER))).order_by(JOBS.c.id)
_THESE = select(JOBS).where(JOBS.c.id.in_(bindparam("ids", expanding=True)))
_OVER_BEFORE = select(JOBS.c.id).where(
    JOBS.c.account == bindparam("of_account"), JOBS.c.ended < bindparam("before")
)
_SUBMIT = insert(JOBS).on_conflict_do_nothing()
_DECIDE = update(JOBS).where(*_OWN, JOBS.c.winner.is_(None)).values(winner=bindparam("new_winner"))

_COUNTED = (
    func.count(MESSAGES.c.sent_at).label("messages"),
    func.count(MESSAGES.c.delivered_at).label("deliveries"),
    func.count(MESSAGES.c.bounced_at).label("bounces"),
    func.count(MESSAGES.c.opened_at).label("opens"),
    func.count(MESSAGES.c.clicked_at).label("clicks"),
    func.count(MESSAGES.c.unsubscribed_at).label("unsubscribes"),
    func.count(MESSAGES.c.complained_at).label("spam_complaints"),
    func.count(MESSAGES.c.render_failed_at).label("render_errors"),
    func.count(MESSAGES.c.suppressed_at).label("suppressed"),
    func.count().filter(MESSAGES.c.state == "in_doubt").label("in_doubt"),
)
_OF_JOB = (MESSAGES.c.job == bindparam("of_job"), MESSAGES.c.account == bindparam("of_account"))
_FIGURES = select(*_COUNTED).where(*_OF_JOB)
_BY_TEMPLATE = select(MESSAGES.c.template, *_COUNTED).where(*_OF_JOB).group_by(MESSAGES.c.template)

FOLD = Fold(
    name="jobs",
    kinds=frozenset({JobSubmitted.kind, JobDecided.kind} | {kind.kind for kind in _MOVES}),
    tables=(JOBS,),
    apply=apply,
)
