"""Browse abandonment: somebody looked, and neither cart nor order came: mailed once a week at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from heliograph.clock import SECOND
from heliograph.errors import BadRequest
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated, ProductViewed
from heliograph.events.custom import Custom
from heliograph.events.definitions import RunCancelled, RunStarted
from heliograph.events.messages import MessageRequested
from heliograph.events.people import Customer, PersonUpdated
from heliograph.react import automations

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
HOUR, DAY = 3600, 86_400

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "web-tracking.md").read_text()
BROWSED: dict[str, Any] = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])
"""The automation that the page for shop engineers tells them to write."""


@pytest.fixture
def shop(line):
    line.save(**BROWSED)
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=SUBJECT)
    line.settle()
    return line


def look(product="p1") -> ProductViewed:
    return ProductViewed(product_id=product, email=ANN, keyless=True)


def mailed(events) -> list[str]:
    return [
        event.data.context["event"]["product_id"]
        for event in events
        if isinstance(event.data, MessageRequested)
    ]


def test_who_looked_and_left_is_mailed_about_the_last_look(shop) -> None:
    for product in ("p1", "p2", "p3"):
        shop.say(look(product), subject=SUBJECT)
        shop.settle()
        assert mailed(shop.pass_time(HOUR)) == []
    assert mailed(shop.pass_time(HOUR)) == ["p3"], "two hours after the last look, and one mail for all"


@pytest.mark.parametrize(
    "then",
    [
        CartUpdated(cart=Cart(id="c", email=ANN), keyless=True),
        OrderCreated(order=Order(id="o", email=ANN)),
    ],
)
def test_whoever_goes_on_to_a_cart_or_an_order_is_not(shop, then) -> None:
    shop.say(look(), subject=SUBJECT)
    shop.settle()
    shop.say(then, subject=SUBJECT)
    assert [event.kind for event in shop.settle()] == [RunCancelled.kind]
    assert mailed(shop.pass_time(DAY)) == []


def test_once_a_week_and_no_oftener(shop) -> None:
    shop.say(look(), subject=SUBJECT)
    shop.settle()
    assert mailed(shop.pass_time(3 * DAY)) == ["p1"]
    shop.say(look("p2"), subject=SUBJECT)
    assert shop.settle() == []
    shop.pass_time(4 * DAY)
    shop.say(look("p3"), subject=SUBJECT)
    assert shop.settle()[0].kind == RunStarted.kind
    assert mailed(shop.pass_time(DAY)) == ["p3"]


def test_without_it_never_again(line) -> None:
    line.save(**{name: value for name, value in BROWSED.items() if name != "again_after"})
    line.say(look(), subject=SUBJECT)
    line.settle()
    assert mailed(line.pass_time(DAY)) == ["p1"]
    line.pass_time(300 * DAY)
    line.say(look("p2"), subject=SUBJECT)
    assert line.settle() == []


def test_a_number_that_nobody_has_is_mailed_to_nobody(shop) -> None:
    """S3:L127: setCustomerId requires that the contact is there; where it is, the look is theirs."""
    by_number = ProductViewed(product_id="p1", customer_id="7", keyless=True)
    shop.say(by_number, subject="customer:7")
    assert shop.settle() == []
    shop.say(PersonUpdated(person=Customer(id="7", email=ANN)), subject=SUBJECT)
    shop.say(by_number, subject="customer:7")
    assert shop.settle()[0].kind == RunStarted.kind
    assert mailed(shop.pass_time(DAY)) == ["p1"]


def test_a_custom_event_of_a_page_triggers_as_any_other(line) -> None:
    line.save(
        name="searched",
        trigger={"kind": "custom", "name": "siteSearch", "where": {"search_keyword": {"contains": "red"}}},
        steps=[{"send": {"template": "x"}}],
    )
    said = Custom(
        name="siteSearch", body={"search_keyword": "Red shorts", "email": ANN}, email=ANN, keyless=True
    )
    line.say(said, subject=SUBJECT)
    assert MessageRequested.kind in [event.kind for event in line.settle()]


def test_the_pause_is_a_duration() -> None:
    with pytest.raises(BadRequest) as caught:
        automations.parse({**BROWSED, "again_after": "weekly"})
    assert caught.value.field == "again_after"
    assert automations.parse(BROWSED).again_after == 7 * DAY * SECOND
