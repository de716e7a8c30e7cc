"""What a page without a key can do to people it does not own: name them, and nothing else (RM-2)."""

from __future__ import annotations

from typing import Any

import pytest
from state_world import ACCOUNT, World, cart, customer

from heliograph.events.commerce import CartUpdated, OrderUpdated, ProductViewed
from heliograph.events.consent import SubscriptionRequested
from heliograph.events.people import PersonUpdated
from heliograph.react.state import consent, people

ANN, PHONE = "ann@x.example", "+12025550137"


def shop_tells(world: World, **fields: Any) -> None:
    world.happen(PersonUpdated(person=customer(**fields)))


def page_tells(world: World, **fields: Any) -> None:
    world.happen(PersonUpdated(person=customer(**fields), keyless=True))


def find(world: World, **who: Any) -> people.Person | None:
    return people.find(world.connection, ACCOUNT, **who)


def known(world: World, **who: Any) -> people.Person:
    found = find(world, **who)
    assert found is not None
    return found


def test_a_page_makes_and_describes_somebody(world: World) -> None:
    """S3:L126: setCustomer creates the contact."""
    page_tells(world, email=ANN, first_name="Ann", sms_phone_number_e164=PHONE, accepts_marketing=True)
    ann = known(world, phone=PHONE)
    assert (ann.email, ann.first_name, ann.accepts_marketing) == (ANN, "Ann", True)


def test_a_page_cannot_take_a_phone_that_somebody_has(world: World) -> None:
    shop_tells(world, email=ANN, sms_phone_number_e164=PHONE)
    ann = known(world, email=ANN)
    page_tells(world, email="eve@x.example", sms_phone_number_e164=PHONE)
    assert known(world, phone=PHONE).id == ann.id
    assert known(world, email=ANN).id == ann.id, "nor their address by naming their phone"
    eve = known(world, email="eve@x.example")
    assert (eve.id != ann.id, eve.phone) == (True, None)


def test_a_page_cannot_replace_a_phone(world: World) -> None:
    shop_tells(world, email=ANN, sms_phone_number_e164=PHONE)
    page_tells(world, email=ANN, sms_phone_number_e164="+12025550199")
    assert known(world, email=ANN).phone == PHONE
    assert find(world, phone="+12025550199") is None


@pytest.mark.parametrize(
    "data",
    [
        PersonUpdated(person=customer(id="7", first_name="Eve"), keyless=True),
        CartUpdated(cart=cart(id="c", customer={"id": "7"}), keyless=True),
        ProductViewed(product_id="1", customer_id="7", keyless=True),
        PersonUpdated(person=customer(id="7", sms_phone_number_e164=PHONE), keyless=True),
    ],
)
def test_a_number_that_the_shop_has_not_told_of_stays_nobodys(world: World, data: Any) -> None:
    """S3:L127: setCustomerId requires that the contact is there."""
    world.happen(data, subject="customer:7")
    assert find(world, customer_id="7") is None and find(world, phone=PHONE) is None
    shop_tells(world, id="7", email=ANN)
    assert known(world, customer_id="7").email == ANN


def test_a_subscription_of_a_page_renames_nobody(world: World) -> None:
    shop_tells(world, email=ANN, sms_phone_number_e164=PHONE)
    world.happen(SubscriptionRequested(email="eve@x.example", phone=PHONE, keyless=True))
    assert known(world, phone=PHONE).email == ANN


def test_a_pages_yes_is_no_yes_where_a_no_is_known(world: World) -> None:
    """RM-2: in what templates and filters see; the shop's own yes counts, in the very same words too."""
    shop_tells(world, email=ANN, accepts_marketing=False)
    page_tells(world, email=ANN, accepts_marketing=True)
    ann = known(world, email=ANN)
    assert (ann.accepts_marketing, ann.document["accepts_marketing"]) == (False, False)
    shop_tells(world, email=ANN, accepts_marketing=True)
    assert known(world, email=ANN).accepts_marketing is True
    page_tells(world, email=ANN, accepts_marketing=False)
    assert known(world, email=ANN).accepts_marketing is False


def test_a_cart_of_a_page_does_not_overrule_the_no_of_an_order(world: World) -> None:
    """RM-2"""

    def standing() -> bool | None:
        return consent.standing(world.connection, ACCOUNT, "email", ANN).opt_in

    world.hear(OrderUpdated, {"id": 1, "email": ANN, "accepts_marketing": False})
    world.happen(CartUpdated(cart=cart(id="c", email=ANN, accepts_marketing=True), keyless=True))
    assert standing() is False
    world.happen(CartUpdated(cart=cart(id="c", email=ANN, accepts_marketing=True)))
    assert standing() is None
    world.happen(CartUpdated(cart=cart(id="c", email=ANN, accepts_marketing=False), keyless=True))
    assert standing() is False
