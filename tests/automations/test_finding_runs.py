"""What it costs to find the runs that an event is about: not more with more automations, nor with more people under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event as listeners

from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated, OrderUpdated, ProductViewed
from heliograph.events.messages import MessageRequested
from heliograph.events.people import Customer, PersonUpdated

ANN, BOB = "ann@example.com", "bob@example.com"


def cart_automation(number: int) -> dict[str, Any]:
    return {
        "name": f"a{number}",
        "trigger": {"kind": "cart.updated", "where": {"total_price": {"gte": 50}}},
        "goals": [{"kind": "order.created"}],
        "steps": [{"wait": "1h"}, {"send": {"template": "t"}}],
    }


@contextmanager
def statements(line) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is made meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, *more: Any) -> None:
        seen.append((statement, values))

    listeners.listen(line.engine, "before_cursor_execute", note)
    yield seen
    listeners.remove(line.engine, "before_cursor_execute", note)


def asked_for(line, data, automations: int) -> int:
    """How many statements it takes to decide on an event with so many automations."""
    for number in range(automations):
        line.save(**cart_automation(number))
    for address in (ANN, BOB):
        line.say(PersonUpdated(person=Customer(email=address)), subject=f"email:{address}")
    line.settle()
    line.say(data, subject=f"email:{ANN}")
    line.fold()
    with statements(line) as seen:
        line.decide()
    return len(seen)


@pytest.mark.parametrize(
    "data",
    [
        ProductViewed(product_id="1", email=ANN),
        CartUpdated(cart=Cart(id="c", email=ANN, total_price=1)),
        OrderCreated(order=Order(id="o", email=ANN, cart_id="c")),
    ],
    ids=["nobody-asks", "the-filter-fails", "a-goal-of-nobody"],
)
def test_twenty_automations_make_no_more_look_ups_than_one(make_line, data) -> None:
    assert asked_for(make_line(), data, 20) == asked_for(make_line(), data, 1)


def test_what_no_automation_asks_for_is_looked_up_nowhere_but_in_the_definitions(make_line) -> None:
    assert asked_for(make_line(), ProductViewed(product_id="1", email=ANN), 20) <= 2


def test_an_event_finds_its_runs_without_looking_at_all_that_are_open(line) -> None:
    line.save(**cart_automation(1))
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=f"email:{ANN}")
    line.say(CartUpdated(cart=Cart(id="c", email=ANN, total_price=60)), subject=f"email:{ANN}")
    line.settle()
    line.say(OrderCreated(order=Order(id="o", email=ANN, cart_id="c")), subject=f"email:{ANN}")
    line.fold()
    with statements(line) as seen:
        (made,) = line.decide()
    assert made.kind == "run.reached"
    finding = [one for one in seen if one[0].startswith("SELECT") and "FROM automation_runs" in one[0]]
    assert finding
    with line.engine.connect() as connection:
        for statement, values in finding:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert all("SEARCH" in row[-1] for row in plan if "automation_runs" in row[-1]), plan
            assert not any("ix_automation_runs_state" in row[-1] for row in plan), plan


@pytest.mark.parametrize("match", ["person", "object"])
def test_a_run_that_begins_within_a_batch_is_found_by_what_comes_after_it(line, match) -> None:
    """An order, a cart and an order in one transaction: when the first looked, nobody was under way."""
    definition = cart_automation(1)
    line.save(**{**definition, "goals": [{"kind": "order.created", "match": match}]})
    for address in (ANN, BOB):
        line.say(PersonUpdated(person=Customer(email=address)), subject=f"email:{address}")
    line.settle()
    line.say(OrderCreated(order=Order(id="o0", email=ANN, cart_id="c")), subject=f"email:{ANN}")
    for address, cart in ((ANN, "c"), (BOB, "d")):
        line.say(CartUpdated(cart=Cart(id=cart, email=address, total_price=60)), subject=f"email:{address}")
    line.say(OrderCreated(order=Order(id="o1", email=ANN, cart_id="c")), subject=f"email:{ANN}")
    made = line.settle()
    assert [event.kind for event in made].count("run.reached") == 1
    wanted = [one for one in line.pass_time(3600) if isinstance(one.data, MessageRequested)]
    assert [one.data.address for one in wanted] == [BOB]


@pytest.mark.parametrize("match", ["person", "object"])
def test_a_run_that_ends_within_a_batch_is_not_found_again(line, match) -> None:
    definition = cart_automation(1)
    goals = [{"kind": "order.updated", "match": match, "path": "cart_id"}]
    cancel_on = [{"kind": "order.created", "match": match}]
    line.save(**{**definition, "goals": goals, "cancel_on": cancel_on})
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=f"email:{ANN}")
    line.say(CartUpdated(cart=Cart(id="c", email=ANN, total_price=60)), subject=f"email:{ANN}")
    line.settle()
    for kind in (OrderCreated, OrderUpdated):
        line.say(kind(order=Order(id="o", email=ANN, cart_id="c")), subject=f"email:{ANN}")
    assert [event.kind for event in line.settle()] == ["run.cancelled"]
