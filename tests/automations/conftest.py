"""Automations on a line of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from event_line import Line
from sqlalchemy import Engine

from heliograph.database import memory_state
from heliograph.events.definitions import AutomationSaved
from heliograph.events.engagement import ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.react import automations


class AutomationLine(Line):
    """A line that operators save automations on."""

    def judge(self, event: AnyEvent, reader: str = "human", *, reliable: bool = True) -> AnyEvent:
        """A verdict on an open or click, as `react.judgement` gives it."""
        data = ReaderJudged(event=event.id, reader=reader, reason="a test: says so", reliable=reliable)  # type: ignore[arg-type]
        return self.say(data, subject=event.subject)

    def save(self, **definition: object) -> None:
        """An operator saves an automation."""
        automations.parse(definition)
        name = str(definition["name"])
        self.say(AutomationSaved(name=name, definition=definition), subject=f"automation:{name}")
        self.settle()


@pytest.fixture
def make_line() -> Iterator[Callable[[], AutomationLine]]:
    engines: list[Engine] = []

    def make() -> AutomationLine:
        engines.append(memory_state())
        return AutomationLine(engines[-1], automations.REACTION)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def line(make_line: Callable[[], AutomationLine]) -> AutomationLine:
    return make_line()
