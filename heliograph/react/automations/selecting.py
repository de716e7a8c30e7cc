"""Which events an automation listens to, and by what they find its runs: what `trigger`, `cancel_on`, `goals` and
`wait_for` have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from heliograph.errors import BadRequest, perhaps
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent
from heliograph.react.automations.kinds import HEARD, JUDGED, TRIGGERS, cancel_path
from heliograph.react.automations.written import Match, Matched, Trigger
from heliograph.react.state.conditions import Condition, bound, compile_where, matches, relative


class Selector(NamedTuple):
    """Which events: their kinds, for custom events their name, and conditions on what was said. `people`: opens,
    clicks, votes and looks at pictures only if a person did them (STD-6)."""

    kinds: tuple[str, ...]
    name: str | None
    where: tuple[Condition, ...]
    people: bool = True

    def named(self, event: AnyEvent) -> bool:
        """Whether the event is of a kind and name that are listened to."""
        if event.kind not in self.kinds:
            return False
        return self.name is None or (isinstance(event.data, Custom) and event.data.name == self.name)

    def selects(self, event: AnyEvent, said: Callable[[AnyEvent], dict[str, Any]]) -> bool:
        """Whether this event is meant; `said` decodes what its sender said."""
        return self.named(event) and (not self.where or matches(self.where, said(event)))

    def asks(self, event: AnyEvent) -> bool:
        """Whether it has to be known first that a person did it."""
        return self.people and event.kind in JUDGED


class Matching(NamedTuple):
    """Which events, and by what they find a run: its person, its object, either or both of them, or its message. `said`:
    conditions on the event that depend on what began the run."""

    selector: Selector
    match: Match
    path: str | None
    said: tuple[Condition, ...] = ()

    def meant(self, began: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
        """Whether an event that says this is meant by a run that began with that."""
        return not self.said or matches(bound(self.said, began), said)


def selector(written: Trigger, at: str) -> Selector:
    """Which events begin runs. Raises `BadRequest` with the path of what is wrong."""
    return _selector(written, compile_where(written.where, f"{at}.where"), at, TRIGGERS)


def _selector(
    written: Trigger, where: tuple[Condition, ...], at: str, kinds_known: frozenset[str]
) -> Selector:
    kinds = (written.kind,) if isinstance(written.kind, str) else tuple(dict.fromkeys(written.kind))
    if not kinds:
        raise BadRequest("Name at least one kind.", field=f"{at}.kind")
    for kind in kinds:
        if kind not in kinds_known:
            raise BadRequest(
                f"No automation can listen to {kind!r} here{perhaps(kind, kinds_known)}. There are "
                f"{', '.join(sorted(kinds_known))}; your own events have the kind custom and a name.",
                field=f"{at}.kind",
            )
    if written.name is not None and kinds != ("custom",):
        raise BadRequest("Only events of the kind custom have a name.", field=f"{at}.name")
    if written.readers is not None and JUDGED.isdisjoint(kinds):
        raise BadRequest(f"Only {', '.join(sorted(JUDGED))} have readers.", field=f"{at}.readers")
    return Selector(kinds, written.name, where, written.readers != "any")


def matching(written: Matched, trigger: Selector, at: str) -> Matching:
    """As `selector`, for events that find a run."""
    conditions = compile_where(written.where, f"{at}.where", before=True)
    found = _selector(written, tuple(one for one in conditions if not relative(one)), at, HEARD)
    usual = {cancel_path(one, other) for one in trigger.kinds for other in found.kinds}
    path = written.path or (usual.pop() if len(usual) == 1 else None)
    if written.match in ("object", "both") and path is None:
        raise BadRequest("Say where these events name the run's object, as a path.", field=f"{at}.path")
    said = tuple(filter(relative, conditions))
    return Matching(found, written.match, path, said)
