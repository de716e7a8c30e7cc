"""What operators and clients order: submit a job, pause, resume and cancel it, name a split test's winner.

Each is one event, appended here for the operators' API, the command line and the web service alike; the engine's
`runner` does the rest. They answer when the event is on disk, not when it is carried out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from heliograph.accounts.model import Account
from heliograph.clock import Clock
from heliograph.errors import BadRequest, Fault
from heliograph.events import codec, subjects
from heliograph.events.event import Data, Event, new_id, scoped_id
from heliograph.events.jobs import JobCancelled, JobDecided, JobPaused, JobResumed, JobSubmitted, request_id
from heliograph.journal.journal import Journal
from heliograph.outbound.jobs.options import options_of
from heliograph.react.state.jobs import Job

Move = Literal["paused", "resumed", "cancelled"]
_MOVES: dict[Move, type[JobPaused | JobResumed | JobCancelled]] = {
    "paused": JobPaused,
    "resumed": JobResumed,
    "cancelled": JobCancelled,
}


async def submit(
    journal: Journal, clock: Clock, account: Account, submission: JobSubmitted, *, key: str = ""
) -> Event[JobSubmitted]:
    """Have a bulk send on record; its id is the event's. With a `key`, saying it twice is one job. One without a
    request id is given it (MG-5). Raises `BadRequest` where the options cannot be followed."""
    options_of(submission)
    if not submission.template or not submission.name:
        missing = tuple(
            Fault(name, "is empty") for name in ("name", "template") if not getattr(submission, name)
        )
        raise BadRequest("A job has a name and a template.", field=missing[0].field, faults=missing)
    now = clock.now()
    job = scoped_id(account.number, "jobs", key) if key else new_id(now)
    if submission.request_id is None:
        submission = msgspec.structs.replace(submission, request_id=request_id(now, job))
    event = codec.make(
        submission, account=account.number, subject=subjects.thing("job", job), now=now, id=job
    )
    append = journal.append_once if key else journal.append
    await append([codec.encode(event)])
    return event


async def move(
    journal: Journal, clock: Clock, job: Job, to: Move, *, by: str, reason: str = ""
) -> Event[Any]:
    """Pause, resume or cancel. Raises `BadRequest` for a job that is over. What was requested before a pause or a
    cancellation is on record, at most some hundred messages, is still sent; a cancellation calls back what was not
    tried yet."""
    if job.over:
        raise BadRequest(f"The job is {job.state}: it cannot be {to}.", field="job")
    return await _record(journal, clock, job, _MOVES[to](job=job.id, by=by, reason=reason))


async def decide(journal: Journal, clock: Clock, job: Job, template: str, *, by: str) -> Event[Any]:
    """Name the winner of a split test. Raises `BadRequest` where there is none to name."""
    split = options_of(job.submission).split
    if split is None or template not in [variant.template for variant in split.variants]:
        raise BadRequest(f"{template} is no template of a split test of this job.", field="template")
    if job.winner is not None or job.over:
        raise BadRequest(f"It is decided: {job.winner or 'the job is ' + job.state}.", field="job")
    return await _record(journal, clock, job, JobDecided(job=job.id, template=template, by=by))


async def _record(journal: Journal, clock: Clock, job: Job, data: Data) -> Event[Any]:
    now = clock.now()
    event = codec.make(
        data, account=job.account, subject=subjects.thing("job", job.id), now=now, cause=job.id
    )
    await journal.append([codec.encode(event)])
    return event
