"""One transaction's view of automations: definitions are read once, events are collected."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Policy
from heliograph.errors import BadRequest
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.react.automations import runs
from heliograph.react.automations.definition import Automation, parse
from heliograph.react.automations.open_runs import OpenRuns
from heliograph.react.automations.recipient import whose
from heliograph.react.automations.runs import Run
from heliograph.react.state import automation_texts, people

log = logging.getLogger("heliograph.automations")


class Saved(NamedTuple):
    """An automation as it was saved, and as it was read. `current`: it takes people in; the others are versions
    that somebody is still under way in."""

    id: int
    version: int
    automation: Automation
    current: bool = True


class _Definitions(NamedTuple):
    current: dict[str, Saved]
    by_kind: dict[str, list[Saved]]


class Batch:
    """What one transaction knows and decides."""

    def __init__(self, connection: Connection, directory: Directory, now: int) -> None:
        self.connection, self.directory, self.now = connection, directory, now
        self.out: list[AnyEvent] = []
        self.open_runs = OpenRuns(connection)
        self._definitions: dict[str, _Definitions] = {}
        self._said: tuple[str, dict[str, Any]] = ("", {})
        self._whose: tuple[str, people.Person | None] = ("", None)

    def policy(self, account: str) -> Policy:
        """The account's settings."""
        found = self.directory.accounts.get(account)
        return found.policy if found is not None else Policy()

    def current(self, account: str) -> dict[str, Saved]:
        """The account's automations by name; those that cannot be read are left out."""
        return self._of(account).current

    def listening(self, event: AnyEvent) -> Sequence[Saved]:
        """The automations, and their older versions under way, that ask anything of events of this kind."""
        return self._of(event.account).by_kind.get(event.kind, ())

    def version_of(self, run: Run) -> Saved | None:
        """The version that a run began with; None if the automation was removed or cannot be read."""
        current = self.current(run.account).get(run.automation)
        if current is None or current.version == run.version:
            return current
        return self.version(run.account, run.automation, run.version)

    def version(self, account: str, name: str, version: int) -> Saved | None:
        """A version of an automation that is not the current one."""
        found = automation_texts.automation_text(self.connection, account, name, version)
        automation = _read(found.definition) if found is not None else None
        return Saved(found.id, version, automation, current=False) if found and automation else None

    def said(self, event: AnyEvent) -> dict[str, Any]:
        """What the sender said; decoded once for all automations that ask in a row."""
        if self._said[0] != event.id:
            self._said = event.id, codec.properties(event)
        return self._said[1]

    def whose(self, event: AnyEvent) -> people.Person | None:
        """The event's person, found once for all automations that ask in a row."""
        if self._whose[0] != event.id:
            self._whose = event.id, whose(self.connection, event)
        return self._whose[1]

    def changed(self) -> None:
        """A definition was saved, or runs were moved to another version: read again."""
        self._definitions.clear()
        self.open_runs.forget()

    def _of(self, account: str) -> _Definitions:
        if account not in self._definitions:
            current = {
                row.name: Saved(row.id, row.version, automation)
                for row in automation_texts.automation_texts(self.connection, account)
                if (automation := _read(row.definition)) is not None
            }
            by_kind: dict[str, list[Saved]] = {}
            for one in current.values():
                for saved in (one, *self._older(account, one)):
                    for kind in saved.automation.kinds:
                        by_kind.setdefault(kind, []).append(saved)
            self._definitions[account] = _Definitions(current, by_kind)
        return self._definitions[account]

    def _older(self, account: str, saved: Saved) -> list[Saved]:
        if saved.version == 1:
            return []
        name = saved.automation.name
        versions = runs.older_versions(self.connection, account, name, saved.version)
        return [one for number in versions if (one := self.version(account, name, number)) is not None]


@lru_cache(maxsize=1024)
def _read(definition: str) -> Automation | None:
    """The automation of a stored definition; one that an older version let through is logged once and rests."""
    try:
        return parse(msgspec.json.decode(definition))
    except BadRequest as error:
        log.warning("an automation cannot be read and rests: %s: %s", error.field, error.message)
        return None
