"""What follows from wishes, records, bounces and complaints, on real folds."""

from __future__ import annotations

import pytest

from heliograph.accounts.model import Policy
from heliograph.clock import SECOND
from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionRemoved,
    UnsubscriptionRequested,
)
from heliograph.events.event import is_derived
from heliograph.events.messages import MessageBounced, MessageComplained, MessageRequested, SmsReceived
from heliograph.events.people import Customer, PersonCreated, PersonUpdated
from heliograph.events.preferences import SubscriptionTopicChosen
from heliograph.react.state import consent, people

ACCOUNT = "000000000001"
ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"


def told(events) -> list[str]:
    return [f"{one.kind} {one.data.type}" if hasattr(one.data, "type") else one.kind for one in events]


def shop_says(accepts, email=ANN, **fields) -> PersonUpdated:
    return PersonUpdated(person=Customer(email=email, accepts_marketing=accepts, **fields))


def standing(line, address=ANN, channel="email"):
    return line.read(lambda connection: consent.standing(connection, ACCOUNT, channel, address))


UNSUBSCRIBE = UnsubscriptionRequested(address=ANN)
SUBSCRIBE = SubscriptionRequested(email=ANN, ip="198.51.100.7", source="popup")


def test_an_unsubscribe_is_withdrawn_and_suppressed(line) -> None:
    """RM-11"""
    wish = line.say(
        UnsubscriptionRequested(address="Ann@Example.com", how="api", ip="198.51.100.7"), subject=SUBJECT
    )
    withdrawn, added = line.settle()
    assert withdrawn.data == ConsentWithdrawn(address=ANN, how="api", ip="198.51.100.7")
    assert added.data == SuppressionAdded(
        address=ANN, type="unsubscribed", reason="Recipient unsubscribed", ip="198.51.100.7"
    )
    for event in (withdrawn, added):
        assert (event.account, event.subject, event.cause, event.at) == (ACCOUNT, SUBJECT, wish.id, wish.at)
        assert is_derived(event.id)
    assert standing(line) == consent.Standing(frozenset({"unsubscribed"}), False)


def test_an_unsubscribe_by_a_messages_link_finds_the_address_that_it_went_to(line) -> None:
    """STD-1: the link carries no address."""
    line.say(PersonCreated(person=Customer(email=ANN, id="7")), subject=SUBJECT)
    message = line.say(MessageRequested(address=ANN, template="t"), subject=SUBJECT)
    line.settle()
    line.say(
        UnsubscriptionRequested(message=message.id, how="one_click", web_copy=True),
        subject=f"message:{message.id}",
    )
    withdrawn, added = line.settle()
    assert withdrawn.data == ConsentWithdrawn(address=ANN, message=message.id, how="one_click", web_copy=True)
    assert added.data.type == "unsubscribed"
    person = line.read(lambda connection: people.find(connection, ACCOUNT, email=ANN))
    assert {withdrawn.subject, added.subject} == {f"person:{person.id}"}


def test_an_unsubscribe_of_a_customer_number_finds_their_address(line) -> None:
    line.say(PersonCreated(person=Customer(email=ANN, id="7")), subject="customer:7")
    line.say(UnsubscriptionRequested(), subject="customer:7")
    assert [event.data.address for event in line.settle()] == [ANN, ANN]


def test_an_unsubscribe_of_nobody_we_know_changes_nothing(line) -> None:
    line.say(UnsubscriptionRequested(message="0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"), subject="message:x")
    assert line.settle() == []


@pytest.mark.parametrize("batch", [1, 2, 512])
def test_two_unsubscribes_are_announced_once(line, batch) -> None:
    """In one batch, and in two before the first decision has come round."""
    for _ in range(3):
        line.say(UNSUBSCRIBE, subject=SUBJECT)
    assert told(line.settle(batch)) == ["consent.withdrawn", "suppression.added unsubscribed"]


@pytest.mark.parametrize("folded_first", [False, True])
def test_a_decision_repeated_after_a_crash_records_nothing_twice(line, folded_first) -> None:
    line.say(SubscriptionRequested(email=ANN, double_optin=True), subject=SUBJECT)
    line.say(
        SubscriptionRequested(email="bob@example.com", double_optin=False), subject="email:bob@example.com"
    )
    made = line.decide(crash=True)
    if folded_first:
        line.fold()
    line.settle()
    assert told(line.events[2:]) == told(made)
    assert [event.id for event in line.events[2:]] == [event.id for event in made]
    assert standing(line) == consent.Standing(frozenset({"pending_opt_in"}), None)


def test_a_shops_yes_and_no_are_changes_of_preference(line) -> None:
    """S3, newsletter/subscribed: sent when the preference changes to yes, also by an API call."""
    for accepts in (True, True, False, False, None, True):
        line.say(shop_says(accepts), subject=SUBJECT)
    assert told(line.settle()) == ["consent.granted", "consent.withdrawn", "consent.granted"]
    granted = line.events[-1].data
    assert granted == ConsentGranted(address=ANN, requested_at=line.events[5].at)


def test_a_shops_record_does_not_lift_an_unsubscribe_but_the_persons_own_wish_does(line) -> None:
    """RM-11"""
    line.say(shop_says(True), subject=SUBJECT)
    line.say(UNSUBSCRIBE, subject=SUBJECT)
    line.settle()
    line.say(shop_says(True), subject=SUBJECT)
    assert line.settle() == []
    assert standing(line) == consent.Standing(frozenset({"unsubscribed"}), False)
    line.say(SUBSCRIBE, subject=SUBJECT)
    granted, removed = line.settle()
    assert granted.data.source == "popup" and granted.data.signup_ip == "198.51.100.7"
    assert removed.data == SuppressionRemoved(
        address=ANN, type="unsubscribed", reason="Customer re-subscribed", ip="198.51.100.7"
    )
    assert standing(line) == consent.Standing(frozenset(), True)


def test_suppressions_coexist_and_a_subscription_lifts_only_its_own(line) -> None:
    """RM-12"""
    line.say(UNSUBSCRIBE, subject=SUBJECT)
    line.say(SuppressionAdded(address=ANN, type="manually_suppressed"), subject=SUBJECT)
    line.say(
        MessageBounced(
            message="m",
            address=ANN,
            category="Invalid Recipient",
            code=10,
            bounce_class="hard",
            details="550",
        ),
        subject=SUBJECT,
    )
    line.say(MessageComplained(address=ANN), subject=SUBJECT)
    line.settle()
    line.say(SUBSCRIBE, subject=SUBJECT)
    assert told(line.settle()) == ["consent.granted", "suppression.removed unsubscribed"]
    assert standing(line).suppressions == {"manually_suppressed", "hard_bounce", "spam_complaint"}


@pytest.mark.parametrize(
    ("bounce_class", "expected"),
    [
        ("hard", ["suppression.added hard_bounce"]),
        ("soft", []),
        ("block", []),
        ("admin", []),
        ("undetermined", []),
    ],
)
def test_only_hard_bounces_suppress(line, bounce_class, expected) -> None:
    """MG-8"""
    bounce = MessageBounced(
        message="m", address=ANN, category="c", code=10, bounce_class=bounce_class, details="550 no such user"
    )
    for _ in range(2):
        line.say(bounce, subject=SUBJECT)
    made = line.settle()
    assert told(made) == expected
    assert all(event.data.reason == "550 no such user" for event in made)


def test_a_complaint_is_a_no_and_a_suppression(line) -> None:
    """STD-4"""
    line.say(MessageComplained(address=ANN, message="m", ip="198.51.100.7"), subject=SUBJECT)
    assert told(line.settle()) == ["consent.withdrawn", "suppression.added spam_complaint"]
    line.say(shop_says(True), subject=SUBJECT)
    assert line.settle() == []


def test_texts_stop_and_start(line) -> None:
    """MG-9: STOP also opts out."""
    phone, subject = "+12025550137", "phone:+12025550137"
    for word in ("STOP", "STOP", "KEYWORD", "HELP"):
        line.say(SmsReceived(sender=phone, to="+1", body=word, type=word), subject=subject)
    made = line.settle()
    assert told(made) == ["consent.withdrawn", "suppression.added unsubscribed"]
    assert {(event.data.channel, event.data.address) for event in made} == {("sms", phone)}
    line.say(SmsReceived(sender=phone, to="+1", body="START", type="START"), subject=subject)
    assert told(line.settle()) == ["consent.granted", "suppression.removed unsubscribed"]
    assert standing(line, phone, "sms") == consent.Standing(frozenset(), True)


def test_one_wish_for_mail_and_texts_is_two_consents(line) -> None:
    """S3, newsletter/subscribe: newsletters or SMS blasts."""
    line.say(SubscriptionRequested(email=ANN, phone="+12025550137"), subject=SUBJECT)
    made = line.settle()
    assert [(event.data.channel, event.data.address) for event in made] == [
        ("email", ANN),
        ("sms", "+12025550137"),
    ]


def test_a_wish_that_came_late_does_not_undo_what_followed_it(line) -> None:
    """RM-7, `x-event-time`: a subscription of yesterday, told after today's unsubscribe."""
    line.say(UNSUBSCRIBE, subject=SUBJECT)
    line.settle()
    line.say(SUBSCRIBE, subject=SUBJECT, at=line.now - 86400 * SECOND)
    assert line.settle() == []


def test_whole_seconds_of_a_sender_do_not_make_a_wish_late(line) -> None:
    """RM-7: `x-event-time` has no fractions. State and announcement agree."""
    line.now += 700_000
    line.say(UNSUBSCRIBE, subject=SUBJECT)
    line.settle()
    line.now -= SECOND - 100_000
    line.say(SUBSCRIBE, subject=SUBJECT, at=line.now // SECOND * SECOND)
    assert told(line.settle()) == ["consent.granted", "suppression.removed unsubscribed"]
    assert standing(line) == consent.Standing(frozenset(), True)


def test_a_no_that_came_late_is_heard(line) -> None:
    line.say(SUBSCRIBE, subject=SUBJECT)
    line.settle()
    line.say(UNSUBSCRIBE, subject=SUBJECT, at=line.now - 86400 * SECOND)
    line.settle()
    assert standing(line) == consent.Standing(frozenset({"unsubscribed"}), False)
    line.say(UNSUBSCRIBE, subject=SUBJECT)
    assert line.settle() == []


class TestWithDoubleOptIn:
    """RM-11: `pending_opt_in` until confirmed."""

    @pytest.fixture
    def policy(self) -> Policy:
        return Policy(double_optin=True)

    def test_a_confirmation_is_asked_for_and_nothing_is_lifted_yet(self, line) -> None:
        line.say(UNSUBSCRIBE, subject=SUBJECT)
        line.settle()
        wish = line.say(
            SubscriptionRequested(email=ANN, first_name="Ann", ip="198.51.100.7"), subject=SUBJECT
        )
        added, asked = line.settle()
        assert added.data.type == "pending_opt_in"
        person = line.read(lambda connection: people.find(connection, ACCOUNT, email=ANN))
        assert asked.data == MessageRequested(
            address=ANN,
            template="confirm-subscription",
            person=person.id,
            transactional=True,
            context={
                "event": {"email": ANN, "first_name": "Ann", "ip": "198.51.100.7", "tags": [], "source": ""}
            },
        )
        assert (asked.cause, asked.subject) == (wish.id, f"person:{person.id}")
        assert standing(line).suppressions == {"unsubscribed", "pending_opt_in"}

    def test_the_confirmation_makes_it_a_yes_with_its_proof(self, line) -> None:
        """S3, newsletter/subscribed: signup_ip, optin_ip, optin_timestamp. STD-7: double-opt-in proof."""
        line.say(UNSUBSCRIBE, subject=SUBJECT)
        wish = line.say(SUBSCRIBE, subject=SUBJECT)
        asked = line.settle()[-1]
        click = line.say(
            SubscriptionConfirmed(message=asked.id, ip="203.0.113.9"), subject=f"message:{asked.id}"
        )
        granted, *removed = line.settle()
        assert granted.data == ConsentGranted(
            address=ANN,
            requested_at=wish.at,
            confirmed_at=click.at,
            signup_ip="198.51.100.7",
            optin_ip="203.0.113.9",
            source="popup",
        )
        assert told(removed) == ["suppression.removed unsubscribed", "suppression.removed pending_opt_in"]
        assert standing(line) == consent.Standing(frozenset(), True)
        line.say(SubscriptionConfirmed(message=asked.id), subject=f"message:{asked.id}")
        line.say(SUBSCRIBE, subject=SUBJECT)
        assert line.settle() == []

    def test_the_event_may_ask_for_less_than_the_account(self, line) -> None:
        line.say(SubscriptionRequested(email=ANN, double_optin=False), subject=SUBJECT)
        assert told(line.settle()) == ["consent.granted"]

    def test_nobody_is_asked_again_and_again(self, line) -> None:
        for _ in range(3):
            line.say(SUBSCRIBE, subject=SUBJECT)
        assert told(line.settle()) == ["suppression.added pending_opt_in", "message.requested"]
        line.now += 16 * 60 * SECOND
        line.say(SUBSCRIBE, subject=SUBJECT)
        assert told(line.settle()) == ["message.requested"]

    def test_a_shops_record_is_no_confirmation(self, line) -> None:
        line.say(SUBSCRIBE, subject=SUBJECT)
        line.say(shop_says(True), subject=SUBJECT)
        assert told(line.settle()) == ["suppression.added pending_opt_in", "message.requested"]

    def test_a_phone_waits_for_a_channel_on_which_it_can_be_asked(self, line) -> None:
        line.say(SubscriptionRequested(phone="+12025550137"), subject="phone:+12025550137")
        (added,) = line.settle()
        assert (added.data.channel, added.data.type) == ("sms", "pending_opt_in")

    def test_an_undone_unsubscribe_is_a_yes_again(self, line) -> None:
        """The page after an unsubscribe leads back by the confirmation door."""
        message = line.say(MessageRequested(address=ANN, template="t"), subject=SUBJECT)
        line.say(UnsubscriptionRequested(message=message.id, how="page"), subject=f"message:{message.id}")
        line.say(SubscriptionConfirmed(message=message.id), subject=f"message:{message.id}")
        line.say(UnsubscriptionRequested(message=message.id, how="page"), subject=f"message:{message.id}")
        assert told(line.settle()) == [
            "consent.withdrawn",
            "suppression.added unsubscribed",
            "consent.granted",
            "suppression.removed unsubscribed",
            "consent.withdrawn",
            "suppression.added unsubscribed",
        ]
        assert standing(line) == consent.Standing(frozenset({"unsubscribed"}), False)


class TestWhereCaseCounts:
    """`keep_local_case`: John@ and john@ are two people."""

    @pytest.fixture
    def policy(self) -> Policy:
        return Policy(double_optin=False, keep_local_case=True)

    def test_the_case_of_the_local_part_is_kept(self, line) -> None:
        line.say(UnsubscriptionRequested(address="John@Example.com"), subject="email:John@example.com")
        assert {event.data.address for event in line.settle()} == {"John@example.com"}


@pytest.mark.parametrize("topic", ["offers", None])
def test_leaving_by_a_mail_about_a_topic_leaves_the_topic_and_one_that_is_forgotten_everything(
    line, topic
) -> None:
    sent = line.say(MessageRequested(address=ANN, template="cart", topic=topic), subject=SUBJECT)
    line.settle()
    line.say(UnsubscriptionRequested(message=sent.id, how="one_click", only_topic=True), subject=SUBJECT)
    followed = line.settle()
    if topic is None:
        assert told(followed) == ["consent.withdrawn", "suppression.added unsubscribed"]
        return
    (left,) = followed
    assert left.data == SubscriptionTopicChosen(
        address=ANN, topic=topic, wanted=False, message=sent.id, how="one_click"
    )
    assert standing(line) == consent.Standing(frozenset(), None)
