"""Automations beyond carts: immediate messages, keys, custom events, chains, faults."""

from __future__ import annotations

import logging
from importlib import import_module

import msgspec
import pytest

from heliograph.clock import SECOND
from heliograph.events.commerce import Order, OrderCreated, OrderUpdated
from heliograph.events.consent import ConsentGranted, ConsentWithdrawn, SubscriptionRequested
from heliograph.events.custom import Custom
from heliograph.events.engagement import LinkClicked
from heliograph.events.event import Said
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.events.people import Customer, PersonCreated, PersonUpdated
from heliograph.react.automations import trace
from heliograph.react.automations.runs import RUNS

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
SEND = [{"send": {"template": "t"}}]


def kinds(events) -> list[str]:
    return [event.kind for event in events]


def wanted(events) -> list:
    return [event for event in events if isinstance(event.data, MessageRequested)]


def created(**fields) -> PersonCreated:
    return PersonCreated(person=Customer(email=ANN, **fields))


def test_a_message_without_a_wait_is_wanted_at_once(line) -> None:
    line.save(name="welcome", trigger={"kind": "person.created"}, steps=SEND, transactional=True)
    line.say(created(first_name="Ann"), subject=SUBJECT)
    made = line.settle()
    assert kinds(made) == ["run.started", "message.requested", "run.finished"]
    assert made[1].data.transactional
    assert made[1].data.context["event"] == {"email": ANN, "first_name": "Ann"}


@pytest.mark.parametrize(
    "data",
    [
        PersonUpdated(person=Customer(email=ANN), said=Said(platform="import")),
        SubscriptionRequested(email=ANN, source="import"),
        ConsentGranted(address=ANN, requested_at=1, source="import"),
        ConsentWithdrawn(address=ANN, how="import"),
    ],
)
def test_what_an_import_says_begins_no_run(line, data) -> None:
    line.say(created(), subject=SUBJECT)
    line.save(name="hello", trigger={"kind": data.kind}, steps=SEND)
    line.say(data, subject=SUBJECT)
    assert line.settle() == []
    heard = (
        {"said": None}
        if isinstance(data, PersonUpdated)
        else {"how": "api"}
        if hasattr(data, "how")
        else {"source": "api"}
    )
    line.say(msgspec.structs.replace(data, **heard), subject=SUBJECT)
    assert "run.started" in kinds(line.settle())


def test_steps_run_in_their_order(line) -> None:
    steps = [
        {"send": {"template": "a"}},
        {"send": {"template": "b"}},
        {"wait": 60},
        {"wait": 60},
        {"send": {"template": "c"}},
        {"wait": 60},
    ]
    line.save(name="series", trigger={"kind": "person.created"}, steps=steps)
    line.say(created(), subject=SUBJECT)
    assert [event.data.template for event in wanted(line.settle())] == ["a", "b"]
    assert wanted(line.pass_time(119)) == []
    assert [event.data.template for event in wanted(line.pass_time(1))] == ["c"]
    assert kinds(line.pass_time(60)) == ["run.finished"]


def test_custom_events_are_told_apart_by_name_and_top_level_properties(line) -> None:
    """RM-20"""
    line.save(
        name="booked",
        trigger={
            "kind": "custom",
            "name": "room-booked",
            "where": {"nights": {"gte": 3}, "lodging.stars": 5},
        },
        steps=SEND,
    )
    for name, nights, stars in (
        ("room-booked", 3, 5),
        ("room-booked", 2, 5),
        ("room-booked", 3, 4),
        ("other", 3, 5),
    ):
        body = {"nights": nights, "lodging": {"stars": stars}}
        line.say(Custom(name=name, body=body, email=ANN), subject=SUBJECT)
    (one,) = wanted(line.settle())
    assert one.data.context["event"] == {"nights": 3, "lodging": {"stars": 5}}


@pytest.mark.parametrize(
    ("fields", "runs"),
    [({"once": "event"}, 4), ({"once": "person"}, 1), ({"once": "object", "object": "room"}, 2)],
)
def test_once_says_how_often(line, fields, runs) -> None:
    line.save(name="booked", trigger={"kind": "custom"}, steps=SEND, **fields)
    for room in (1, 2, 1, 2):
        line.say(Custom(name="booked", body={"room": room}, email=ANN), subject=SUBJECT)
    assert len(wanted(line.settle())) == runs


def test_the_filter_of_an_order_is_read_again_when_the_wait_is_over(line) -> None:
    line.save(
        name="pay",
        trigger={"kind": "order.created", "where": {"status": "pending"}},
        steps=[{"wait": "1d"}, *SEND],
    )
    for one in ("o1", "o2"):
        line.say(OrderCreated(order=Order(id=one, email=ANN, status="pending")), subject=SUBJECT)
    line.say(OrderUpdated(order=Order(id="o1", email=ANN, status="paid")), subject=SUBJECT)
    line.settle()
    (one,) = wanted(line.pass_time(86400))
    assert one.data.context["event"]["id"] == "o2"


def test_cancelling_events_are_chosen_by_their_properties_too(line) -> None:
    line.save(
        name="pay",
        trigger={"kind": "order.created"},
        cancel_on=[{"kind": "order.updated", "match": "object", "where": {"status": "paid"}}],
        steps=[{"wait": "1d"}, *SEND],
    )
    for one in ("o1", "o2"):
        line.say(OrderCreated(order=Order(id=one, email=ANN)), subject=SUBJECT)
    line.settle()
    line.say(OrderUpdated(order=Order(id="o1", email=ANN, status="packed")), subject=SUBJECT)
    assert line.settle() == []
    line.say(OrderUpdated(order=Order(id="o1", email=ANN, status="paid")), subject=SUBJECT)
    assert kinds(line.settle()) == ["run.cancelled"]
    assert len(wanted(line.pass_time(86400))) == 1


def test_one_event_may_end_a_run_and_begin_another(line) -> None:
    line.save(
        name="next-order",
        trigger={"kind": "order.created"},
        cancel_on=[{"kind": "order.created", "match": "person"}],
        steps=[{"wait": "30d"}, *SEND],
    )
    line.say(OrderCreated(order=Order(id="o1", email=ANN)), subject=SUBJECT)
    line.settle()
    line.say(OrderCreated(order=Order(id="o2", email=ANN)), subject=SUBJECT)
    assert kinds(line.settle()) == ["run.cancelled", "run.started", "run.waiting"]


def test_an_automation_is_not_triggered_by_what_became_of_its_own_messages(line) -> None:
    """Nothing feeds on itself."""
    line.save(name="thanks", trigger={"kind": "message.sent"}, steps=SEND)
    line.save(name="echo", trigger={"kind": "message.requested"}, steps=SEND)
    line.say(MessageRequested(address=ANN, template="newsletter"), subject=SUBJECT)
    line.say(created(), subject=SUBJECT)
    line.settle()
    for _ in range(20):
        unsent = [
            event
            for event in wanted(line.events)
            if not any(isinstance(e.data, MessageSent) and e.data.message == event.id for e in line.events)
        ]
        for event in unsent:
            line.say(MessageSent(message=event.id, address=ANN), subject=SUBJECT)
        line.settle()
        if not unsent:
            break
    # newsletter -> echo -> thanks, newsletter -> thanks -> echo, and no further
    assert [event.data.automation for event in wanted(line.events)].count(None) == 1
    assert len(wanted(line.events)) == 5
    assert not unsent


def test_a_click_on_a_message_of_another_automation_may_trigger(line) -> None:
    line.save(name="welcome", trigger={"kind": "person.created"}, steps=SEND)
    line.save(name="clicked", trigger={"kind": "link.clicked", "where": {"name": "buy"}}, steps=SEND)
    line.say(created(), subject=SUBJECT)
    (message,) = wanted(line.settle())
    click = LinkClicked(message=message.id, url="https://shop.example/", name="buy")
    line.judge(line.say(click, subject=message.subject))
    (answer,) = wanted(line.pass_time(10))
    assert answer.data.automation == "clicked"
    again = LinkClicked(message=answer.id, url="https://shop.example/", name="buy")
    line.judge(line.say(again, subject=answer.subject))
    assert line.pass_time(10) == []


def test_an_open_that_is_nobodys_begins_nothing(line) -> None:
    """STD-7: without tracking consent nobody is known."""
    line.save(name="clicked", trigger={"kind": "link.clicked"}, steps=SEND)
    message = line.say(MessageRequested(address=ANN, template="t"), subject=SUBJECT)
    click = LinkClicked(message=message.id, url="https://shop.example/")
    line.judge(line.say(click, subject=f"message:{message.id}"))
    assert line.pass_time(10) == []


def test_two_automations_on_one_event_write_each(line) -> None:
    for name in ("a", "b"):
        line.save(name=name, trigger={"kind": "person.created"}, steps=SEND)
    line.say(created(), subject=SUBJECT)
    made = wanted(line.settle())
    assert [event.data.automation for event in made] == ["a", "b"]
    assert made[0].data.campaign.id != made[1].data.campaign.id


def test_a_definition_that_an_older_version_let_through_rests(line, caplog) -> None:
    from heliograph.events.definitions import AutomationSaved

    line.say(AutomationSaved(name="old", definition={"name": "old"}), subject="automation:old")
    line.save(name="new", trigger={"kind": "person.created"}, steps=SEND)
    line.say(created(), subject=SUBJECT)
    with caplog.at_level(logging.WARNING):
        assert len(wanted(line.settle())) == 1


def test_a_run_that_fails_by_a_fault_of_ours_stops_no_other_and_is_tried_again(line, monkeypatch) -> None:
    line.save(name="later", trigger={"kind": "person.updated"}, steps=[{"wait": 60}, *SEND])
    for email in (ANN, "bob@example.com"):
        line.say(PersonUpdated(person=Customer(email=email)), subject=f"email:{email}")
    line.settle()
    ann = next(event.data.person for event in line.events if event.kind == "run.started")
    real = trace.finished

    def broken(run, now):
        if run.person == ann:
            raise ZeroDivisionError
        return real(run, now)

    monkeypatch.setattr(trace, "finished", broken)
    made = line.pass_time(60)
    assert [event.data.address for event in wanted(made)] == ["bob@example.com"], "whole or not at all"
    monkeypatch.setattr(trace, "finished", real)
    assert [event.data.address for event in wanted(line.pass_time(600))] == [ANN]
    assert [run.sent for run in line.read(lambda connection: connection.execute(RUNS.select()).all())] == [
        1,
        1,
    ]


def test_a_run_that_goes_on_failing_is_given_up(line, monkeypatch) -> None:
    line.save(name="later", trigger={"kind": "person.updated"}, steps=[{"wait": 60}, *SEND])
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=SUBJECT)
    line.settle()

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(trace, "wanted", broken)
    made = line.pass_time(2 * 86400)
    assert kinds(made) == ["run.cancelled"]
    assert "fault of ours" in made[0].data.reason


def test_many_timers_at_once_all_fire(line, monkeypatch) -> None:
    monkeypatch.setattr(import_module("heliograph.react.automations.reaction"), "DUE_LIMIT", 3)
    line.save(name="later", trigger={"kind": "person.updated"}, steps=[{"wait": 60}, *SEND])
    for number in range(10):
        email = f"p{number}@example.com"
        line.say(PersonUpdated(person=Customer(email=email)), subject=f"email:{email}", at=line.now + SECOND)
    line.settle()
    assert len(wanted(line.pass_time(600))) == 10
