"""Opens that nobody measures, and those whose worker died: the engine tells of them, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from event_line import Line

from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.events.engagement import MessageOpened, MessageRead
from heliograph.events.event import AnyEvent
from heliograph.events.readtimes import Opening, message_read
from heliograph.react import readtimes

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"


@pytest.fixture
def line() -> Iterator[Line]:
    engine = memory_state()
    yield Line(engine, readtimes.REACTION)
    engine.dispose()


def opened(line: Line, measured: str = "held", **more: str) -> AnyEvent:
    return line.say(MessageOpened(message=MESSAGE, measured=measured, **more), subject="person:ann")


def read(line: Line, of: AnyEvent, elapsed: float | None, technique: str = "held") -> AnyEvent:
    opening = Opening(of.id, of.account, of.subject, of.at, MESSAGE)
    event = message_read(opening, elapsed, now=line.now, technique=technique)
    line.record([event])
    return event


def told(line: Line) -> list[AnyEvent]:
    return [event for event in line.events if event.kind == MessageRead.kind]


def test_what_nobody_told_of_is_not_supported_after_25_seconds(line: Line) -> None:
    """LIT-7, LIT-9: how long it lasted is not known, so no number is made up."""
    open_ = opened(line)
    assert line.pass_time(24.9) == []
    (event,) = line.pass_time(0.2)
    assert isinstance(event.data, MessageRead)
    assert (event.data.open, event.data.message, event.subject) == (open_.id, MESSAGE, "person:ann")
    assert (event.data.seconds, event.data.category, event.data.technique) == (-1, "Not Supported", "")
    assert (event.at, event.cause) == (open_.at, open_.id)
    assert line.pass_time(100) == []


@pytest.mark.parametrize("batch", [1, 512])
def test_what_its_worker_told_of_is_left_alone(line: Line, batch: int) -> None:
    """LIT-9: exactly one of each open, in one batch or in several."""
    for stayed in (3.0, 20.0):
        read(line, opened(line), stayed)
        line.settle(batch)
    assert line.read(readtimes.REACTION.next_due) is None, "nothing is waited for any more"
    assert line.pass_time(100) == []
    assert [event.data.seconds for event in told(line)] == [2, 20]  # type: ignore[attr-defined]


def test_what_nobody_measures_is_not_supported_once_its_marks_have_come(line: Line) -> None:
    """LIT-7, LIT-9: a mark of dark or light comes within the five seconds, so that feeds tell of both at once."""
    open_ = opened(line, measured="")
    assert line.pass_time(4.9) == []
    (event,) = line.pass_time(0.2)
    assert isinstance(event.data, MessageRead)
    assert (event.data.open, event.data.seconds, event.data.category) == (open_.id, -1, "Not Supported")
    assert line.pass_time(100) == []


def test_who_comes_later_records_nothing(line: Line) -> None:
    """The ids are the same: the journal keeps the first."""
    open_ = opened(line)
    line.pass_time(26)
    read(line, open_, 20.0)
    assert len(told(line)) == 1


def test_a_crash_between_telling_and_forgetting_tells_once(line: Line) -> None:
    opened(line)
    line.settle()
    line.pass_time(26, crash=True)
    line.pass_time(26)
    assert len(told(line)) == 1


def test_opens_of_campaigns_are_told_of_by_their_code(line: Line) -> None:
    line.say(MessageOpened(campaign="ab12cd34", measured="redirects"), subject="campaign:ab12cd34")
    (event,) = line.pass_time(26)
    assert isinstance(event.data, MessageRead)
    assert (event.data.campaign, event.data.message) == ("ab12cd34", None)


def test_thousands_that_a_dead_worker_held_are_all_told_of(line: Line) -> None:
    opens = [opened(line) for _ in range(readtimes.AT_ONCE * 2 + 1)]
    line.settle()
    line.now += 60 * SECOND
    line.pass_time(60)
    assert {event.data.open for event in told(line)} == {open_.id for open_ in opens}  # type: ignore[attr-defined]
