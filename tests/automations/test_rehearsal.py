"""Dry runs: who would have got it, by the journal, recording nothing."""

from __future__ import annotations

import asyncio

import pytest

from heliograph.clock import SECOND, iso
from heliograph.errors import BadRequest
from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated
from heliograph.events.messages import MessageRequested
from heliograph.journal.memory import MemoryJournal
from heliograph.react.automations.rehearsal import Rehearsal, Stage, rehearse

HOUR, DAY = 3600, 86_400

CARTS = {
    "name": "carts",
    "trigger": {"kind": "cart.updated", "where": {"total_price": {"gte": 50}}},
    "cancel_on": [{"kind": "order.created"}],
    "steps": [
        {"wait": "1h"},
        {"send": {"template": "cart-1"}},
        {"wait": "1d"},
        {"send": {"template": "cart-2"}},
    ],
}


def carts(line, number: int) -> None:
    """So many people leave a cart, an hour apart; every third buys half an hour later."""
    for index in range(number):
        email = f"p{index}@example.com"
        total = 10 if index % 5 == 4 else 60
        line.say(
            CartUpdated(cart=Cart(id=f"c{index}", email=email, total_price=total)), subject=f"email:{email}"
        )
        line.settle()
        line.pass_time(HOUR / 2)
        if index % 3 == 0:
            line.say(OrderCreated(order=Order(id=f"o{index}", email=email)), subject=f"email:{email}")
            line.settle()
        line.pass_time(HOUR / 2)


def played(line, definition=CARTS, since=0) -> Rehearsal:
    async def play() -> Rehearsal:
        journal = MemoryJournal()
        await journal.append([codec.encode(event) for event in line.events])
        head = await journal.head()
        stage = Stage(line.directory, line.events[0].account, definition, since)
        told = await rehearse(journal, stage, line.now)
        assert await journal.head() == head, "nothing is recorded"
        return told

    return asyncio.run(play())


def test_a_dry_run_says_what_the_automation_itself_then_does(make_line) -> None:
    """The same past, once with the automation there and once without: the same people, messages and instants."""
    real, past = make_line(), make_line()
    past.now = real.now
    real.save(**CARTS)
    past.now = real.now
    for line in (real, past):
        carts(line, 12)
        line.pass_time(3 * DAY)
    told = played(past)
    wanted = [event for event in real.events if isinstance(event.data, MessageRequested)]
    assert wanted
    assert sorted((one.email, m.template, m.at) for one in told.runs for m in one.messages) == sorted(
        (event.data.address, event.data.template, iso(event.at)) for event in wanted
    )
    assert told.cancelled == {"order.created came": 3}
    assert (told.started, told.people, sum(told.messages.values())) == (10, 10, len(wanted))
    assert {one.ended for one in told.runs} == {"finished", "order.created came"}


def test_what_happened_before_is_known_and_begins_nothing(line) -> None:
    carts(line, 6)
    since = line.now
    line.say(
        CartUpdated(cart=Cart(id="late", email="p0@example.com", total_price=99)),
        subject="email:p0@example.com",
    )
    line.settle()
    told = played(line, since=since)
    assert [(one.object, one.ended) for one in told.runs] == [("late", "")], "and is still under way"
    asks = {**CARTS, "trigger": {"kind": "cart.updated", "who": {"orders.count": 0}}}
    told = played(line, asks, since)
    assert told.not_entered == {"trigger.who: orders.count is 1, wanted eq 0": 1}


def test_a_definition_that_is_wrong_is_not_played(line) -> None:
    with pytest.raises(BadRequest) as caught:
        Stage(line.directory, "1", {**CARTS, "steps": [{"wait": "soon"}]}, 0)
    assert caught.value.field == "steps[0].wait"


def test_the_clock_of_a_dry_run_ends_now(line) -> None:
    line.say(
        CartUpdated(cart=Cart(id="c", email="a@example.com", total_price=60)), subject="email:a@example.com"
    )
    line.settle()
    line.now += HOUR * SECOND
    assert played(line).messages == {"cart-1": 1}
