"""Why did or didn't this person get it: traces of runs, and the reasons of those who did not enter."""

from __future__ import annotations

import asyncio

import pytest

from heliograph.clock import SECOND
from heliograph.errors import NotFound
from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated
from heliograph.events.event import Said
from heliograph.events.messages import MessageRequested, MessageSuppressed
from heliograph.events.people import Customer, PersonUpdated
from heliograph.journal.memory import MemoryJournal
from heliograph.react.automations.why import Explanation, explain
from heliograph.react.state import people

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
HOUR = 3600

CARTS = {
    "name": "carts",
    "trigger": {"kind": "cart.updated", "where": {"total_price": {"gte": 50}}, "who": {"orders.count": 0}},
    "cancel_on": [{"kind": "order.created"}],
    "steps": [{"wait": "1h"}, {"send": {"template": "cart"}}],
}


def asked(line, email=ANN, name="carts") -> Explanation:
    async def ask() -> Explanation:
        journal = MemoryJournal()
        await journal.append([codec.encode(event) for event in line.events])
        account = line.events[0].account
        person = line.read(lambda connection: people.find(connection, account, email=email))
        return await explain(journal, line.engine, line.directory, account, name, person)

    return asyncio.run(ask())


def cart(total=60, id="c1", email=ANN, **fields) -> CartUpdated:
    return CartUpdated(cart=Cart(id=id, email=email, total_price=total), **fields)


@pytest.fixture
def shop(line):
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=SUBJECT)
    line.say(cart(), subject=SUBJECT)
    line.settle()
    line.save(**CARTS)
    return line


def test_a_run_tells_its_way_and_what_became_of_its_message(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    made = shop.pass_time(HOUR)
    (message,) = (event for event in made if isinstance(event.data, MessageRequested))
    refused = MessageSuppressed(
        message=message.id, address=ANN, code=130, category="x", reason="Unsubscribed"
    )
    shop.say(refused, subject=message.subject)
    shop.settle()
    told = asked(shop)
    (run,) = told.runs
    assert (run.state, run.object, run.version) == ("finished", "c1", 1)
    assert sorted(line.kind for line in run.trace) == sorted(
        ["run.started", "run.waiting", "message.requested", "run.finished", "message.suppressed"]
    )
    assert "reason Unsubscribed" in next(line.says for line in run.trace if line.kind == "message.suppressed")
    assert told.answer.startswith("1 run, 1 message wanted. The last run is finished")


def test_who_waits_is_told_where_and_until_when(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    (run,) = asked(shop).runs
    assert (run.state, run.waits_in) == ("open", "steps[0]")
    assert run.waits_until is not None
    assert next(line for line in run.trace if line.kind == "run.waiting").says.endswith("path steps[0]")


def test_each_event_that_began_no_run_says_why(shop) -> None:
    shop.say(cart(10), subject=SUBJECT)
    shop.say(cart(id=None), subject=SUBJECT)
    shop.say(cart(id="old"), subject=SUBJECT, at=shop.now - 9 * 86400 * SECOND)
    shop.say(cart(id="told", email=ANN), subject=SUBJECT)
    shop.say(cart(70, id="told", email=ANN), subject=SUBJECT)
    shop.settle()
    shop.say(
        CartUpdated(cart=Cart(id="i", email=ANN, total_price=60), said=Said(platform="import")),
        subject=SUBJECT,
    )
    shop.say(OrderCreated(order=Order(id="o", email=ANN)), subject=SUBJECT)
    shop.say(cart(id="c9"), subject=SUBJECT)
    shop.settle()
    told = asked(shop)
    why = [one.why for one in reversed(told.not_entered)]
    (run,) = told.runs
    assert why == [
        "the automation was not there yet",
        "trigger.where: total_price is 10, wanted gte 50",
        "the event does not name its object: id is not there",
        "it happened too long ago: later than `lateness` allows",
        "trigger.who: orders.count is 1, wanted eq 0",  # begun again, as it is today
        "an import said it",
        "trigger.who: orders.count is 1, wanted eq 0",
    ]
    assert run.state == "cancelled"
    assert run.trace[-1].says.startswith("by ")


def test_a_repeat_names_the_run_that_was_under_way(shop) -> None:
    for total in (60, 70):
        shop.say(cart(total), subject=SUBJECT)
    shop.settle()
    told = asked(shop)
    assert told.not_entered[0].why == f"the run {told.runs[0].id} was under way"


def test_who_did_nothing_of_the_kind_is_told_so(line) -> None:
    line.save(**CARTS)
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=SUBJECT)
    line.settle()
    assert asked(line).answer == "Nothing happened to this person that begins a run."
    with pytest.raises(NotFound):
        asked(line, name="nothing")
