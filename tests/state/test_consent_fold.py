"""Who may be written to: suppressions, opt-in, and what is on record."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from state_world import ACCOUNT, OTHER, World, cart, customer, dump, fold, order, recorded

from heliograph.clock import SECOND
from heliograph.events.commerce import CartDeleted, CartUpdated, OrderCreated
from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionRemoved,
    SuppressionType,
    UnsubscriptionRequested,
)
from heliograph.events.event import AnyEvent
from heliograph.events.people import PersonUpdated
from heliograph.react.state import consent, consent_log
from heliograph.react.state.consent import Standing

ANN = "ann@x.example"


def standing(world: World, address: str = ANN, channel: str = "email") -> Standing:
    return consent.standing(world.connection, ACCOUNT, channel, address)


def carted(world: World, accepts: Any, **how: Any) -> AnyEvent:
    return world.happen(CartUpdated(cart=cart(id=1, email=ANN, accepts_marketing=accepts)), **how)


def granted(world: World) -> AnyEvent:
    return world.happen(ConsentGranted(address=ANN, requested_at=1))


def withdrawn(world: World) -> AnyEvent:
    return world.happen(ConsentWithdrawn(address=ANN))


def test_of_an_address_nobody_spoke_of_nothing_is_known(world: World) -> None:
    assert standing(world) == Standing(frozenset(), None)


@pytest.mark.parametrize("type_", get_args(SuppressionType))
def test_suppressions_stand_side_by_side_and_fall_one_by_one(world: World, type_: SuppressionType) -> None:
    """RM-12, with every type of S3."""
    second: SuppressionType = "hard_bounce" if type_ != "hard_bounce" else "unsubscribed"
    world.happen(SuppressionAdded(address=ANN, type=type_))
    world.happen(SuppressionAdded(address=ANN, type=second))
    assert standing(world).suppressions == {type_, second}
    world.happen(SuppressionRemoved(address=ANN, type=type_))
    assert standing(world).suppressions == {second}
    world.happen(SuppressionRemoved(address=ANN, type=type_))
    assert standing(world).suppressions == {second}


def test_a_repeated_suppression_keeps_when_and_why_it_began(world: World) -> None:
    first = world.happen(
        SuppressionAdded(address=ANN, type="unsubscribed", reason="Recipient unsubscribed", ip="1.1.1.1")
    )
    world.happen(SuppressionAdded(address=ANN, type="unsubscribed", reason="again"))
    world.happen(SuppressionAdded(address=ANN, type="hard_bounce", reason="550"))
    found = consent.suppressions(world.connection, ACCOUNT, "email", ANN)
    assert [(one.type, one.reason, one.ip) for one in found] == [
        ("unsubscribed", "Recipient unsubscribed", "1.1.1.1"),
        ("hard_bounce", "550", ""),
    ]
    assert found[0].since == first.at


def test_a_channel_an_address_and_an_account_stand_alone(world: World) -> None:
    world.happen(SuppressionAdded(channel="sms", address="+12025550137", type="unsubscribed"))
    world.happen(SuppressionAdded(address=ANN, type="unsubscribed"), account=OTHER)
    assert standing(world, "+12025550137", "sms").suppressions == {"unsubscribed"}
    assert not standing(world, "+12025550137", "push").suppressions
    assert not standing(world).suppressions


def test_an_address_is_found_in_any_spelling(world: World) -> None:
    """RFC 5321 section 2.4: domains have no case; local parts only where the account says so."""
    world.happen(SuppressionAdded(address="Ann@X.Example", type="unsubscribed"))
    assert standing(world, " ANN@x.example ").suppressions == {"unsubscribed"}


def test_where_case_counts_the_stricter_spelling_stands(world: World) -> None:
    world.happen(ConsentGranted(address="Bob@x.example", requested_at=1), subject="email:Bob@x.example")
    world.happen(ConsentWithdrawn(address="bob@x.example"), subject="email:bob@x.example")
    assert standing(world, "bob@x.example").opt_in is False
    assert standing(world, "Bob@x.example").opt_in is False


def test_the_last_own_word_counts(world: World) -> None:
    granted(world)
    assert standing(world).opt_in is True
    withdrawn(world)
    assert standing(world).opt_in is False
    granted(world)
    assert standing(world).opt_in is True


def test_decisions_count_in_the_order_in_which_they_were_recorded(world: World) -> None:
    """Policies have judged already what came late; state must not judge otherwise."""
    world.happen(SuppressionAdded(address=ANN, type="unsubscribed"))
    world.happen(ConsentWithdrawn(address=ANN))
    early = world.now - 3600 * SECOND
    world.happen(ConsentGranted(address=ANN, requested_at=1), at=early)
    world.happen(SuppressionRemoved(address=ANN, type="unsubscribed"), at=early)
    assert standing(world) == Standing(frozenset(), True)


def test_a_tick_in_a_cart_lifts_no_suppression_and_overrules_no_withdrawal(world: World) -> None:
    """RM-11."""
    withdrawn(world)
    world.happen(SuppressionAdded(address=ANN, type="unsubscribed"))
    carted(world, True)
    assert standing(world) == Standing(frozenset({"unsubscribed"}), False, True)


def test_a_no_of_a_cart_is_a_no_where_nobody_said_anything(world: World) -> None:
    """S3: `accepts_marketing` is asked for in carts and orders."""
    carted(world, False)
    assert standing(world).opt_in is False
    carted(world, True)
    assert standing(world) == Standing(frozenset(), None, True)


def test_an_unticked_box_does_not_end_a_confirmed_subscription(world: World) -> None:
    granted(world)
    carted(world, False)
    assert standing(world) == Standing(frozenset(), True, False)


def test_a_cart_that_does_not_say_changes_nothing(world: World) -> None:
    """RM-23: `accepts_marketing` may be null."""
    carted(world, False)
    carted(world, None)
    assert standing(world).opt_in is False


def test_an_older_cart_does_not_overrule_a_newer_one(world: World) -> None:
    """RM-7."""
    newest = carted(world, False)
    carted(world, False, at=newest.at + SECOND)
    carted(world, True, at=newest.at)
    assert standing(world).shop is False


def test_the_customers_word_goes_before_the_orders(world: World) -> None:
    world.happen(
        OrderCreated(
            order=order(
                id=1,
                email="x@x.example",
                accepts_marketing=True,
                customer={"email": ANN, "accepts_marketing": "no"},
            )
        )
    )
    assert standing(world).opt_in is False
    assert standing(world, "x@x.example").opt_in is None


def test_customer_records_are_left_to_the_policies(world: World) -> None:
    """They announce a change of preference (S3 newsletter/subscribed), which they could not if it were known."""
    world.happen(PersonUpdated(person=customer(email=ANN, accepts_marketing=True)))
    world.happen(CartDeleted(cart=cart(id=1, email=ANN, accepts_marketing=True)))
    assert standing(world) == Standing(frozenset(), None)


def test_what_was_said_is_on_record_in_order(world: World) -> None:
    """STD-7: time, source, address, text version, proof of the double opt-in."""
    wish = world.happen(SubscriptionRequested(email=ANN, phone="+12025550137", ip="1.2.3.4", source="popup"))
    world.happen(SubscriptionConfirmed(address=ANN, message="m", ip="5.6.7.8"))
    grant = world.happen(
        ConsentGranted(
            address=ANN,
            requested_at=wish.at,
            confirmed_at=world.now,
            signup_ip="1.2.3.4",
            optin_ip="5.6.7.8",
            text_version="v2",
        )
    )
    carted(world, False)
    carted(world, False)
    world.happen(UnsubscriptionRequested(address=ANN, how="one_click", message="m"))
    world.happen(ConsentWithdrawn(address=ANN, how="one_click", message="m", reason="Too many"))
    log = consent_log.log(world.connection, ACCOUNT, "email", ANN)
    assert [(row["kind"], row["opted_in"]) for row in log] == [
        ("subscription.requested", None),
        ("subscription.confirmed", None),
        ("consent.granted", True),
        ("cart.updated", False),
        ("unsubscription.requested", None),
        ("consent.withdrawn", False),
    ]
    proof = log[2]
    assert proof["event"] == grant.id
    assert (proof["requested_at"], proof["ip"], proof["optin_ip"]) == (wish.at, "1.2.3.4", "5.6.7.8")
    assert (proof["text_version"], log[0]["source"], log[5]["reason"]) == ("v2", "popup", "Too many")
    assert len(consent_log.log(world.connection, ACCOUNT, "sms", "+12025550137")) == 1


def test_the_record_is_the_same_after_an_event_came_twice(world: World) -> None:
    event = recorded(ConsentGranted(address=ANN, requested_at=1), now=world.now)
    fold(world.connection, [event, event])
    before = dump(world.connection, consent.FOLD.tables)
    fold(world.connection, [event])
    assert dump(world.connection, consent.FOLD.tables) == before
    assert len(before["consent_log"]) == 1


@pytest.mark.parametrize("address", ["", " ", "x" * 501])
def test_what_names_no_address_is_passed_over(world: World, address: str) -> None:
    world.happen(SuppressionAdded(address=address, type="unsubscribed"))
    world.happen(SuppressionRemoved(address=address, type="unsubscribed"))
    world.happen(ConsentGranted(address=address, requested_at=1))
    world.happen(ConsentWithdrawn(channel="sms", address=address))
    world.happen(UnsubscriptionRequested(address=address, message="m"))
    assert not any(dump(world.connection, consent.FOLD.tables).values())
