"""Open runs as one transaction finds and changes them.

Twenty automations that ask about the same event find their runs by the same person and the same object: so each is looked
up once, for all of them, and again only after one of its runs has changed. What an event costs that nobody waits for does
not grow with the automations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from heliograph.react.automations import runs
from heliograph.react.automations.runs import Run

Version = tuple[str, int]
"""An automation's name, and its version."""

_ByVersion = dict[Version, list[Run]]


class OpenRuns:
    """Who is under way. Everything that begins or ends a run within the transaction goes through here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._of_person: dict[tuple[str, str], _ByVersion] = {}
        self._about: dict[tuple[str, str], _ByVersion] = {}

    def of_person(self, account: str, version: Version, person: str) -> Sequence[Run]:
        """A person's in this version of an automation."""
        key = account, person
        if key not in self._of_person:
            self._of_person[key] = _by_version(runs.open_of_person(self._connection, account, person))
        return self._of_person[key].get(version, ())

    def about(self, account: str, version: Version, object: str) -> Sequence[Run]:
        """Everybody's that are about this object."""
        key = account, object
        if key not in self._about:
            self._about[key] = _by_version(runs.open_about(self._connection, account, object))
        return self._about[key].get(version, ())

    def of_id(self, account: str, version: Version, run: str) -> Sequence[Run]:
        """The one of this id, if it is open and of this version."""
        return _by_version(runs.open_of_id(self._connection, account, run)).get(version, ())

    def begin(self, run: Run) -> None:
        """Somebody entered."""
        runs.begin(self._connection, run)
        self._changed(run)

    def end(self, run: Run, state: str) -> None:
        """A run is over: `finished`, `cancelled` or `reached`."""
        runs.end(self._connection, run.id, state)
        self._changed(run)

    def retell(self, run: Run, properties: dict[str, Any]) -> None:
        """The trigger happened again: from now on the run is about what was said last."""
        runs.retell(self._connection, run.id, properties)
        self._changed(run)

    def forget(self) -> None:
        """Many runs were changed at once, or changes were taken back: look again."""
        self._of_person.clear()
        self._about.clear()

    def _changed(self, run: Run) -> None:
        self._of_person.pop((run.account, run.person), None)
        self._about.pop((run.account, run.object), None)


def _by_version(found: Sequence[Run]) -> _ByVersion:
    sorted_out: _ByVersion = {}
    for run in found:
        sorted_out.setdefault((run.automation, run.version), []).append(run)
    return sorted_out
