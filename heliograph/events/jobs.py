"""Kinds about bulk work: jobs from submission to end, and the pictures and records they draw on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from heliograph.clock import SECOND, to_datetime
from heliograph.events.consent import Channel
from heliograph.events.event import Data
from heliograph.events.messages import Campaign

DAY = 86_400 * SECOND


class JobSubmitted(Data, frozen=True, kw_only=True):
    """A bulk send is wanted. The id of this event is the job's id.

    `source` says where its recipients are and `options` how it is sent, both as `heliograph.outbound.jobs.options`
    describes them; `send_at` in microseconds, None: at once."""

    kind: ClassVar[str] = "job.submitted"
    name: str
    channel: Channel = "email"
    template: str
    source: str
    request_id: str | None = None
    correlation_id: str | None = None
    job_category: str | None = None
    campaign: Campaign | None = None
    send_at: int | None = None
    options: dict[str, Any] = {}
    by: str = ""


def request_id(instant: int, id: str) -> str:
    """The id of a job in MessageGears' form: `t`, day of the year, year, and a UUID (MG-5).

    `instant` (microseconds) says the day, in UTC; `id` is the job's, or that of a message sent by itself.
    """
    return f"t{_day(instant // DAY)}-{id}"


@lru_cache(64)
def _day(days: int) -> str:
    """A day, counted from 1970, as its number in the year and the year."""
    return f"{to_datetime(days * DAY):%j%y}"


class JobMoved(Data, frozen=True, kw_only=True):
    """A job changed its state."""

    job: str
    by: str = ""
    reason: str = ""


class JobStarted(JobMoved, frozen=True, kw_only=True):
    """The first recipient is being worked on."""

    kind: ClassVar[str] = "job.started"


class JobPaused(JobMoved, frozen=True, kw_only=True):
    """Held; nothing is lost."""

    kind: ClassVar[str] = "job.paused"


class JobResumed(JobMoved, frozen=True, kw_only=True):
    """Goes on where it was."""

    kind: ClassVar[str] = "job.resumed"


class JobCancelled(JobMoved, frozen=True, kw_only=True):
    """Ended by an operator; who was not reached will not be."""

    kind: ClassVar[str] = "job.cancelled"


class JobDecided(JobMoved, frozen=True, kw_only=True):
    """A split test has its winner, by an operator's word or by what recipients did; `figures` are each template's
    messages, opens and clicks when it was decided. The first decision counts."""

    kind: ClassVar[str] = "job.decided"
    template: str
    figures: dict[str, dict[str, int]] = {}


class JobFinished(JobMoved, frozen=True, kw_only=True):
    """Every recipient has an outcome. `counts` by state of the ledger."""

    kind: ClassVar[str] = "job.finished"
    counts: dict[str, int] = {}


class JobFailed(JobMoved, frozen=True, kw_only=True):
    """The job could not be processed: `error_code` and `error_message` in the words of the MessageGears
    document (`Transfer Error`)."""

    kind: ClassVar[str] = "job.failed"
    error_code: str
    error_message: str
    correlation_id: str | None = None
    request_id: str | None = None
    job_category: str | None = None


class ImagePublished(Data, frozen=True, kw_only=True):
    """Live content was published; it is immutable from here on (PER-15). `definition` holds everything that decides
    what is drawn, defaults too, so that a later version draws the same; `by` is the key or the command it came by."""

    kind: ClassVar[str] = "image.published"
    image: str
    content_type: str
    definition: dict[str, Any]
    by: str = ""


class ImageArchived(Data, frozen=True, kw_only=True):
    """Live content was taken out of lists; its URLs still answer."""

    kind: ClassVar[str] = "image.archived"
    image: str
    by: str = ""


class RecordPut(Data, frozen=True, kw_only=True):
    """A context record was stored or replaced. `expires_at` (microseconds): from then on it is not there; `by` is the
    key or the command it came by."""

    kind: ClassVar[str] = "record.put"
    prefix: str
    key: str
    record: dict[str, Any]
    expires_at: int | None = None
    by: str = ""


class RecordRemoved(Data, frozen=True, kw_only=True):
    """A context record was removed."""

    kind: ClassVar[str] = "record.removed"
    prefix: str
    key: str
    by: str = ""


class RecordLooked(Data, frozen=True, kw_only=True):
    """A context record was asked for (MG-7). The request's ids only when a message asked: `message` is which one, or
    whose picture was looked at."""

    prefix: str
    record_id: str
    message: str | None = None
    image: str | None = None
    vendor: str = ""
    ip: str = ""
    request_id: str | None = None
    correlation_id: str | None = None
    recipient_id: str | None = None


class RecordHit(RecordLooked, frozen=True, kw_only=True):
    """It was there: its size in bytes, and when it was created and updated (microseconds)."""

    kind: ClassVar[str] = "record.hit"
    size: int
    created_at: int
    updated_at: int


class RecordMissed(RecordLooked, frozen=True, kw_only=True):
    """It was not there."""

    kind: ClassVar[str] = "record.missed"
