"""A page without a key never turns a no into a yes: it may ask the owner of the address, and that is all (RM-2)."""

from __future__ import annotations

import pytest

from heliograph.accounts.model import Policy
from heliograph.events.commerce import Order, OrderCreated
from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    UnsubscriptionRequested,
)
from heliograph.events.messages import MessageComplained, MessageRequested
from heliograph.events.people import Customer, PersonUpdated
from heliograph.react.state import consent

ACCOUNT = "000000000001"
ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"


def page_says(accepts) -> PersonUpdated:
    return PersonUpdated(person=Customer(email=ANN, accepts_marketing=accepts), keyless=True)


def shop_says(accepts) -> PersonUpdated:
    return PersonUpdated(person=Customer(email=ANN, accepts_marketing=accepts))


def subscribes(**fields) -> SubscriptionRequested:
    return SubscriptionRequested(email=ANN, source="browser", keyless=True, **fields)


NOES = {
    "the shop said no": shop_says(False),
    "the person unsubscribed": UnsubscriptionRequested(address=ANN),
    "an order said no": OrderCreated(order=Order(id="1", email=ANN, accepts_marketing=False)),
    "it was marked as spam": MessageComplained(message="m", address=ANN),
}


def kinds(events) -> list[str]:
    return [event.kind for event in events]


def standing(line) -> consent.Standing:
    return line.read(lambda connection: consent.standing(connection, ACCOUNT, "email", ANN))


@pytest.mark.parametrize("no", NOES.values(), ids=NOES)
def test_setting_a_customer_turns_no_no_into_a_yes(line, no) -> None:
    line.say(no, subject=SUBJECT)
    line.settle()
    before = standing(line)
    assert before.opt_in is False
    line.say(page_says(True), subject=SUBJECT)
    assert line.settle() == []
    assert standing(line) == before


def test_where_nobody_said_anything_a_page_may_say_yes_and_no(line) -> None:
    """S3:L115: setCustomer with accepts_marketing."""
    line.say(page_says(True), subject=SUBJECT)
    assert kinds(line.settle()) == [ConsentGranted.kind]
    line.say(page_says(False), subject=SUBJECT)
    assert kinds(line.settle()) == [ConsentWithdrawn.kind]
    line.say(page_says(True), subject=SUBJECT)
    assert line.settle() == [], "and never back"
    line.say(shop_says(True), subject=SUBJECT)
    assert kinds(line.settle()) == [ConsentGranted.kind], "the shop's server may"


@pytest.mark.parametrize("double", [None, False])
@pytest.mark.parametrize("no", NOES.values(), ids=NOES)
def test_a_pages_subscription_is_confirmed_by_mail_where_a_no_stands(line, no, double) -> None:
    """RM-2, RM-11: though neither the account nor the event asks for it."""
    line.say(no, subject=SUBJECT)
    line.settle()
    line.say(subscribes(double_optin=double), subject=SUBJECT)
    assert kinds(line.settle()) == [SuppressionAdded.kind, MessageRequested.kind]
    assert standing(line).opt_in is False
    line.say(SubscriptionConfirmed(address=ANN), subject=SUBJECT)
    assert ConsentGranted.kind in kinds(line.settle())
    assert standing(line).opt_in is True


def test_where_no_no_stands_the_account_decides(line) -> None:
    line.say(subscribes(), subject=SUBJECT)
    assert kinds(line.settle()) == [ConsentGranted.kind]


def test_a_page_may_ask_for_a_confirmation(line) -> None:
    line.say(subscribes(double_optin=True), subject=SUBJECT)
    assert kinds(line.settle()) == [SuppressionAdded.kind, MessageRequested.kind]


class TestWithDoubleOptIn:
    @pytest.fixture
    def policy(self) -> Policy:
        return Policy(double_optin=True)

    def test_a_page_cannot_spare_anybody_the_confirmation(self, line) -> None:
        line.say(subscribes(double_optin=False), subject=SUBJECT)
        assert kinds(line.settle()) == [SuppressionAdded.kind, MessageRequested.kind]
        assert standing(line).opt_in is None
