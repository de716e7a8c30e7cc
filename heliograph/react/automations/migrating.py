"""Those who are under way go on with a new version, where an operator wants it so (`--migrate`).

A run stands in a step; it goes on from the step that is written at the same place in the new version, if that is one
to wait in. Where it is not, the run ends, and says why. Set by set: a hundred thousand people who wait are a few
statements.
"""

from __future__ import annotations

from heliograph.events.definitions import AutomationSaved
from heliograph.events.event import AnyEvent
from heliograph.react.automations import runs
from heliograph.react.automations.batch import Batch, Saved
from heliograph.react.automations.steps import WAITING
from heliograph.react.automations.walking import end


def migrate(batch: Batch, event: AnyEvent, data: AutomationSaved) -> None:
    """Move the open runs of older versions to the current one."""
    current = batch.current(event.account).get(data.name)
    if current is None:
        return
    for number in runs.older_versions(batch.connection, event.account, data.name, current.version):
        older = batch.version(event.account, data.name, number)
        places = _places(older, current) if older is not None else {}
        gone = runs.move(batch.connection, event.account, data.name, number, current.version, places)
        for run in gone:
            end(batch, run, f"version {current.version} has no such step to wait in", event)
    batch.changed()


def _places(older: Saved, current: Saved) -> dict[int, int]:
    """Where each step to wait in stands in the new version."""
    there: dict[tuple[str, type], int] = {
        (step.path, type(step.do)): place
        for place, step in enumerate(current.automation.steps)
        if isinstance(step.do, WAITING)
    }
    return {
        place: there[step.path, type(step.do)]
        for place, step in enumerate(older.automation.steps)
        if (step.path, type(step.do)) in there
    }
