"""How a job is sent: its options, as operators write them and as `job.submitted` carries them. Pure.

A source is written as a URL: `upload:ID` (a file handed in over the API), `file:NAME` (in the folder that the setting
`jobs_folder` names), `https://...` or `http://...`, `s3://BUCKET/KEY`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from heliograph import url_parameters
from heliograph.attachments.rules import COUNT_LIMIT, fault, liquid_fault, type_of, url_fault
from heliograph.clock import SECOND
from heliograph.errors import BadRequest, Fault
from heliograph.events.jobs import JobSubmitted

LATENESS = 3600
"""Seconds after its instant in which a scheduled job may still begin: a newsletter for breakfast that comes in the
evening, because a machine was down, is worse than none."""

Source = Annotated[
    str, msgspec.Meta(pattern=r"^(upload:|file:|https?://|s3://)[^\x00-\x20]+$", max_length=4096)
]

_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_Span = Literal["second", "minute", "hour"]
SPANS: dict[_Span, int] = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND}
"""Microseconds."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most `count` messages per span, evenly."""

    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    per: _Span = "second"

    @property
    def interval(self) -> float:
        """Microseconds between two messages."""
        return SPANS[self.per] / self.count


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """When in each recipient's own day they may be written to: from `begins` until before `ends` (which may be after
    midnight), on `days`. The zone is the recipient's column `time_zone`, else their person's, else the account's."""

    begins: Annotated[str, msgspec.Meta(pattern=_TIME)]
    ends: Annotated[str, msgspec.Meta(pattern=_TIME)]
    days: list[Day] = []


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template of a split test, and the percentage of recipients who get it."""

    template: Annotated[str, msgspec.Meta(min_length=1)]
    share: Annotated[float, msgspec.Meta(gt=0, le=100)]


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A split test. Who is in no share is held until there is a winner: the template with most of `by` per message,
    `after` seconds after the first message; or the one that an operator names (`by` is then `hand`)."""

    variants: Annotated[tuple[Variant, ...], msgspec.Meta(min_length=2, max_length=10)]
    by: Literal["hand", "opens", "clicks"] = "hand"
    after: Annotated[int, msgspec.Meta(ge=60)] = 4 * 3600


class JobAttachment(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A file that goes with every mail of the job, and where it is: a `source` that all have in common, or a `url` that is
    fetched for each when it is sent, with what the row says in it (`https://shop.example/{{ recipient.ticket }}.pdf`).
    Without a `content_type` its name says what it is; with a `content_id` (`logo@shop.example`) it is what the HTML shows as
    `cid:`."""

    name: str
    source: Source | None = None
    url: str = ""
    content_type: str = ""
    content_id: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a job is sent. `lateness` in seconds. `columns` names the list's columns for `address`, `recipient_id` and
    `time_zone` where they are not found by their usual names. `context` is what templates see beside `recipient`.
    `suppress`: lists of addresses that are left out. `topic`: the subscription topic that its messages are about, if not
    their template's. `url_append`: what their links lead with (`utm_campaign={job}`), if not what the template or the
    account says. `attachments` are fetched when the job is submitted, as the list is."""

    suppress: list[Source] = []
    lateness: Annotated[int, msgspec.Meta(ge=0)] = LATENESS
    rate: Rate | None = None
    window: Window | None = None
    split: Split | None = None
    columns: dict[Literal["address", "recipient_id", "time_zone"], str] = {}
    template_version: int | None = None
    transactional: bool = False
    topic: str | None = None
    url_append: str | None = None
    attachments: list[JobAttachment] = []
    context: dict[str, Any] = {}


def options_of(submission: JobSubmitted) -> Options:
    """The options of a job. Raises `BadRequest`, naming the field."""
    try:
        options = msgspec.convert(submission.options, Options)
        msgspec.convert(submission.source, Source)
    except msgspec.ValidationError as error:
        raise BadRequest(f"options: {error}", field="options") from error
    faults = [*_faults(options)]
    if faults:
        raise BadRequest(
            f"{faults[0].field}: {faults[0].reason}", field=faults[0].field, faults=tuple(faults)
        )
    return options


def _faults(options: Options) -> list[Fault]:
    faults = []
    if options.window is not None and options.window.begins == options.window.ends:
        faults.append(Fault("options.window", "begins when it ends: leave it out for the whole day"))
    if options.split is not None:
        templates = [variant.template for variant in options.split.variants]
        if len(set(templates)) != len(templates):
            faults.append(Fault("options.split.variants", "name one template twice"))
        if sum(variant.share for variant in options.split.variants) > 100:
            faults.append(Fault("options.split.variants", "have shares of more than 100 % together"))
    if options.url_append and (reason := url_parameters.wrong(options.url_append)):
        faults.append(Fault("options.url_append", reason))
    if len(options.attachments) > COUNT_LIMIT:
        faults.append(Fault("options.attachments", f"are more than {COUNT_LIMIT}"))
    for one in options.attachments:
        if (one.source is None) is not bool(one.url):
            faults.append(Fault("options.attachments", f"{one.name} needs either a source or a url"))
        if one.url and (reason := url_fault(one.url)):
            faults.append(Fault("options.attachments", f"the url of {one.name} {reason}"))
        if one.url and (reason := liquid_fault(one.name)):
            faults.append(Fault("options.attachments", f"the name {one.name} {reason}"))
        name = "file" if one.url and "{{" in one.name else one.name
        if reason := fault(name, one.content_type or type_of(name), one.content_id):
            faults.append(Fault("options.attachments", reason))
    return faults


def templates_of(submission: JobSubmitted, options: Options) -> tuple[str, ...]:
    """Every template that the job may send."""
    split = options.split
    return (submission.template,) if split is None else tuple(one.template for one in split.variants)


def is_name(text: str) -> bool:
    """Whether this may name a file in a folder: no path, nothing hidden."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@+ -]{0,199}", text) is not None
