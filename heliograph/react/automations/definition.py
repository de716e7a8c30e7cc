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

`written` has the fields, `selecting` and `steps` give them meaning. Saved as `automation.saved` it reaches `reaction`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from heliograph.errors import BadRequest, OperatorError, reason_of
from heliograph.events.definitions import AutomationSaved
from heliograph.react.automations import text
from heliograph.react.automations.durations import duration
from heliograph.react.automations.kinds import OBJECT_PATHS
from heliograph.react.automations.quiet import QuietHours, quiet_hours
from heliograph.react.automations.selecting import Matching, Selector, matching, selector
from heliograph.react.automations.steps import (
    ACTING,
    Send,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
    checked_parameters,
    compiled,
)
from heliograph.react.automations.written import Definition, Once, convert
from heliograph.react.state.conditions import Condition
from heliograph.react.state.facts import GROUPS
from heliograph.react.state.segments import asked

WEEK = duration("1w", "")


class Automation(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A definition that was read: what triggers a run and of whom, what it is about, what ends it, what it does.

    `topic` and `url_append` hold for the messages whose steps name none. `object` is the path of what a run is about (a
    cart's id); `lateness` in microseconds, and so is `again_after`: how long after a run began there may be
    another of the same key (None: never). `quiet` None: the account's."""

    name: str
    trigger: Selector
    who: tuple[Condition, ...]
    once: Once
    object: str | None
    part: str | None
    cancel_on: tuple[Matching, ...]
    goals: tuple[Matching, ...]
    group: str | None
    topic: str | None
    url_append: str | None
    transactional: bool
    restart_on_trigger: bool
    recheck: bool
    quiet: QuietHours | None
    lateness: int
    again_after: int | None
    steps: tuple[Step, ...]

    @cached_property
    def channels(self) -> frozenset[str]:
        """On which messages go out."""
        return frozenset(step.do.channel for step in self.steps if isinstance(step.do, Send))

    @cached_property
    def longest(self) -> int:
        """Microseconds that can go by before the first thing comes of a run."""
        waited = 0
        for step in self.steps:
            if isinstance(step.do, ACTING):
                break
            if isinstance(step.do, Wait | WaitFor):
                waited += step.do.microseconds
            elif isinstance(step.do, WaitUntil):
                waited += WEEK
        return waited

    @cached_property
    def waits(self) -> tuple[tuple[int, str, WaitFor], ...]:
        """The steps that wait for an event: place, path and what."""
        return tuple(
            (place, step.path, step.do)
            for place, step in enumerate(self.steps)
            if isinstance(step.do, WaitFor)
        )

    @cached_property
    def listens(self) -> tuple[Selector, ...]:
        """Everything that it asks of events."""
        waits = (wait.matching.selector for _, _, wait in self.waits)
        return (self.trigger, *(one.selector for one in (*self.cancel_on, *self.goals)), *waits)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of all these."""
        return frozenset(kind for selector in self.listens for kind in selector.kinds)


def in_file(file: Path, error: BadRequest) -> OperatorError:
    """The error of who wrote a file: names it, and the path of what is wrong."""
    where = f"{error.field}: " if error.field else ""
    return OperatorError(f"{file}: {where}{error.message}")


def read_file(file: Path) -> str:
    """The text of a file. Raises `OperatorError` naming it."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file} cannot be read: {reason_of(error)}") from error


def saving(definition: dict[str, Any] | str, *, by: str, migrate: bool = False) -> AutomationSaved:
    """The event that saves a definition, as an object or as YAML or JSON text. Raises `BadRequest`; `field` is the path of
    what is wrong, and the message says in which line of a text that is."""
    if not isinstance(definition, str):
        name = parse(definition).name
        return AutomationSaved(name=name, definition=definition, by=by, migrate=migrate)
    said = text.read(definition)
    with text.placed(definition):
        return saving(said, by=by, migrate=migrate)


def parse(definition: Mapping[str, Any]) -> Automation:
    """The automation that a definition describes. Raises `BadRequest`; `field` is the path of what is wrong."""
    written = convert(definition, Definition)
    trigger = selector(written.trigger, "trigger")
    usual = {OBJECT_PATHS.get(kind) for kind in trigger.kinds}
    path = written.object or (usual.pop() if len(usual) == 1 else None)
    once = written.once or ("event" if path is None else "object")
    if once == "object" and path is None:
        raise BadRequest("Say where the trigger's properties name the object, as a path.", field="object")
    if written.part is not None and once != "object":
        raise BadRequest("Only runs of once: object have a part: it is of their object.", field="part")
    restart = written.restart_on_trigger
    return Automation(
        name=written.name,
        trigger=trigger,
        who=asked(written.trigger.who, tuple(GROUPS), "trigger.who") if written.trigger.who else (),
        once=once,
        object=path,
        part=written.part,
        cancel_on=tuple(matching(one, trigger, f"cancel_on[{i}]") for i, one in enumerate(written.cancel_on)),
        goals=tuple(matching(one, trigger, f"goals[{i}]") for i, one in enumerate(written.goals)),
        group=written.group,
        topic=written.topic,
        url_append=checked_parameters(written.url_append, "url_append"),
        transactional=written.transactional,
        restart_on_trigger=trigger.kinds[0].startswith("cart.") if restart is None else restart,
        recheck=written.recheck,
        quiet=None if written.quiet_hours is None else quiet_hours(tuple(written.quiet_hours), "quiet_hours"),
        lateness=duration(written.lateness, "lateness"),
        again_after=None if written.again_after is None else duration(written.again_after, "again_after"),
        steps=compiled(written.steps, trigger),
    )
