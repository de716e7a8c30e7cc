"""An automation as it stands in a file: the fields that there are, and no others. `definition` gives them meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from heliograph.attachments.rules import COUNT_LIMIT
from heliograph.errors import BadRequest, perhaps
from heliograph.events.consent import Channel

S = TypeVar("S", bound=msgspec.Struct)

Once = Literal["event", "person", "object"]
Match = Literal["any", "person", "object", "both", "message"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Query = Annotated[str, Meta(max_length=500)]
Duration = str | int | float

LATENESS = 24 * 3600.0
"""Seconds. How late a message may be wanted after its due time, unless a definition says otherwise: an imported order
of last year, or an engine that stood still for a week, mails nobody."""


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it stands in a definition."""


class Trigger(_Written, frozen=True, kw_only=True):
    """Which events; `who`: of whom."""

    kind: str | list[str]
    name: str | None = None
    where: dict[str, Any] = {}
    readers: Literal["people", "any"] | None = None


class Entry(Trigger, frozen=True, kw_only=True):
    """Which events begin a run, and of whom."""

    who: dict[str, Any] = {}


class Matched(Trigger, frozen=True, kw_only=True):
    """Which events, and by what they find a run."""

    match: Match = "any"
    path: str | None = None


class SendFile(_Written, frozen=True, kw_only=True):
    """A file that is fetched for each of the step's mails; its name and the path of its URL are Liquid."""

    name: Name
    url: str
    content_type: str = ""
    content_id: str = ""


class SendStep(_Written, frozen=True, kw_only=True):
    """A message is wanted; topic and URL parameters are the automation's where it names none of its own."""

    template: Name
    channel: Channel = "email"
    topic: Name | None = None
    url_append: Query | None = None
    attachments: Annotated[list[SendFile], Meta(max_length=COUNT_LIMIT)] = []


class Until(_Written, frozen=True, kw_only=True):
    """Wait until a time of day, a weekday, or both."""

    until: str
    zone: str | None = None


class WaitForStep(Matched, frozen=True, kw_only=True):
    """Wait for an event, or until the time is up."""

    timeout: Duration
    on_event: list[WrittenStep] = []
    on_timeout: list[WrittenStep] = []


class BranchStep(_Written, frozen=True, kw_only=True, rename={"when": "if", "otherwise": "else"}):
    """Go one way or the other."""

    when: dict[str, Any]
    then: list[WrittenStep] = []
    otherwise: list[WrittenStep] = []


class Arm(_Written, frozen=True, kw_only=True):
    """One way of a split test."""

    name: Name
    share: Annotated[float, Meta(gt=0, le=1_000_000)]
    steps: list[WrittenStep] = []


class UpdateStep(_Written, frozen=True, kw_only=True):
    """Change what is known of the person."""

    add_tags: list[Name] = []
    remove_tags: list[Name] = []
    set: dict[str, str | int | float | bool | None] = {}


class WebhookStep(_Written, frozen=True, kw_only=True):
    """Have a URL called."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s]+$", max_length=2048)]


class EndStep(_Written, frozen=True, kw_only=True):
    """The run ends here."""

    why: str = ""


class WrittenStep(_Written, frozen=True, kw_only=True):
    """Exactly one of these."""

    wait: Duration | Until | None = None
    send: SendStep | None = None
    wait_for: WaitForStep | None = None
    branch: BranchStep | None = None
    split: list[Arm] | None = None
    update_person: UpdateStep | None = None
    webhook: WebhookStep | None = None
    end: EndStep | None = None


class Definition(_Written, frozen=True, kw_only=True):
    """The whole of it."""

    name: Name
    trigger: Entry
    steps: list[WrittenStep]
    once: Once | None = None
    object: str | None = None
    part: str | None = None
    cancel_on: list[Matched] = []
    goals: list[Matched] = []
    group: Name | None = None
    topic: Name | None = None
    url_append: Query | None = None
    transactional: bool = False
    restart_on_trigger: bool | None = None
    recheck: bool = True
    quiet_hours: list[str] | None = None
    lateness: Duration = LATENESS
    again_after: Duration | None = None


class WrittenSegment(_Written, frozen=True, kw_only=True):
    """A segment of people: a name, and the conditions that make somebody one of it."""

    name: str
    who: dict[str, Any]


def convert(said: Mapping[str, Any], kind: type[S]) -> S:
    """What was written as a struct. Raises `BadRequest`; `field` is the path of what is wrong."""
    try:
        return msgspec.convert(dict(said), kind)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        path = where.rstrip("`").lstrip(".")
        if named := _NAMED.fullmatch(reason):
            path = f"{path}.{named['field']}".lstrip(".")
            meant = perhaps(named["field"], _FIELDS)
            reason = "It is mandatory" if named["missing"] else f"There is no {named['field']!r} here{meant}"
        raise BadRequest(f"{reason}.", field=path or None) from error


_NAMED = re.compile(
    r"Object (?:contains unknown field|(?P<missing>missing required field)) `(?P<field>.*)`", re.DOTALL
)
_STRUCTS = (Definition, Entry, Matched, WrittenStep, SendStep, SendFile, Until, WaitForStep, BranchStep, Arm, UpdateStep,
            WebhookStep, EndStep)  # fmt: skip
_FIELDS = frozenset(name for struct in _STRUCTS for name in struct.__struct_encode_fields__)
