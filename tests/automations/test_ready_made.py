"""The automations that come with Heliograph, each played over the clock, and their templates rendered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from heliograph.clock import ManualClock
from heliograph.events.commerce import (
    Cart,
    CartUpdated,
    Order,
    OrderCreated,
    OrderDeleted,
    Product,
    ProductUpdated,
    ProductViewed,
)
from heliograph.events.consent import ConsentGranted
from heliograph.events.custom import Custom
from heliograph.events.definitions import RunReached
from heliograph.events.engagement import LinkClicked
from heliograph.events.messages import MessageRequested
from heliograph.events.people import Customer, PersonUpdated
from heliograph.outbound.messages.facts.objects import ByNumber
from heliograph.outbound.messages.templates.compose import Composed, Composer
from heliograph.react.automations import parse
from heliograph.react.automations.ready_made import all_ready, file_of
from heliograph.react.automations.steps import Send

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
HOUR, DAY = 3600, 86_400

READY: dict[str, Any] = {one.name: one for one in all_ready()}


@pytest.fixture
def play(line):
    def play(name: str):
        line.save(**READY[name].automation)
        line.say(PersonUpdated(person=Customer(email=ANN, first_name="Ann")), subject=SUBJECT)
        line.settle()
        return line

    return play


def say(line, data, subject=SUBJECT):
    event = line.say(data, subject=subject)
    return event, line.settle()


def sent(events) -> list[str]:
    return [event.data.template for event in events if isinstance(event.data, MessageRequested)]


def sent_to(events) -> list[str]:
    return [event.data.address for event in events if isinstance(event.data, MessageRequested)]


def test_they_are_there_under_the_names_of_their_files() -> None:
    names = {
        "welcome",
        "abandoned-cart",
        "browse-abandonment",
        "order-follow-up",
        "win-back",
        "back-in-stock",
        "back-in-stock-viewed",
    }
    assert set(READY) == names
    assert {file_of(name).stem for name in names} == names


@pytest.mark.parametrize("name", READY)
def test_a_ready_automation_is_right_and_brings_the_templates_that_it_sends(name) -> None:
    automation = parse(READY[name].automation)
    sends = {step.do.template for step in automation.steps if isinstance(step.do, Send)}
    assert sends == set(READY[name].templates)
    for parts in READY[name].templates.values():
        assert parts["subject"]
        assert "{{ unsubscribe_url }}" in parts["html"]


def granted(confirmed: int | None) -> ConsentGranted:
    return ConsentGranted(address=ANN, requested_at=1, confirmed_at=confirmed)


def test_welcome_greets_who_confirmed_and_comes_back_to_who_did_not_click(play) -> None:
    line = play("welcome")
    assert sent(say(line, granted(None))[1]) == [], "a yes that was not confirmed is greeted by nothing"
    assert sent(say(line, granted(2))[1]) == ["welcome-1"]
    assert sent(line.pass_time(3 * DAY - 1)) == []
    assert sent(line.pass_time(DAY + 1)) == ["welcome-2"]
    assert sent(say(line, granted(3))[1]) == [], "once"


def test_welcome_leaves_who_clicked_alone(play) -> None:
    line = play("welcome")
    message = next(event for event in say(line, granted(2))[1] if event.kind == "message.requested")
    clicked, _ = say(line, LinkClicked(message=message.id, url="http://x"), message.subject)
    line.judge(clicked)
    line.settle()
    assert sent(line.pass_time(9 * DAY)) == []


def test_abandoned_cart_writes_twice_and_counts_the_order_as_reached(play) -> None:
    line = play("abandoned-cart")
    say(line, CartUpdated(cart=Cart(id="c1", email=ANN)))
    assert sent(line.pass_time(HOUR)) == ["abandoned-cart-1"]
    assert sent(line.pass_time(DAY)) == ["abandoned-cart-2"]
    say(line, CartUpdated(cart=Cart(id="c2", email=ANN)))
    _, made = say(line, OrderCreated(order=Order(id="o1", email=ANN, cart_id="c2")))
    assert [type(event.data) for event in made] == [RunReached]
    assert sent(line.pass_time(9 * DAY)) == []


def test_browse_abandonment_writes_after_the_last_look_unless_a_cart_comes(play) -> None:
    line = play("browse-abandonment")
    for product in ("p1", "p2"):
        say(line, ProductViewed(product_id=product, email=ANN))
        assert sent(line.pass_time(HOUR)) == []
    assert sent(line.pass_time(HOUR)) == ["browse-abandonment"]
    line.pass_time(8 * DAY)
    say(line, ProductViewed(product_id="p3", email=ANN))
    say(line, CartUpdated(cart=Cart(id="c", email=ANN)))
    assert sent(line.pass_time(DAY)) == []


def test_order_follow_up_knows_the_first_order_from_the_next(play) -> None:
    line = play("order-follow-up")
    say(line, OrderCreated(order=Order(id="o1", email=ANN)))
    assert sent(line.pass_time(10 * DAY - 60)) == []
    assert sent(line.pass_time(DAY + 60)) == ["order-follow-up-first"]
    say(line, OrderCreated(order=Order(id="o2", email=ANN)))
    say(line, OrderCreated(order=Order(id="o3", email=ANN)))
    say(line, OrderDeleted(order=Order(id="o3", email=ANN)))
    assert sent(line.pass_time(12 * DAY)) == ["order-follow-up-again"], "and of a deleted order nothing"


def test_win_back_writes_ninety_days_after_the_last_order(play) -> None:
    line = play("win-back")
    say(line, OrderCreated(order=Order(id="o1", email=ANN)))
    line.pass_time(60 * DAY)
    say(line, OrderCreated(order=Order(id="o2", email=ANN)))
    assert sent(line.pass_time(90 * DAY - 60)) == []
    assert sent(line.pass_time(DAY + 60)) == ["win-back-1"]
    assert sent(line.pass_time(31 * DAY)) == ["win-back-2"]


def test_win_back_stops_when_they_are_back(play) -> None:
    line = play("win-back")
    say(line, OrderCreated(order=Order(id="o1", email=ANN)))
    assert sent(line.pass_time(92 * DAY)) == ["win-back-1"]
    say(line, OrderCreated(order=Order(id="o2", email=ANN)))
    assert sent(line.pass_time(60 * DAY)) == []


def stock(product: str, number: int) -> ProductUpdated:
    return ProductUpdated(product=Product(id=product, variants=[{"inventory_quantity": number}]))


def test_back_in_stock_writes_when_the_product_that_was_asked_for_is_there(play) -> None:
    line = play("back-in-stock")
    say(line, Custom(name="back-in-stock-wanted", body={"product_id": 7}, email=ANN))
    line.pass_time(DAY)
    assert sent(say(line, stock("7", 0), "product:7")[1]) == []
    assert sent(say(line, stock("8", 5), "product:8")[1]) == []
    assert sent(say(line, stock("7", 5), "product:7")[1]) == ["back-in-stock"]
    assert sent(say(line, stock("7", 9), "product:7")[1]) == []


def variants(**stock: int) -> ProductUpdated:
    told = [{"id": int(name[1:]), "inventory_quantity": number} for name, number in stock.items()]
    return ProductUpdated(product=Product(id="7", variants=told))


def wanted(**more: object) -> Custom:
    return Custom(name="back-in-stock-wanted", body={"product_id": 7, **more}, email=ANN)


def test_who_asked_for_a_variant_waits_for_that_one_and_others_for_any(play) -> None:
    line = play("back-in-stock")
    bob = Custom(name="back-in-stock-wanted", body={"product_id": 7}, email="bob@example.com")
    say(line, wanted(variant_id="72"))
    say(line, bob, "email:bob@example.com")
    line.pass_time(DAY)
    first = sent_to(say(line, variants(v71=5, v72=0), "product:7")[1])
    assert first == ["bob@example.com"], "another variant is what the product's waiter hears of"
    assert sent_to(say(line, variants(v71=5), "product:7")[1]) == []
    assert sent_to(say(line, variants(v71=0, v72=1), "product:7")[1]) == [ANN]
    assert sent_to(say(line, variants(v72=9), "product:7")[1]) == []


def test_two_variants_of_a_product_are_waited_for_apart_and_each_once(play) -> None:
    line = play("back-in-stock")
    for variant in (71, 72, "71"):
        say(line, wanted(variant_id=variant))
    assert sent(say(line, variants(v71=1, v72=0), "product:7")[1]) == ["back-in-stock"]
    assert sent(say(line, variants(v71=1, v72=1), "product:7")[1]) == ["back-in-stock"]
    assert sent(say(line, variants(v71=2, v72=2), "product:7")[1]) == []


def test_back_in_stock_gives_up_after_ninety_days(play) -> None:
    line = play("back-in-stock")
    say(line, Custom(name="back-in-stock-wanted", body={"product_id": 7}, email=ANN))
    assert sent(line.pass_time(91 * DAY)) == []
    assert sent(say(line, stock("7", 5), "product:7")[1]) == []


def test_back_in_stock_writes_to_who_looked_while_there_was_none(play) -> None:
    line = play("back-in-stock-viewed")
    assert sent(say(line, ProductViewed(product_id="7", email=ANN))[1]) == [], "nobody told of its stock"
    say(line, stock("7", 5), "product:7")
    line.pass_time(31 * DAY)
    ended = [one.kind for one in say(line, ProductViewed(product_id="7", email=ANN))[1]]
    assert ended[-1] == "run.finished", "there were some when they looked"
    line.pass_time(31 * DAY)
    say(line, stock("7", 0), "product:7")
    say(line, ProductViewed(product_id="7", email=ANN))
    assert sent(say(line, stock("7", 2), "product:7")[1]) == ["back-in-stock-viewed"]


def test_who_bought_it_elsewhere_needs_no_word_that_it_is_back(play) -> None:
    line = play("back-in-stock-viewed")
    say(line, stock("7", 0), "product:7")
    say(line, ProductViewed(product_id="7", email=ANN))
    order = Order(id="o", email="bob@example.com", line_items=[{"product_id": 1}, {"product_id": 7}])
    assert [one.kind for one in say(line, OrderCreated(order=order), "email:bob@example.com")[1]] == []
    other = Order(id="p", email=ANN, line_items=[{"product_id": 8}])
    assert [one.kind for one in say(line, OrderCreated(order=other))[1]] == [], "it was another product"
    say(line, OrderCreated(order=msgspec.structs.replace(order, id="q", email=ANN)))
    assert sent(say(line, stock("7", 2), "product:7")[1]) == []


FILLED: dict[str, Any] = {
    "person": {"first_name": "Ann"},
    "account": {"name": "Shop", "postal_address": "1 Road"},
    "unsubscribe_url": "https://x.example/u",
    "recently_viewed": [{"title": "Cloak", "url": "https://x.example/p"}],
    "event": {
        "id": "c1",
        "line_items": [{"name": "Cloak", "quantity": 2}],
        "product_id": 7,
    },
    "products": ByNumber({"7": {"title": "Cloak", "url": "https://x.example/cloak"}}),
}
BARE: dict[str, Any] = {
    **FILLED,
    "person": {"first_name": None},
    "recently_viewed": [],
    "products": {},
    "event": {"id": "c1", "product_id": 7},
}


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("values", [FILLED, BARE], ids=["filled", "bare"])
def test_templates_are_rendered_with_much_or_little_known(name, values) -> None:
    for template, parts in READY[name].templates.items():
        made = Composer(ManualClock()).compose(("1", template, 1), parts, values)
        assert isinstance(made, Composed), f"{template}: {made}"
        assert made.subject
        assert "https://x.example/u" in (made.html or "")
        if name.startswith("back-in-stock") and values is FILLED:
            assert 'Cloak is in stock again. <a href="https://x.example/cloak"' in (made.html or "")
