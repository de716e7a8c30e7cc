"""What an operator writes: an automation, read strictly, with errors that name the place and the remedy.

A file in YAML or JSON, or the body of a management call:

    name: abandoned-cart
    trigger: {kind: [cart.created, cart.updated], where: {total_price: {gte: 50}}}
    once: object                      # one run per person and cart
    cancel_on: [{kind: order.created}]
    group: Recovery
    steps:
      - wait: 1h
      - send: {channel: email, template: abandoned-cart}

Saved as `automation.saved` it reaches `reaction`, which reads it again and asks `plan` what to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import yaml
from msgspec import Meta

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, OperatorError
from heliograph.events.definitions import AutomationSaved
from heliograph.react.automations.conditions import Condition, compile_where
from heliograph.react.automations.kinds import JUDGED, OBJECT_PATHS, TRIGGERS, cancel_path

Once = Literal["event", "person", "object"]
Match = Literal["any", "person", "object"]
Name = Annotated[str, Meta(min_length=1, max_length=100)]

MAX_STEPS = 50
MAX_WAIT = 400 * 24 * 3600.0
"""Seconds: a bit over a year, so that a birthday can be waited for."""

LATENESS = 24 * 3600.0
"""Seconds. How late the first message may be wanted after its due time, unless a definition says otherwise: an
imported order of last year, or an engine that stood still for a week, mails nobody."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhdw])+", re.ASCII)
_PART = re.compile(r"([\d.]+)([smhdw])", re.ASCII)


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As it stands in a definition."""


class _Trigger(_Written, frozen=True, kw_only=True):
    kind: str | list[str]
    name: str | None = None
    where: dict[str, Any] = {}
    readers: Literal["people", "any"] | None = None


class _CancelOn(_Trigger, frozen=True, kw_only=True):
    match: Match = "any"
    path: str | None = None


class _Send(_Written, frozen=True, kw_only=True):
    template: Name
    channel: Literal["email"] = "email"


class _Step(_Written, frozen=True, kw_only=True):
    wait: str | int | float | None = None
    send: _Send | None = None


class _Definition(_Written, frozen=True, kw_only=True):
    name: Name
    trigger: _Trigger
    steps: list[_Step]
    once: Once | None = None
    object: str | None = None
    cancel_on: list[_CancelOn] = []
    group: Name | None = None
    transactional: bool = False
    restart_on_trigger: bool | None = None
    lateness: str | int | float = LATENESS
    again_after: str | int | float | None = None


class Selector(NamedTuple):
    """Which events: their kinds, for custom events their name, and conditions on what was said. `people`: opens,
    clicks, votes and looks at pictures only if a person did them (STD-6)."""

    kinds: tuple[str, ...]
    name: str | None
    where: tuple[Condition, ...]
    people: bool = True


class Cancel(NamedTuple):
    """Which events end a run, and by what they find it: its person, its object, or either."""

    selector: Selector
    match: Match
    path: str | None


class Wait(NamedTuple):
    """Go on after so many microseconds."""

    microseconds: int


class Send(NamedTuple):
    """A message is wanted."""

    channel: Literal["email"]
    template: str


Step = Wait | Send


class Automation(NamedTuple):
    """A definition that was read: what triggers a run, what it is about, what ends it, what it does.

    `object` is the path of what a run is about (a cart's id); `lateness` in microseconds, and so is `again_after`:
    how long after a run began there may be another of the same key (None: never)."""

    name: str
    trigger: Selector
    once: Once
    object: str | None
    cancel_on: tuple[Cancel, ...]
    group: str | None
    transactional: bool
    restart_on_trigger: bool
    lateness: int
    again_after: int | None
    steps: tuple[Step, ...]


def load(file: Path, *, by: str = "command line") -> AutomationSaved:
    """The event that saves the automation in a YAML or JSON file. Raises `OperatorError` naming file and field."""
    try:
        written: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(written, dict):
            raise OperatorError(f"{file}: an automation is an object with name, trigger and steps")
        # Through JSON, as it will be stored: dates of YAML become text, and what JSON cannot say is refused.
        definition: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(written))
        return AutomationSaved(name=parse(definition).name, definition=definition, by=by)
    except BadRequest as error:
        where = f"{error.field}: " if error.field else ""
        raise OperatorError(f"{file}: {where}{error.message}") from error
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise OperatorError(f"{file} cannot be read as YAML or JSON: {error}") from error


def parse(definition: Mapping[str, Any]) -> Automation:
    """The automation that a definition describes. Raises `BadRequest`; `field` is the path of what is wrong."""
    try:
        written = msgspec.convert(dict(definition), _Definition)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `$")
        raise BadRequest(f"{reason}.", field=where.rstrip("`").lstrip(".") or None) from error
    trigger = _selector(written.trigger, "trigger")
    usual = {OBJECT_PATHS.get(kind) for kind in trigger.kinds}
    path = written.object or (usual.pop() if written.object is None and len(usual) == 1 else None)
    once = written.once or ("event" if path is None else "object")
    if once == "object" and path is None:
        raise BadRequest("Say where the trigger's properties name the object, as a path.", field="object")
    restart = written.restart_on_trigger
    return Automation(
        name=written.name,
        trigger=trigger,
        once=once,
        object=path,
        cancel_on=tuple(_cancel(one, trigger, f"cancel_on[{i}]") for i, one in enumerate(written.cancel_on)),
        group=written.group,
        transactional=written.transactional,
        restart_on_trigger=trigger.kinds[0].startswith("cart.") if restart is None else restart,
        lateness=duration(written.lateness, "lateness"),
        again_after=None if written.again_after is None else duration(written.again_after, "again_after"),
        steps=_steps(written.steps),
    )


def duration(value: str | float, at: str) -> int:
    """Microseconds of `90`, `"90s"`, `"1h30m"`, `"2d"`, `"1w"`; numbers are seconds."""
    if isinstance(value, str):
        if not _DURATION.fullmatch(value.strip()):
            raise BadRequest("Write a duration as 90s, 30m, 1h, 2d or 1h30m; numbers are seconds.", field=at)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    else:
        seconds = float(value)
    if not 0 <= seconds <= MAX_WAIT:
        raise BadRequest(f"A duration lies between 0 and {MAX_WAIT / 86400:.0f} days.", field=at)
    return round(seconds * SECOND)


def _selector(written: _Trigger, at: str) -> Selector:
    kinds = (written.kind,) if isinstance(written.kind, str) else tuple(dict.fromkeys(written.kind))
    if not kinds:
        raise BadRequest("Name at least one kind.", field=f"{at}.kind")
    for kind in kinds:
        if kind not in TRIGGERS:
            raise BadRequest(
                f"No automation can listen to {kind!r}. There are {', '.join(sorted(TRIGGERS))}; "
                "your own events have the kind custom and a name.",
                field=f"{at}.kind",
            )
    if written.name is not None and kinds != ("custom",):
        raise BadRequest("Only events of the kind custom have a name.", field=f"{at}.name")
    if written.readers is not None and JUDGED.isdisjoint(kinds):
        raise BadRequest(f"Only {', '.join(sorted(JUDGED))} have readers.", field=f"{at}.readers")
    where = compile_where(written.where, f"{at}.where")
    return Selector(kinds, written.name, where, written.readers != "any")


def _cancel(written: _CancelOn, trigger: Selector, at: str) -> Cancel:
    selector = _selector(written, at)
    usual = {cancel_path(one, other) for one in trigger.kinds for other in selector.kinds}
    path = written.path or (usual.pop() if len(usual) == 1 else None)
    if written.match == "object" and path is None:
        raise BadRequest("Say where these events name the run's object, as a path.", field=f"{at}.path")
    return Cancel(selector, written.match, path)


def _steps(written: list[_Step]) -> tuple[Step, ...]:
    if not 1 <= len(written) <= MAX_STEPS:
        raise BadRequest(f"An automation has 1 to {MAX_STEPS} steps.", field="steps")
    steps: list[Step] = []
    for index, step in enumerate(written):
        at = f"steps[{index}]"
        if (step.wait is None) == (step.send is None):
            raise BadRequest("A step has either wait or send.", field=at)
        if step.wait is not None:
            steps.append(Wait(duration(step.wait, f"{at}.wait")))
        elif step.send is not None:
            steps.append(Send(step.send.channel, step.send.template))
    if not any(isinstance(step, Send) for step in steps):
        raise BadRequest("An automation sends something: add a step with send.", field="steps")
    return tuple(steps)
