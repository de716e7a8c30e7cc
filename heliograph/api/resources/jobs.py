"""`/jobs`: bulk sends. Submit one, see how it goes and whom it reached, hold it, let it go on, end it.

A list too large for a request is handed in first (`heliograph.api.uploading`) and named by the job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Csv, Means, Resource
from heliograph.api.resources.job_forms import (
    Behind,
    BrokenRow,
    BrokenRows,
    InState,
    JobOrder,
    Jobs,
    Part,
    Recipients,
    Which,
    Why,
    Winner,
)
from heliograph.errors import BadRequest, NotFound
from heliograph.events.commerce import instant
from heliograph.events.jobs import JobSubmitted
from heliograph.outbound.jobs import orders, tables, told, uploads, views
from heliograph.outbound.jobs.told import Job
from heliograph.react.state import jobs as known
from heliograph.react.state.jobs import Figures

LOOKS, LOOK_SECONDS = 50, 0.02
"""How often an answer looks whether state follows, and how long between."""

MOVES: tuple[tuple[Literal["pause", "resume", "cancel"], orders.Move, known.State], ...] = (
    ("pause", "paused", "paused"),
    ("resume", "resumed", "running"),
    ("cancel", "cancelled", "cancelled"),
)


async def submit(means: Means, asked: Asked) -> Job:
    """Take a job on; it begins within a second, or at its time."""
    order: JobOrder = asked.body
    if bool(order.source) == bool(order.recipients):
        raise BadRequest("Give either source or recipients.", field="source")
    send_at = instant(order.send_at)
    if order.send_at is not None and send_at is None:
        raise BadRequest("send_at: is no instant, such as 2026-01-31T12:00:00Z", field="send_at")
    source = order.source or await _kept(means, asked.account.number, order.recipients)
    submission = JobSubmitted(
        name=order.name or order.template,
        channel=order.channel,
        template=order.template,
        source=source,
        correlation_id=order.correlation_id,
        job_category=order.job_category,
        campaign=order.campaign,
        send_at=send_at,
        options=msgspec.to_builtins(order.options),
        by=asked.by,
    )
    event = await orders.submit(
        means.journal, means.clock, asked.account, submission, key=order.key or asked.idempotency_key
    )
    for _ in range(LOOKS):
        if (found := await _look(means, asked.account.number, event.id)) is not None:
            return told.job(found)
        await means.clock.sleep(LOOK_SECONDS)
    return told.job(_fresh(event.id, asked.account.number, event.data, event.recorded))


async def page(means: Means, asked: Asked) -> Jobs:
    """Jobs of the account."""
    account, wanted = asked.account.number, asked.query

    def look(connection: Connection) -> Jobs:
        found = known.page(
            connection, account, before=wanted.after, limit=wanted.limit + 1, state=wanted.state
        )
        some = found[: wanted.limit]
        standings = [views.standing(connection, means.data, account, job.id) for job in some]
        following = some[-1].id if len(found) > len(some) else None
        return Jobs(jobs=[told.job(one) for one in standings if one is not None], next=following)

    return await means.read(look)


async def find(means: Means, asked: Asked) -> Job:
    """One job."""
    return told.job(await _standing(means, asked))


async def recipients(means: Means, asked: Asked) -> Recipients:
    """Whom the job is for, and how far it came with each."""
    job, wanted = (await _standing(means, asked)).job, asked.query
    found = await means.read(
        lambda connection: views.recipients(
            connection, means.data, job, state=wanted.state, after=wanted.after, limit=wanted.limit
        )
    )
    return Recipients(
        recipients=[told.recipient(one) for one in found],
        next=found[-1].row if len(found) == wanted.limit else None,
    )


async def broken(means: Means, asked: Asked) -> BrokenRows:
    """Rows of the list that are no recipients."""
    job, wanted = (await _standing(means, asked)).job, asked.query
    found = await means.read(
        lambda _: views.broken(means.data, job.id, after=wanted.after, limit=wanted.limit)
    )
    return BrokenRows(
        rows=[BrokenRow(line=one.line, reason=one.reason) for one in found],
        next=found[-1].place if len(found) == wanted.limit else None,
    )


async def recipients_file(means: Means, asked: Asked) -> Csv:
    """Whom the job is for, as a list."""
    job = (await _standing(means, asked)).job
    only = asked.query.state
    return Csv(f"job-{job.id}", tables.recipients_csv(means.state, means.data, job, only))


async def broken_file(means: Means, asked: Asked) -> Csv:
    """Rows of the list that are no recipients, as a list."""
    job = (await _standing(means, asked)).job
    return Csv(f"job-{job.id}-broken", tables.broken_csv(means.data, job.id))


def mover(to: orders.Move, state: known.State) -> Any:
    """The handler that moves a job."""

    async def moved(means: Means, asked: Asked) -> Job:
        standing = await _standing(means, asked)
        await orders.move(means.journal, means.clock, standing.job, to, by=asked.by, reason=asked.body.reason)
        return await _followed(
            means, asked, lambda job: job.state in (state, "submitted") or job.over, standing
        )

    return moved


async def decide(means: Means, asked: Asked) -> Job:
    """Name the winner of a split test: who waits for it gets that template."""
    standing = await _standing(means, asked)
    await orders.decide(means.journal, means.clock, standing.job, asked.body.template, by=asked.by)
    return await _followed(means, asked, lambda job: job.winner is not None, standing)


async def _kept(means: Means, account: str, recipients: list[dict[str, Any]]) -> str:
    """A list that came in the request, kept as a file: people's data are no part of the event."""

    async def lines() -> AsyncIterator[bytes]:
        for one in recipients:
            yield msgspec.json.encode(one) + b"\n"

    return f"upload:{await uploads.keep(means.data, account, lines(), 1 << 30)}"


async def _look(means: Means, account: str, job: str) -> views.Standing | None:
    return await means.read(lambda connection: views.standing(connection, means.data, account, job))


async def _standing(means: Means, asked: Asked) -> views.Standing:
    found = await _look(means, asked.account.number, asked.path["job"])
    if found is None:
        raise NotFound("There is no such job.", field="job")
    return found


async def _followed(means: Means, asked: Asked, has: Any, before: views.Standing) -> Job:
    """The job as soon as state has followed; as it was, where the engine is away."""
    for _ in range(LOOKS):
        found = await _look(means, asked.account.number, before.job.id)
        if found is not None and has(found.job):
            return told.job(found)
        await means.clock.sleep(LOOK_SECONDS)
    return told.job(before)


def _fresh(job: str, account: str, submission: JobSubmitted, now: int) -> views.Standing:
    """A job that state does not know yet."""
    new = known.Job(
        id=job,
        account=account,
        state="submitted",
        submission=submission,
        submitted=now,
        started=None,
        ended=None,
        error_code=None,
        error_message=None,
        reason="",
        winner=None,
        counts={},
    )
    return views.Standing(
        job=new,
        counts={},
        read=0,
        reading=True,
        per_second=0.0,
        remaining=None,
        next_due=None,
        figures=Figures(),
    )


RESOURCE = Resource(
    name="jobs",
    description="Bulk sends: submitted, under way and over.",
    calls=(
        Call(
            method="POST",
            path="/jobs",
            name="submitJob",
            summary="Send to a list",
            handler=submit,
            answer=Job,
            body=JobOrder,
            status=202,
            idempotent=True,
        ),
        Call(
            method="GET",
            path="/jobs",
            name="listJobs",
            summary="Jobs, the newest first",
            handler=page,
            answer=Jobs,
            query=Which,
        ),
        Call(
            method="GET",
            path="/jobs/{job}",
            name="getJob",
            summary="How a job stands",
            handler=find,
            answer=Job,
        ),
        Call(
            method="GET",
            path="/jobs/{job}/recipients",
            name="listJobRecipients",
            summary="Whom a job is for",
            handler=recipients,
            answer=Recipients,
            query=Part,
        ),
        Call(
            method="GET",
            path="/jobs/{job}/recipients.csv",
            name="downloadJobRecipients",
            summary="Whom a job is for, as a list",
            handler=recipients_file,
            answer=Csv,
            query=InState,
        ),
        Call(
            method="GET",
            path="/jobs/{job}/broken.csv",
            name="downloadBrokenRows",
            summary="Rows of the list that are no recipients, as a list",
            handler=broken_file,
            answer=Csv,
        ),
        Call(
            method="GET",
            path="/jobs/{job}/broken",
            name="listBrokenRows",
            summary="Rows of the list that are no recipients",
            handler=broken,
            answer=BrokenRows,
            query=Behind,
        ),
        *(
            Call(
                method="POST",
                path=f"/jobs/{{job}}/{word}",
                name=f"{word}Job",
                summary=f"{word.capitalize()} a job",
                handler=mover(to, state),
                answer=Job,
                body=Why,
                status=202,
            )
            for word, to, state in MOVES
        ),
        Call(
            method="POST",
            path="/jobs/{job}/winner",
            name="decideJob",
            summary="Name the winner of a split test",
            handler=decide,
            answer=Job,
            body=Winner,
            status=202,
        ),
    ),
)
