"""Who may be written to at the moment of sending (MG-8, wire-facts 6.1)."""

from __future__ import annotations

from itertools import combinations

import pytest

from heliograph.accounts.model import Policy
from heliograph.events.consent import SUPPRESSION_TYPES
from heliograph.outbound.messages.permission import ORDER, barred, refusal, unwanted
from heliograph.react.state.preferences import Wishes

# type: (code, category) for marketing mail; whether transactional mail goes all the same
TABLE = {
    "hard_bounce": (130, "Hardbounce Suppression", False),
    "unsubscribed": (131, "Unsubscribe Suppression", True),
    "spam_complaint": (132, "Fbl Suppression", False),
    "suspected_as_spam": (133, "Complainer Suppression", False),
    "domain_suppressed": (134, "Domain Suppression", False),
    "role_suppressed": (135, "Role Suppression", False),
    "manually_suppressed": (25, "Admin Failure", False),
    "soft_bounce": (25, "Admin Failure", False),
    "deleted": (25, "Admin Failure", False),
    "pending_opt_in": (25, "Admin Failure", True),
}


def ask(*suppressions: str, opt_in: bool | None = True, transactional: bool = False, unknown: bool = True):  # type: ignore[no-untyped-def] - a test's shorthand
    return refusal(frozenset(suppressions), opt_in, transactional=transactional, unknown_is_yes=unknown)


def test_every_suppression_type_is_in_the_tables() -> None:
    assert set(TABLE) == set(SUPPRESSION_TYPES) == {suppression for suppression, _, _ in ORDER}


@pytest.mark.parametrize(("suppression", "row"), TABLE.items())
def test_a_suppression_refuses_with_its_code(suppression: str, row: tuple[int, str, bool]) -> None:
    """MG-8"""
    code, category, lifted = row
    told = ask(suppression)
    assert (told.code, told.category, told.suppression) == (code, category, suppression)
    assert told.reason
    assert (ask(suppression, transactional=True) is None) == lifted


@pytest.mark.parametrize(
    ("opt_in", "unknown", "transactional", "goes"),
    [
        (True, False, False, True),
        (None, True, False, True),
        (None, False, False, False),
        (False, True, False, False),
        (False, True, True, True),
        (None, False, True, True),
    ],
)
def test_marketing_needs_consent_and_transactional_mail_does_not(
    opt_in: bool | None, unknown: bool, transactional: bool, goes: bool
) -> None:
    told = ask(opt_in=opt_in, unknown=unknown, transactional=transactional)
    assert (told is None) == goes
    if told is not None:
        assert (told.code, told.suppression) == (25, None)


def test_of_two_suppressions_the_weightier_is_told_and_lifting_it_leaves_the_other() -> None:
    """RM-12"""
    order = [suppression for suppression, _, _ in ORDER]
    for heavy, light in combinations(order, 2):
        assert ask(heavy, light).suppression == heavy
        assert ask(light).suppression == light


def test_a_suppression_of_another_version_refuses_too() -> None:
    told = ask("sulking")
    assert (told.code, told.suppression) == (25, "sulking")
    assert ask("sulking", transactional=True) is not None


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("joe@barred.example", {"domain_suppressed"}),
        ("joe@Mail.Barred.Example", {"domain_suppressed"}),
        ("joe@notbarred.example", set()),
        ("joe@b\u00fccher.example", {"domain_suppressed"}),
        ("joe@xn--bcher-kva.example", {"domain_suppressed"}),
        ("Abuse@shop.example", {"role_suppressed"}),
        ("abuse+ticket@shop.example", {"role_suppressed"}),
        ("abuser@shop.example", set()),
        ("postmaster@barred.example", {"domain_suppressed", "role_suppressed"}),
        ("nothing", set()),
    ],
)
def test_an_account_bars_domains_and_roles(address: str, found: set[str]) -> None:
    """MG-8"""
    policy = Policy(
        barred_domains=("barred.example", "@b\u00fccher.example"), role_addresses=("abuse", " Postmaster ")
    )
    assert barred(address, policy) == found
    assert barred(address, Policy()) == set()


@pytest.mark.parametrize(
    ("channel", "suppression", "goes"),
    [
        ("email", "unsubscribed", True),
        ("push", "unsubscribed", True),
        ("sms", "unsubscribed", False),
        ("sms", "pending_opt_in", True),
        ("fax", "pending_opt_in", False),
    ],
)
def test_who_stopped_texts_gets_not_even_transactional_ones(
    channel: str, suppression: str, goes: bool
) -> None:
    told = refusal(frozenset((suppression,)), True, channel=channel, transactional=True, unknown_is_yes=False)
    assert (told is None) == goes


def test_an_account_may_ignore_the_opt_in_and_never_a_suppression() -> None:
    """wire-facts 6.1"""

    def ask_anyway(*suppressions: str) -> object:
        return refusal(
            frozenset(suppressions), False, transactional=False, unknown_is_yes=False, opt_in_counts=False
        )

    assert ask_anyway() is None
    assert ask_anyway("unsubscribed") is not None


@pytest.mark.parametrize(
    ("wishes", "code", "suppression"),
    [
        (Wishes(), None, None),
        (Wishes("offers", True, True), None, None),
        (Wishes("offers", None), None, None),
        (Wishes("offers", False, True), 131, "topic_left"),
        (Wishes("offers", False, False), 25, None),
        (Wishes(paused_until=101), 25, "paused"),
        (Wishes(paused_until=100), None, None),
    ],
)
def test_a_topic_that_was_left_and_a_pause_refuse(
    wishes: Wishes, code: int | None, suppression: str | None
) -> None:
    told = unwanted(wishes, 100)
    assert (told and told.code, told and told.suppression) == (code, suppression)
