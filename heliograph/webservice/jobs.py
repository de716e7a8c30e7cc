"""The actions about jobs: how one stands, what became of its messages, and holding, going on or ending it."""

from __future__ import annotations

from heliograph.clock import iso
from heliograph.errors import BadRequest
from heliograph.outbound.jobs import orders
from heliograph.outbound.jobs.orders import Move
from heliograph.react.state import jobs
from heliograph.react.state.jobs import Figures, Job
from heliograph.webservice.answers import Elements, Refused
from heliograph.webservice.call import INVALID, MISSING, UNKNOWN, Asked, Means

STATUS: dict[str, Move] = {"0": "paused", "1": "resumed", "2": "cancelled"}
"""wire-facts 4.1, `JobStatus`."""


async def summary(means: Means, asked: Asked) -> Elements:
    """`BulkJobSummary`."""
    job = await _job(means, asked, "BulkJobRequestId", "BulkJobCorrelationId")
    figures = await means.read(lambda connection: jobs.figures(connection, job.account, job.id))
    named = [("BulkJobRequestId", job.submission.request_id or job.id)]
    if job.submission.correlation_id:
        named.append(("CorrelationId", job.submission.correlation_id))
    return (("BulkJobSummary", (*named, *_counts(figures))),)


async def status(means: Means, asked: Asked) -> Elements:
    """`JobStatusRetrieval`: the state and its instants."""
    job = await _job(means, asked, "jobRequestId", "CorrelationId")
    said = [("JobRequestId", job.submission.request_id or job.id), ("JobState", job.state.upper())]
    for name, instant in (("Submitted", job.submitted), ("Started", job.started), ("Ended", job.ended)):
        if instant is not None:
            said.append((name, iso(instant)))
    if job.error_code:
        said += [("ErrorCode", job.error_code), ("ErrorMessage", job.error_message or "")]
    return (("JobStatus", tuple(said)),)


async def move(means: Means, asked: Asked) -> Elements:
    """`JobStatus`: 0 holds a job, 1 has it go on, 2 ends it."""
    job = await _job(means, asked, "jobRequestId", "CorrelationId")
    said = asked.wanted("status")
    if said not in STATUS:
        raise Refused(INVALID, "status must be 0 (pause), 1 (resume) or 2 (cancel).")
    try:
        await orders.move(means.journal, means.clock, job, STATUS[said], by=asked.by)
    except BadRequest as error:
        raise Refused(INVALID, error.message) from error
    return ()


async def _job(means: Means, asked: Asked, by_request: str, by_correlation: str) -> Job:
    """The job that a call names by the RequestId of its submission, or by the caller's own id. Raises `Refused`."""
    request_id, correlation_id = asked.text(by_request), asked.text(by_correlation)
    if not request_id and not correlation_id:
        raise Refused(MISSING, f"{by_request} or {by_correlation} is required.")
    account = asked.account.number
    found = await means.read(
        lambda connection: jobs.named(
            connection, account, request_id=request_id, correlation_id=correlation_id
        )
    )
    if found is None:
        raise Refused(UNKNOWN, f"There is no job {(request_id or correlation_id)[:80]!r}.")
    return found


def _counts(figures: Figures) -> Elements:
    """In the order of the vendor's schema (wire-facts 4.1)."""
    return (
        ("Messages", str(figures.messages)),
        ("Clicks", str(figures.clicks)),
        ("Opens", str(figures.opens)),
        ("Bounces", str(figures.bounces)),
        ("Unsubscribes", str(figures.unsubscribes)),
        ("Deliveries", str(figures.deliveries)),
        ("SpamComplaints", str(figures.spam_complaints)),
        ("RenderErrors", str(figures.render_errors)),
    )
