"""Quiet hours and frequency caps: what waits, what is skipped, and what the trace says of it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from heliograph.clock import SECOND, from_datetime, to_datetime
from heliograph.errors import BadRequest
from heliograph.events.custom import Custom
from heliograph.events.definitions import RunNoted, RunWaiting
from heliograph.events.messages import MessageRequested, MessageSuppressed
from heliograph.events.people import Customer, PersonCreated, PersonErased, PersonMerged
from heliograph.react.automations.caps import WANTED
from heliograph.react.automations.quiet import quiet_hours, quiet_until

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
HOUR, DAY = 3600, 86_400
BERLIN = ZoneInfo("Europe/Berlin")


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).astimezone(UTC))


def sent(events) -> list[str]:
    return [event.data.template for event in events if isinstance(event.data, MessageRequested)]


@pytest.mark.parametrize(
    ("written", "now", "until"),
    [
        (["22:00-08:00"], "2026-06-03T12:00+02:00", None),
        (["22:00-08:00"], "2026-06-03T22:00+02:00", "2026-06-04T08:00+02:00"),
        (["22:00-08:00"], "2026-06-04T07:59+02:00", "2026-06-04T08:00+02:00"),
        (["22:00-08:00"], "2026-06-04T08:00+02:00", None),
        (["sat,sun"], "2026-06-06T12:00+02:00", "2026-06-08T00:00+02:00"),
        (["sat,sun", "22:00-08:00"], "2026-06-05T23:00+02:00", "2026-06-08T08:00+02:00"),
        (["sun 00:00-12:00"], "2026-06-07T11:00+02:00", "2026-06-07T12:00+02:00"),
        (["sun 22:00-08:00"], "2026-06-08T07:00+02:00", "2026-06-08T08:00+02:00"),
        (["22:00-08:00"], "2026-03-28T23:00+01:00", "2026-03-29T08:00+02:00"),
    ],
)
def test_quiet_is_over_by_the_clock_on_the_wall(written, now, until) -> None:
    found = quiet_until(quiet_hours(tuple(written), "quiet_hours"), instant(now), BERLIN)
    assert found == (None if until is None else instant(until))


@pytest.mark.parametrize(
    "written", ["", "22-8", "8:00-9:00", "sat,son", "25:00-26:00", "mon,tue,wed,thu,fri,sat,sun"]
)
def test_what_is_no_quiet_or_all_quiet_is_refused(line, written) -> None:
    with pytest.raises(BadRequest, match=r"quiet|hour"):
        quiet_hours((written,), "quiet_hours")


def greet(line, **more) -> list:
    """Ann comes, at eleven in the evening in Berlin, to an automation that greets."""
    line.save(
        name="hello",
        trigger={"kind": "person.created"},
        steps=[{"send": {"template": "x"}}, {"wait": "1h"}, {"send": {"template": "y"}}],
        **more,
    )
    line.now = instant("2026-06-03T23:00+02:00") - SECOND
    line.say(PersonCreated(person=Customer(email=ANN, time_zone="Europe/Berlin")), subject=SUBJECT)
    return line.settle()


def test_a_message_in_quiet_hours_waits_for_their_end_by_the_persons_clock(line) -> None:
    line.set(quiet_hours=["22:00-08:00"], time_zone="America/New_York")
    made = greet(line)
    assert sent(made) == []
    (waiting,) = (event.data for event in made if isinstance(event.data, RunWaiting))
    assert (waiting.why, waiting.zone_source) == ("quiet hours", "the person's time_zone")
    assert to_datetime(waiting.until).astimezone(BERLIN).hour == 8
    assert sent(line.pass_time(9 * HOUR - 1)) == []
    assert sent(line.pass_time(1)) == ["x"]
    assert sent(line.pass_time(HOUR)) == ["y"], "an hour after the first was wanted"


@pytest.mark.parametrize("more", [{"transactional": True}, {"quiet_hours": []}])
def test_what_is_owed_or_said_otherwise_does_not_wait(line, more) -> None:
    line.set(quiet_hours=["22:00-08:00"])
    assert sent(greet(line, **more)) == ["x"]


def test_an_automation_has_quiet_hours_of_its_own(line) -> None:
    assert sent(greet(line, quiet_hours=["20:00-23:30"])) == []
    assert sent(line.pass_time(1800)) == ["x"]


def said(line, name="a") -> list:
    line.say(Custom(name=name, body={}, email=ANN), subject=SUBJECT)
    return line.settle()


@pytest.fixture
def capped(line):
    line.set(message_caps=["2/7d", "News:1/1d"])
    line.say(PersonCreated(person=Customer(email=ANN)), subject=SUBJECT)
    for name, group in (("a", None), ("b", "News"), ("owed", None)):
        line.save(
            name=name,
            trigger={"kind": "custom", "name": name},
            group=group,
            once="event",
            transactional=name == "owed",
            steps=[{"send": {"template": name}}],
        )
    return line


def reasons(events) -> list[str]:
    return [event.data.why for event in events if isinstance(event.data, RunNoted)]


def test_no_more_than_the_cap_in_its_window_and_the_trace_says_why(capped) -> None:
    assert sent(said(capped)) == ["a"]
    assert sent(said(capped)) == ["a"]
    made = said(capped)
    assert (sent(made), reasons(made)) == ([], ["the cap 2/7d is reached: 2 wanted since"])
    assert sent(said(capped, "owed")) == ["owed"], "what is owed is not capped"
    capped.pass_time(7 * DAY)
    assert sent(said(capped)) == ["a"]


def test_a_group_has_a_cap_of_its_own(capped) -> None:
    assert sent(said(capped, "b")) == ["b"]
    assert reasons(said(capped, "b")) == ["the cap News:1/1d is reached: 1 wanted since"]
    assert sent(said(capped)) == ["a"]


def test_two_automations_that_decide_at_once_share_the_cap(line) -> None:
    line.set(message_caps=["1/1d"])
    for name in ("a", "b"):
        line.save(name=name, trigger={"kind": "person.created"}, steps=[{"send": {"template": name}}])
    line.say(PersonCreated(person=Customer(email=ANN)), subject=SUBJECT)
    assert sent(line.settle()) == ["a"]


def test_a_jobs_message_counts_and_one_that_came_to_nothing_does_not(capped) -> None:
    (first,) = (event for event in said(capped) if isinstance(event.data, MessageRequested))
    person = first.data.person
    wish = MessageRequested(address=ANN, template="bulk", person=person, job="j")
    bulk = capped.say(wish, subject=f"person:{person}")
    assert sent(said(capped)) == []
    refused = MessageSuppressed(message=bulk.id, address=ANN, code=130, category="x", reason="unsubscribed")
    capped.say(refused, subject=f"person:{person}")
    assert sent(said(capped)) == ["a"]


def test_counts_follow_who_is_merged_and_go_with_who_is_erased(capped) -> None:
    (first,) = (event for event in said(capped) if isinstance(event.data, MessageRequested))
    capped.say(PersonCreated(person=Customer(email="b@example.com")), subject="email:b@example.com")
    capped.settle()
    other = first.data.person
    (bob,) = {event.id for event in capped.events if event.subject == "email:b@example.com"}
    capped.say(PersonMerged(person=bob, other=other), subject=f"person:{bob}")
    capped.settle()

    def owners() -> list[str]:
        return [
            row.person for row in capped.read(lambda connection: connection.execute(WANTED.select()).all())
        ]

    assert owners() == [bob]
    capped.say(PersonErased(person=bob), subject="person:erased")
    capped.settle()
    assert owners() == []


def test_a_cap_holds_through_a_crash(capped) -> None:
    capped.say(Custom(name="a", body={}, email=ANN), subject=SUBJECT)
    capped.decide(crash=True)
    assert len(sent(capped.settle()) + sent(capped.events)) >= 1
    assert sent(capped.events) == ["a"]
    (row,) = capped.read(lambda connection: connection.execute(WANTED.select()).all())
    assert row.at <= capped.now
