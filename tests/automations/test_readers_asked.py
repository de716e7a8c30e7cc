"""Opens and clicks count for automations when a person did them (STD-6)."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from heliograph.errors import BadRequest
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested
from heliograph.events.people import Customer, PersonCreated, PersonErased
from heliograph.react.automations import parse
from heliograph.react.automations.held import HELD

SUBJECT = "email:ann@example.com"
SEND = [{"send": {"template": "t"}}]
WAIT = [{"wait": "1d"}, *SEND]


@pytest.fixture
def ann(line) -> AnyEvent:
    line.say(PersonCreated(person=Customer(email="ann@example.com")), subject=SUBJECT)
    return line.say(MessageRequested(address="ann@example.com", template="first"), subject=SUBJECT)


def click(line, ann, **fields) -> AnyEvent:
    data = LinkClicked(message=ann.id, url="https://shop.example/", **fields)
    return line.say(data, subject=SUBJECT)


def kinds(events) -> list[str]:
    return [event.kind for event in events if event.kind != "reader.judged"]


def waiting(line) -> int:
    return line.read(lambda connection: connection.scalar(select(func.count()).select_from(HELD)))


def test_a_click_triggers_once_its_verdict_stands(line, ann) -> None:
    """STD-6"""
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=SEND)
    line.judge(click(line, ann))
    assert kinds(line.pass_time(2)) == [], "a burst may still be found out"
    assert kinds(line.pass_time(10)) == ["run.started", "message.requested", "run.finished"]
    assert waiting(line) == 0


@pytest.mark.parametrize(
    ("reader", "reliable", "runs"),
    [
        ("human", True, 1),
        ("human", False, 1),
        ("image_proxy", True, 1),
        ("unknown", True, 1),
        ("unknown", False, 0),
        ("privacy_proxy", False, 0),
        ("prefetch", False, 0),
        ("scanner", False, 0),
        ("bot", False, 0),
    ],
)
def test_who_counts_as_a_person(line, ann, reader, reliable, runs) -> None:
    """STD-6: Gmail's proxy fetches for somebody who looks; Apple's does not."""
    line.save(name="thanks", trigger={"kind": "message.opened"}, steps=SEND)
    line.judge(line.say(MessageOpened(message=ann.id), subject=SUBJECT), reader, reliable=reliable)
    assert kinds(line.pass_time(10)).count("run.started") == runs


def test_a_scanner_that_is_found_out_within_seconds_wants_no_mail(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=SEND)
    one = click(line, ann)
    line.judge(one)
    line.pass_time(2)
    line.judge(one, "scanner", reliable=False)
    assert kinds(line.pass_time(3600)) == []
    assert kinds(line.events).count("run.started") == 0


def test_a_scanner_that_is_found_out_later_ends_the_run_it_began(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=WAIT)
    one, other = click(line, ann), click(line, ann)
    line.judge(one)
    line.judge(other)
    assert kinds(line.pass_time(10)) == ["run.started", "run.waiting"] * 2
    verdict = line.judge(one, "scanner", reliable=False)
    (cancelled,) = [event for event in line.settle() if event.kind == "run.cancelled"]
    assert (cancelled.data.by, cancelled.data.reason) == (verdict.id, "it was no person: a test: says so")
    assert kinds(line.pass_time(2 * 86400)) == ["message.requested", "run.finished"]


def test_what_turns_out_to_be_a_persons_within_a_day_counts_then(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "message.opened"}, steps=SEND)
    opened = line.say(MessageOpened(message=ann.id), subject=SUBJECT)
    line.judge(opened, "privacy_proxy", reliable=False)
    assert kinds(line.pass_time(3600)) == []
    line.judge(opened)
    assert "message.requested" in kinds(line.settle())
    line.judge(opened)
    assert kinds(line.pass_time(60)) == [], "once"


def test_what_turns_out_later_than_a_day_begins_nothing_and_is_forgotten(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "message.opened"}, steps=SEND)
    opened = line.say(MessageOpened(message=ann.id), subject=SUBJECT)
    line.judge(opened, "privacy_proxy", reliable=False)
    line.pass_time(86400 + 120)
    assert waiting(line) == 0
    line.judge(opened)
    assert kinds(line.pass_time(60)) == []


def test_a_verdict_that_is_late_is_waited_for(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=SEND)
    one = click(line, ann)
    assert kinds(line.pass_time(60)) == []
    line.judge(one)
    assert "message.requested" in kinds(line.settle())


def test_any_reader_may_be_asked_for(line, ann) -> None:
    line.save(name="log", trigger={"kind": "link.clicked", "readers": "any"}, steps=SEND)
    one = click(line, ann)
    assert "message.requested" in kinds(line.settle())
    line.judge(one, "scanner", reliable=False)
    assert kinds(line.pass_time(60)) == []
    assert waiting(line) == 0


def test_a_scanners_click_does_not_cancel_a_reminder(line, ann) -> None:
    """A person who never clicked is reminded, though a scanner followed every link."""
    line.save(
        name="remind", trigger={"kind": "message.opened"}, cancel_on=[{"kind": "link.clicked"}], steps=WAIT
    )
    line.judge(line.say(MessageOpened(message=ann.id), subject=SUBJECT))
    line.pass_time(10)
    line.judge(click(line, ann), "scanner", reliable=False)
    assert kinds(line.pass_time(60)) == []
    line.judge(click(line, ann))
    assert kinds(line.pass_time(60)) == ["run.cancelled"]


def test_only_what_somebody_listens_to_waits(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "link.clicked", "where": {"name": "buy"}}, steps=SEND)
    click(line, ann, name="other")
    line.say(MessageOpened(message=ann.id), subject=SUBJECT)
    line.settle()
    assert waiting(line) == 0


def test_a_crash_decides_nothing_twice(line, ann) -> None:
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=SEND)
    one = click(line, ann)
    line.decide(crash=True)
    line.settle()
    line.judge(one)
    line.decide(crash=True)
    line.settle()
    made = line.pass_time(10, crash=True)
    assert sorted(set(kinds(line.events)) & {"run.started", "message.requested"}) == [
        "message.requested",
        "run.started",
    ]
    assert kinds(made).count("message.requested") == 1


def test_nothing_of_an_erased_person_waits(line, ann) -> None:
    """STD-7"""
    line.save(name="thanks", trigger={"kind": "link.clicked"}, steps=SEND)
    line.say(LinkClicked(message=ann.id, url="https://shop.example/"), subject="person:ann")
    line.settle()
    assert waiting(line) == 1
    line.say(PersonErased(person="ann"), subject="person:ann")
    line.settle()
    assert waiting(line) == 0


def test_readers_are_asked_for_only_where_there_are_any() -> None:
    with pytest.raises(BadRequest) as refused:
        parse({"name": "x", "trigger": {"kind": "order.created", "readers": "any"}, "steps": SEND})
    assert refused.value.field == "trigger.readers"
    for wrong in ("humans", 1):
        with pytest.raises(BadRequest):
            parse({"name": "x", "trigger": {"kind": "link.clicked", "readers": wrong}, "steps": SEND})
