"""The rules of permission, as a table: where an address stands, what is said, what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.events.consent import SUPPRESSION_TYPES, ConsentGranted, SuppressionRemoved
from heliograph.react.policies import rules
from heliograph.react.policies.rules import Place, Proof, Standing, Trace

PLACE = Place("email", "ann@example.com")
PROOF = Proof(requested_at=5_000_000)
TRACE = Trace(message="m", how="link")

EVERYTHING_ELSE = frozenset(SUPPRESSION_TYPES) - {"unsubscribed", "pending_opt_in"}


def standing(*suppressions: str, opt_in: bool | None = None) -> Standing:
    return Standing(dict.fromkeys(suppressions, 1_000_000), opt_in, 1_000_000 if opt_in is not None else 0)


def told(consequences) -> list[str]:
    return [f"{one.kind} {one.type}" if hasattr(one, "type") else one.kind for one in consequences]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (standing(), ["consent.withdrawn", "suppression.added unsubscribed"]),
        (standing(opt_in=True), ["consent.withdrawn", "suppression.added unsubscribed"]),
        (standing(opt_in=False), ["consent.withdrawn", "suppression.added unsubscribed"]),
        (standing("hard_bounce"), ["consent.withdrawn", "suppression.added unsubscribed"]),
        (standing("unsubscribed"), ["consent.withdrawn"]),
        (standing("unsubscribed", opt_in=False), []),
    ],
)
def test_an_unsubscription_withdraws_consent_and_suppresses(before, expected) -> None:
    """RM-11, RM-12"""
    assert told(rules.unsubscribed(PLACE, before, TRACE)) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (standing(), ["consent.granted"]),
        (standing(opt_in=False), ["consent.granted"]),
        (standing(opt_in=True), []),
        (standing("hard_bounce", opt_in=True), []),
        (standing("unsubscribed", opt_in=False), ["consent.granted", "suppression.removed unsubscribed"]),
        (standing("pending_opt_in"), ["consent.granted", "suppression.removed pending_opt_in"]),
        (
            standing("unsubscribed", "pending_opt_in", "manually_suppressed", opt_in=False),
            ["consent.granted", "suppression.removed unsubscribed", "suppression.removed pending_opt_in"],
        ),
        (standing("spam_complaint", "manually_suppressed"), ["consent.granted"]),
    ],
)
def test_a_persons_own_yes(before, expected) -> None:
    """RM-11: it lifts `unsubscribed` and nothing that others put there."""
    assert told(rules.subscribed(PLACE, before, PROOF)) == expected


@pytest.mark.parametrize(
    ("before", "accepts", "expected"),
    [
        (standing(), True, ["consent.granted"]),
        (standing(opt_in=False), True, ["consent.granted"]),
        (standing(opt_in=True), True, []),
        (standing("unsubscribed", opt_in=False), True, []),
        (standing("pending_opt_in"), True, []),
        (standing("spam_complaint", opt_in=False), True, []),
        (standing("hard_bounce"), True, ["consent.granted"]),
        (standing(), False, ["consent.withdrawn"]),
        (standing(opt_in=True), False, ["consent.withdrawn"]),
        (standing(opt_in=False), False, []),
    ],
)
def test_a_shops_record_says_yes_or_no_but_lifts_nothing(before, accepts, expected) -> None:
    """RM-11: `accepts_marketing: true` does not lift a suppression, and is no yes while one stands."""
    assert told(rules.told_by_shop(PLACE, before, accepts, PROOF)) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (standing(), True),
        (standing(opt_in=False), True),
        (standing(opt_in=True), False),
        (standing("unsubscribed", opt_in=False), True),
        (standing("pending_opt_in"), True),
        (standing("hard_bounce", opt_in=True), False),
    ],
)
def test_when_a_confirmation_has_to_be_asked_for(before, expected) -> None:
    assert rules.needs_confirmation(before, PROOF) is expected


def test_bounces_and_complaints_suppress_once() -> None:
    """MG-8"""
    assert told(rules.bounced_hard(PLACE, standing("unsubscribed"), "550")) == [
        "suppression.added hard_bounce"
    ]
    assert told(rules.bounced_hard(PLACE, standing("hard_bounce"), "550")) == []
    assert told(rules.complained(PLACE, standing(opt_in=True), TRACE)) == [
        "consent.withdrawn",
        "suppression.added spam_complaint",
    ]
    assert told(rules.complained(PLACE, standing("spam_complaint", opt_in=False), TRACE)) == []


def test_a_yes_that_came_late_is_overtaken_by_the_no_that_followed_it() -> None:
    """RM-7: events may tell of the past."""
    at = 10_000_000
    before = Standing({"unsubscribed": at}, False, at)
    for said, heard in ((at - 2_000_001, False), (at - 2_000_000, True), (at, True)):
        assert bool(rules.subscribed(PLACE, before, Proof(requested_at=said))) is heard
        assert rules.needs_confirmation(before, Proof(requested_at=said)) is heard
        confirmed = Proof(requested_at=0, confirmed_at=said)
        assert bool(rules.subscribed(PLACE, before, confirmed)) is heard
    late = Standing({}, True, at)
    assert rules.told_by_shop(PLACE, late, False, Proof(requested_at=at - 2_000_001)) == ()


standings = st.builds(
    Standing,
    st.dictionaries(st.sampled_from(SUPPRESSION_TYPES), st.integers(0, 10**7)),
    st.none() | st.booleans(),
    st.integers(0, 10**7),
)
deciders = st.sampled_from(
    [
        lambda s: rules.unsubscribed(PLACE, s, TRACE),
        lambda s: rules.subscribed(PLACE, s, PROOF),
        lambda s: rules.awaiting(PLACE, s, ""),
        lambda s: rules.told_by_shop(PLACE, s, True, PROOF),
        lambda s: rules.told_by_shop(PLACE, s, False, PROOF),
        lambda s: rules.bounced_hard(PLACE, s, "550"),
        lambda s: rules.complained(PLACE, s, TRACE),
    ]
)


def after(before: Standing, consequences) -> Standing:
    for consequence in consequences:
        before = rules.applied(before, consequence, 0)
    return before


@given(before=standings, decide=deciders)
def test_saying_it_twice_announces_it_once(before, decide) -> None:
    assert decide(after(before, decide(before))) == ()


@given(before=standings, decide=deciders)
def test_nothing_but_a_persons_yes_lifts_anything_and_never_what_others_put_there(before, decide) -> None:
    """RM-11, RM-12"""
    made = decide(before)
    lifted = {one.type for one in made if isinstance(one, SuppressionRemoved)}
    assert lifted.isdisjoint(EVERYTHING_ELSE)
    assert not lifted or any(isinstance(one, ConsentGranted) for one in made)
    assert EVERYTHING_ELSE & before.suppressions.keys() <= after(before, made).suppressions.keys()
