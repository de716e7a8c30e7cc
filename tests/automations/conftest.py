"""Automations on a line of events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from event_line import ACCOUNT, Line
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Policy
from heliograph.events.definitions import AutomationSaved
from heliograph.events.engagement import ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.react import automations
from heliograph.signing import Keyring


class AutomationLine(Line):
    """A line that operators save automations on."""

    directory: Directory

    def judge(self, event: AnyEvent, reader: str = "human", *, reliable: bool = True) -> AnyEvent:
        """A verdict on an open or click, as `react.judgement` gives it."""
        data = ReaderJudged(event=event.id, reader=reader, reason="a test: says so", reliable=reliable)  # type: ignore[arg-type]
        return self.say(data, subject=event.subject)

    def save(self, *, migrate: bool = False, **definition: object) -> list[AnyEvent]:
        """An operator saves an automation; what follows from that."""
        automations.parse(definition)
        name = str(definition["name"])
        saved = AutomationSaved(name=name, definition=definition, migrate=migrate)
        self.say(saved, subject=f"automation:{name}")
        return self.settle()

    def set(self, **policy: object) -> None:
        """An operator changes the account's settings."""
        account = Account(number=ACCOUNT, store_id="A", policy=msgspec.convert(policy, Policy))
        self.directory.accounts[ACCOUNT] = account


@pytest.fixture
def make_line(make_state: Callable[[], Engine]) -> Callable[[], AutomationLine]:
    def make() -> AutomationLine:
        directory = Directory([Account(number=ACCOUNT, store_id="A")], [], Keyring({1: b"k" * 32}, 1))
        line = AutomationLine(make_state(), automations.reaction(directory))
        line.directory = directory
        return line

    return make


@pytest.fixture
def line(make_line: Callable[[], AutomationLine]) -> AutomationLine:
    return make_line()
