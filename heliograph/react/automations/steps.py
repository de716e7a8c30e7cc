"""What an automation does, as a list: steps with places, and jumps where they are nested. Pure.

    steps:                              0  branch, else 3
      - branch:                         1    send
          if: {segments: vip}           2    jump 4
          then: [send: ...]             3    wait
          else: [wait: 1d]              4  send
      - send: ...

A run knows its place as a number, so that a timer is a row of a few numbers and a wait costs no tree. `path` says where
the step is written: for the trace, and to find the same step again in another version.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from heliograph.attachments.rules import fault, liquid_fault, type_of, url_fault
from heliograph.errors import BadRequest
from heliograph.events.consent import Channel
from heliograph.events.messages import Attachment
from heliograph.react.automations.durations import Moment, duration, moment
from heliograph.react.automations.selecting import Matching, Selector, matching
from heliograph.react.automations.written import (
    Arm,
    BranchStep,
    EndStep,
    SendStep,
    Until,
    UpdateStep,
    WaitForStep,
    WebhookStep,
    WrittenStep,
)
from heliograph.react.state.conditions import Condition
from heliograph.react.state.facts import GROUPS
from heliograph.react.state.segments import asked
from heliograph.url_parameters import wrong

MAX_STEPS = 50
MAX_DEPTH = 8

OWN_FACTS = ("event", "cart", "order", "product")
"""What a run knows beside its person: what its trigger said, and the cart, order or product that it is about."""

FIXED = frozenset({"id", "email", "tags", "append_tags", "accepts_marketing", "accepts_sms_marketing",
                   "accepts_tracking", "sms_phone_number_e164", "update_existing", "customer_id", "phone"})  # fmt: skip
"""Who somebody is and what they agreed to is nothing that an automation says."""


class Wait(NamedTuple):
    """Go on after so many microseconds."""

    microseconds: int


class WaitUntil(NamedTuple):
    """Go on at a time of day, by the person's clock unless a zone is named."""

    moment: Moment
    zone: str | None


class WaitFor(NamedTuple):
    """Go on at `on_event` when the event comes, at `on_timeout` when the time is up."""

    matching: Matching
    microseconds: int
    on_event: int
    on_timeout: int


class Send(NamedTuple):
    """A message is wanted: about which subscription topic, with what at the end of its links (None: what the automation
    says, else the template, else the account), and with which files of its own."""

    channel: Channel
    template: str
    topic: str | None = None
    url_append: str | None = None
    attachments: tuple[Attachment, ...] = ()


class Branch(NamedTuple):
    """Go on with the next step if the conditions hold, else at `otherwise`."""

    conditions: tuple[Condition, ...]
    otherwise: int


class Split(NamedTuple):
    """Each person goes one way, always the same: names, shares, and where each goes on."""

    arms: tuple[tuple[str, float, int], ...]


class Update(NamedTuple):
    """Change what is known of the person."""

    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    fields: Mapping[str, Any]


class Call(NamedTuple):
    """Have a URL called."""

    url: str


class Jump(NamedTuple):
    """Go on there."""

    to: int


class End(NamedTuple):
    """The run ends."""

    why: str


Do = Wait | WaitUntil | WaitFor | Send | Branch | Split | Update | Call | Jump | End

WAITING = (Wait, WaitUntil, WaitFor, Send)
"""Steps that a run can stand in: also a message that waits for the end of quiet hours."""

ACTING = (Send, Update, Call)
"""Steps by which something comes of a run."""


class Step(NamedTuple):
    """What is done, and where it is written."""

    path: str
    do: Do


def compiled(written: list[WrittenStep], trigger: Selector) -> tuple[Step, ...]:
    """The list of steps. Raises `BadRequest` with the path of what is wrong."""
    steps = _Compiler(trigger)
    steps.all(written, "steps", 1)
    found = tuple(steps.out)
    if not any(isinstance(step.do, ACTING) for step in found):
        raise BadRequest(
            "An automation does something: add a step with send, update_person or webhook.", field="steps"
        )
    return found


class _Compiler:
    def __init__(self, trigger: Selector) -> None:
        self.trigger = trigger
        self.out: list[Step] = []
        self.seen = 0

    def all(self, written: list[WrittenStep], at: str, depth: int) -> None:
        """One after the other."""
        self.seen += len(written)
        if not written or self.seen > MAX_STEPS:
            raise BadRequest(
                f"An automation has 1 to {MAX_STEPS} steps, and no empty list of them.", field=at
            )
        if depth > MAX_DEPTH:
            raise BadRequest(f"Steps are nested {MAX_DEPTH} deep at most.", field=at)
        for index, step in enumerate(written):
            self.one(step, f"{at}[{index}]", depth)

    def one(self, step: WrittenStep, at: str, depth: int) -> None:
        """The one thing that a step says."""
        said = [
            (name, value) for name in step.__struct_fields__ if (value := getattr(step, name)) is not None
        ]
        if len(said) != 1:
            raise BadRequest(f"A step has exactly one of {', '.join(step.__struct_fields__)}.", field=at)
        name, value = said[0]
        at_value = f"{at}.{name}"
        match value:
            case WaitForStep():
                self.wait_for(value, at_value, depth)
            case BranchStep():
                self.branch(value, at_value, depth)
            case list():
                self.split(value, at_value, depth)
            case _:
                self.out.append(Step(at, _single(value, at_value)))

    def wait_for(self, written: WaitForStep, at: str, depth: int) -> None:
        """The wait, what follows the event, and what follows the time."""
        place = self.reserve(at)
        found = matching(written, self.trigger, at)
        timeout = duration(written.timeout, f"{at}.timeout")
        self.arm(written.on_event, f"{at}.on_event", depth)
        jump = self.reserve(at) if written.on_timeout else None
        on_timeout = len(self.out)
        self.arm(written.on_timeout, f"{at}.on_timeout", depth)
        if jump is None:
            on_timeout = len(self.out)
        else:
            self.put(jump, Jump(len(self.out)))
        # Without steps of its own a way goes on behind the wait.
        self.put(place, WaitFor(found, timeout, place + 1, on_timeout))

    def branch(self, written: BranchStep, at: str, depth: int) -> None:
        """The question, what follows a yes, and what follows a no."""
        place = self.reserve(at)
        conditions = asked(written.when, (*GROUPS, *OWN_FACTS), f"{at}.if")
        self.arm(written.then, f"{at}.then", depth)
        jump = self.reserve(at)
        self.put(place, Branch(conditions, len(self.out)))
        self.arm(written.otherwise, f"{at}.else", depth)
        self.put(jump, Jump(len(self.out)))

    def split(self, written: list[Arm], at: str, depth: int) -> None:
        """The choice, and each way."""
        if not 2 <= len(written) <= 10 or len({arm.name for arm in written}) < len(written):
            raise BadRequest("A split has 2 to 10 arms, each with a name of its own.", field=at)
        place = self.reserve(at)
        arms, jumps = [], []
        for index, arm in enumerate(written):
            arms.append((arm.name, arm.share, len(self.out)))
            self.arm(arm.steps, f"{at}[{index}].steps", depth)
            jumps.append(self.reserve(at))
        for jump in jumps:
            self.put(jump, Jump(len(self.out)))
        self.put(place, Split(tuple(arms)))

    def arm(self, written: list[WrittenStep], at: str, depth: int) -> None:
        """One way; it may be empty."""
        if written:
            self.all(written, at, depth + 1)

    def reserve(self, at: str) -> int:
        """A place that is filled in when it is known what follows."""
        self.out.append(Step(at.rpartition(".")[0], Jump(0)))
        return len(self.out) - 1

    def put(self, place: int, do: Do) -> None:
        """Fill it in."""
        self.out[place] = self.out[place]._replace(do=do)


def _single(value: Any, at: str) -> Do:
    match value:
        case SendStep():
            checked_parameters(value.url_append, f"{at}.url_append")
            attached = _attached(value, f"{at}.attachments")
            return Send(value.channel, value.template, value.topic, value.url_append, attached)
        case Until():
            return WaitUntil(moment(value.until, f"{at}.until"), _zone(value.zone, f"{at}.zone"))
        case UpdateStep():
            return _update(value, at)
        case WebhookStep():
            return Call(value.url)
        case EndStep():
            return End(value.why)
        case _:
            return Wait(duration(value, at))


def _attached(written: SendStep, at: str) -> tuple[Attachment, ...]:
    if written.attachments and written.channel != "email":
        raise BadRequest("Only mails have attachments.", field=at)
    found = []
    for index, one in enumerate(written.attachments):
        if reason := url_fault(one.url):
            raise BadRequest(f"The URL {reason}.", field=f"{at}[{index}].url")
        if reason := liquid_fault(one.name):
            raise BadRequest(f"The name {reason}.", field=f"{at}[{index}].name")
        name = "file" if "{{" in one.name else one.name  # what is filled in is judged when it is known
        if reason := fault(name, one.content_type or type_of(name), one.content_id):
            raise BadRequest(f"{reason[0].upper()}{reason[1:]}.", field=f"{at}[{index}]")
        found.append(
            Attachment(name=one.name, content_type=one.content_type, content_id=one.content_id, url=one.url)
        )
    return tuple(found)


def checked_parameters(wanted: str | None, at: str) -> str | None:
    """What links lead with, as it was written. Raises `BadRequest` where no query string is like that."""
    if wanted is not None and (reason := wrong(wanted)):
        raise BadRequest(
            f"{wanted!r} {reason}. Write url_append as utm_source=shop&utm_medium=mail.", field=at
        )
    return wanted


def _update(written: UpdateStep, at: str) -> Update:
    if not (written.add_tags or written.remove_tags or written.set):
        raise BadRequest("Say add_tags, remove_tags or set.", field=at)
    for name in written.set:
        if name in FIXED or not 1 <= len(name) <= 100:
            raise BadRequest(
                f"An automation cannot set {name!r}: who somebody is, their tags and what they agreed to have "
                "words of their own.",
                field=f"{at}.set.{name}",
            )
    return Update(tuple(written.add_tags), tuple(written.remove_tags), dict(written.set))


def _zone(name: str | None, at: str) -> str | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(f"There is no time zone {name!r}; one is called Europe/Berlin.", field=at) from error
