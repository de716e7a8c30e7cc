"""The abandoned cart: mailed once, an hour after the last change, unless an order comes."""

from __future__ import annotations

import pytest

from heliograph.clock import SECOND
from heliograph.events.commerce import (
    Cart,
    CartCreated,
    CartDeleted,
    CartUpdated,
    Order,
    OrderCreated,
)
from heliograph.events.definitions import AutomationRemoved, RunCancelled, RunFinished, RunStarted, RunWaiting
from heliograph.events.event import is_derived
from heliograph.events.messages import Campaign, MessageRequested
from heliograph.events.people import Customer, PersonDeleted, PersonErased, PersonMerged, PersonUpdated
from heliograph.react.automations.runs import RUNS, TIMERS
from heliograph.react.state import people

HOUR = 3600
ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"

ABANDONED = {
    "name": "abandoned-cart",
    "group": "Recovery",
    "trigger": {"kind": ["cart.created", "cart.updated"], "where": {"total_price": {"gte": 50}}},
    "cancel_on": [{"kind": "order.created"}],
    "steps": [
        {"wait": "1h"},
        {"send": {"template": "cart-1"}},
        {"wait": "1d"},
        {"send": {"template": "cart-2"}},
    ],
}


@pytest.fixture
def shop(line):
    line.save(**ABANDONED)
    return line


def cart(total=59.9, id="c1", email=ANN, kind=CartUpdated, **fields):
    return kind(cart=Cart(id=id, email=email, total_price=total, **fields))


def order(id="o1", email=ANN, **fields):
    return OrderCreated(order=Order(id=id, email=email, **fields))


def kinds(events) -> list[str]:
    return [event.kind for event in events]


def templates(events) -> list[str]:
    return [event.data.template for event in events if isinstance(event.data, MessageRequested)]


def reasons(events) -> list[str]:
    return [event.data.reason for event in events if isinstance(event.data, RunCancelled)]


def test_a_cart_that_is_left_is_written_about_twice_and_then_no_more(shop) -> None:
    trigger = shop.say(cart(), subject=SUBJECT)
    started, waiting = shop.settle()
    person = shop.read(lambda connection: people.find(connection, trigger.account, email=ANN))
    assert started.data == RunStarted(automation="abandoned-cart", version=1, person=person.id, object="c1")
    assert (started.cause, started.subject) == (trigger.id, f"person:{person.id}")
    assert waiting.data == RunWaiting(
        run=started.id,
        automation="abandoned-cart",
        step=0,
        until=trigger.at + HOUR * SECOND,
        path="steps[0]",
    )
    assert shop.pass_time(HOUR - 1) == []
    wanted, waiting = shop.pass_time(1)
    assert wanted.data == MessageRequested(
        address=ANN,
        template="cart-1",
        person=person.id,
        campaign=Campaign(id=wanted.data.campaign.id, name="abandoned-cart", group="Recovery"),
        automation="abandoned-cart",
        run=started.id,
        context={
            "event": {"id": "c1", "email": ANN, "total_price": 59.9},
            "automation": "abandoned-cart",
        },
    )
    assert (wanted.cause, wanted.subject) == (started.id, f"person:{person.id}")
    assert is_derived(wanted.id)
    wanted, finished = shop.pass_time(24 * HOUR)
    assert wanted.data.template == "cart-2"
    assert finished.data == RunFinished(run=started.id, automation="abandoned-cart")
    assert shop.pass_time(1000 * HOUR) == []
    shop.say(cart(70), subject=SUBJECT)
    assert shop.settle() == [], "one run per person and cart"


def test_an_abandonment_counts_from_the_last_change(shop) -> None:
    shop.say(cart(kind=CartCreated), subject=SUBJECT)
    shop.settle()
    shop.pass_time(HOUR - 60)
    last = shop.say(cart(80), subject=SUBJECT)
    (again,) = shop.settle()
    assert again.data.until == last.at + HOUR * SECOND
    assert shop.pass_time(HOUR - 10) == []
    (wanted, _) = shop.pass_time(20)
    assert wanted.data.context["event"]["total_price"] == 80, "and the mail shows what was said last"


def test_a_change_that_is_told_late_shortens_nothing(shop) -> None:
    first = shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(cart(60), subject=SUBJECT, at=first.at - 1800 * SECOND)
    assert shop.settle() == []
    assert shop.read(shop.reaction.next_due) == first.at + HOUR * SECOND


@pytest.mark.parametrize(
    ("bought", "subject"),
    [
        (order(), SUBJECT),
        (order(cart_id="c1", email="other@example.com"), "email:other@example.com"),
        (order(cart_id="c1", email=None), "order:o1"),
    ],
)
def test_an_order_of_the_person_or_for_the_cart_cancels(shop, bought, subject) -> None:
    """RM-10: for the same cart or the same e-mail."""
    shop.say(cart(), subject=SUBJECT)
    started = shop.settle()[0]
    came = shop.say(bought, subject=subject)
    (cancelled,) = shop.settle()
    assert cancelled.data == RunCancelled(
        run=started.id, automation="abandoned-cart", by=came.id, reason="order.created came"
    )
    assert cancelled.subject == started.subject
    assert shop.pass_time(100 * HOUR) == []
    assert shop.read(lambda connection: connection.execute(TIMERS.select()).all()) == []


def test_an_order_between_the_mails_cancels_the_second(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    assert templates(shop.pass_time(2 * HOUR)) == ["cart-1"]
    shop.say(order(), subject=SUBJECT)
    assert kinds(shop.settle()) == ["run.cancelled"]
    shop.say(cart(90), subject=SUBJECT)
    assert shop.settle() == [], "a run that wrote is not begun again"


def test_somebody_elses_order_cancels_nothing(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(order(email="bob@example.com", cart_id="c9"), subject="email:bob@example.com")
    assert shop.settle() == []


def test_an_order_of_last_year_that_is_told_today_cancels_nothing(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(order(), subject=SUBJECT, at=shop.now - 365 * 86400 * SECOND)
    assert shop.settle() == []
    assert templates(shop.pass_time(2 * HOUR)) == ["cart-1"]


def test_a_cart_that_an_order_closed_is_not_written_about_though_nothing_cancelled(line) -> None:
    """RM-10, evaluated when the wait is over."""
    line.save(**{**ABANDONED, "cancel_on": []})
    line.say(cart(), subject=SUBJECT)
    line.settle()
    line.say(order(cart_id="c1"), subject=SUBJECT)
    line.settle()
    assert reasons(line.pass_time(2 * HOUR)) == ["the cart was closed by the order o1"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (cart(10), "its conditions no longer hold: total_price is 10, wanted gte 50"),
        (cart(kind=CartDeleted), "the cart was deleted"),
    ],
)
def test_filters_are_read_again_on_the_cart_as_it_is_then(shop, change, reason) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(change, subject=SUBJECT)
    assert shop.settle() == []
    assert reasons(shop.pass_time(2 * HOUR)) == [reason]


def test_a_run_that_ended_before_it_wrote_may_begin_again(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(cart(10), subject=SUBJECT)
    shop.settle()
    shop.pass_time(2 * HOUR)
    shop.say(cart(200), subject=SUBJECT)
    assert kinds(shop.settle()) == ["run.started", "run.waiting"]
    assert templates(shop.pass_time(100 * HOUR)) == ["cart-1", "cart-2"]


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        (cart(10), SUBJECT),
        (cart(email=None), "cart:c1"),
        (cart(id=None), SUBJECT),
        (cart(customer=Customer(id="7"), email=None), "customer:7"),
    ],
)
def test_small_anonymous_nameless_and_addressless_carts_begin_nothing(shop, said, subject) -> None:
    """S3: most carts are anonymous."""
    shop.say(said, subject=subject)
    assert shop.settle() == []


def test_the_carts_of_a_person_are_runs_of_their_own(shop) -> None:
    for one in ("c1", "c2", "c1"):
        shop.say(cart(id=one), subject=SUBJECT)
    assert kinds(shop.settle()).count("run.started") == 2
    assert templates(shop.pass_time(2 * HOUR)) == ["cart-1", "cart-1"]


def test_an_imported_cart_of_last_year_begins_nothing(shop) -> None:
    """RM-7, `x-event-time`: what is late by more than `lateness` mails nobody."""
    shop.say(cart(), subject=SUBJECT, at=shop.now - 365 * 86400 * SECOND)
    assert shop.settle() == []
    shop.say(cart(), subject=SUBJECT, at=shop.now - 24 * HOUR * SECOND)
    assert kinds(shop.settle())[0] == "run.started", "an hour's wait after 24 hours is 23 hours late"


def test_an_engine_that_stood_still_for_two_days_does_not_write_about_old_carts(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.now += 49 * HOUR * SECOND
    assert reasons(shop.fire()) == ["it came too late: the engine stood still at its time"]


def test_a_removed_automation_writes_no_more(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(AutomationRemoved(name="abandoned-cart"), subject="automation:abandoned-cart")
    shop.settle()
    assert reasons(shop.pass_time(2 * HOUR)) == ["the automation is not there any more"]


BETTER = {**ABANDONED, "steps": [{"wait": "1h"}, {"send": {"template": "better"}}]}


def test_who_waits_finishes_on_the_version_that_they_began(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.save(**BETTER)
    shop.say(cart(id="c2", email="bob@example.com"), subject="email:bob@example.com")
    shop.settle()
    assert sorted(templates(shop.pass_time(100 * HOUR))) == ["better", "cart-1", "cart-2"]


def test_an_older_version_is_cancelled_by_what_it_says_itself(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.save(**{**BETTER, "cancel_on": []})
    shop.say(order(), subject=SUBJECT)
    assert kinds(shop.settle()) == ["run.cancelled"]


def test_a_migrated_run_goes_on_where_it_stands_in_the_new_version(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    assert shop.save(**BETTER, migrate=True) == []
    made = shop.pass_time(100 * HOUR)
    assert templates(made) == ["better"]
    assert kinds(made)[-1] == "run.finished"


def test_who_stands_where_the_new_version_has_no_wait_is_told_so(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.pass_time(2 * HOUR)
    made = shop.save(**BETTER, migrate=True)
    assert reasons(made) == ["version 2 has no such step to wait in"]
    assert shop.pass_time(100 * HOUR) == []


def test_the_mail_goes_to_the_address_that_the_person_has_then(shop) -> None:
    """RM-9: renamed while the run waited."""
    shop.say(PersonUpdated(person=Customer(id="7", email=ANN)), subject="customer:7")
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(PersonUpdated(person=Customer(id="7", email="anna@example.com")), subject="customer:7")
    shop.settle()
    made = shop.pass_time(2 * HOUR)
    assert [event.data.address for event in made if event.kind == "message.requested"] == ["anna@example.com"]


def test_who_was_deleted_in_the_shop_is_not_written_to(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.say(PersonDeleted(person=Customer(email=ANN)), subject=SUBJECT)
    shop.settle()
    assert reasons(shop.pass_time(2 * HOUR)) == ["the person cannot be reached any more"]


def test_an_order_of_who_became_one_person_cancels(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.say(PersonUpdated(person=Customer(email="bob@example.com")), subject="email:bob@example.com")
    shop.settle()
    ann, bob = (
        shop.read(lambda connection, email=email: people.find(connection, "000000000001", email=email)).id
        for email in (ANN, "bob@example.com")
    )
    shop.say(PersonMerged(person=bob, other=ann), subject=f"person:{bob}")
    shop.say(order(email="bob@example.com"), subject="email:bob@example.com")
    assert kinds(shop.settle()) == ["run.cancelled"]


def test_nothing_remains_of_who_was_erased(shop) -> None:
    """STD-7"""
    shop.say(cart(), subject=SUBJECT)
    person = shop.settle()[0].data.person
    shop.say(PersonErased(person=person), subject="person:erased")
    assert shop.settle() == []
    for table in (RUNS, TIMERS):
        assert shop.read(lambda connection, table=table: connection.execute(table.select()).all()) == []


def test_what_the_trigger_said_is_not_kept_beyond_the_run(shop) -> None:
    shop.say(cart(), subject=SUBJECT)
    shop.settle()
    shop.pass_time(100 * HOUR)
    (run,) = shop.read(lambda connection: connection.execute(RUNS.select()).all())
    assert (run.state, run.sent, run.properties) == ("finished", 2, {})


def test_the_story_is_the_same_in_batches_of_any_size_and_through_crashes(make_line) -> None:
    def play(batch, crash):
        line = make_line()
        line.save(**ABANDONED)
        begun = len(line.events)
        said = [
            (cart(), 1),
            (cart(90), 1800),
            (cart(id="c2"), 60),
            (order(id="o2", email="bob@example.com"), 60),
        ]
        for data, seconds in said:
            line.say(data, subject=f"email:{(data.cart if hasattr(data, 'cart') else data.order).email}")
            if crash:
                line.decide(batch, crash=True)
            line.settle(batch) if batch == 1 else None
            if batch == 1:
                line.pass_time(seconds, crash=crash)
            else:
                line.now += seconds * SECOND
        line.settle(batch)
        line.pass_time(3 * HOUR, crash=crash)
        line.say(order(), subject=SUBJECT)
        line.settle(batch)
        line.pass_time(100 * HOUR, crash=crash)
        ids = [event.id for event in line.events]
        assert len(set(ids)) == len(ids)
        return sorted((event.kind, templates([event])) for event in line.events[begun:] if event.cause)

    stories = [play(batch, crash) for batch in (1, 2, 512) for crash in (False, True)]
    assert all(story == stories[0] for story in stories)
    assert [kind for kind, _ in stories[0]].count("message.requested") == 2
