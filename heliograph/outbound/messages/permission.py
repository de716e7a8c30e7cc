"""May this address be written to now? Asked again at the very moment of sending, whatever was true before.

Pure. What the account bars by itself (`barred`: domains, role addresses) refuses as a suppression of that type does,
and nothing has to be put on a list for it. The codes are MessageGears' (MG-8); what its document has no code for is 25, Admin Failure, with the reason in
words. Transactional mail (an order's receipt, the confirmation of a subscription) needs no consent, and goes to who
left the list; it does not go where mail bounces, where somebody complained, or where an operator said no.
"""

from __future__ import annotations

from typing import NamedTuple

from heliograph.accounts.model import Policy
from heliograph.bounces.rules import CATEGORIES
from heliograph.events import subjects


class Refusal(NamedTuple):
    """Why not: code and category for the feeds, the reason in words, and the suppression that decided, if one did."""

    code: int
    category: str
    reason: str
    suppression: str | None


ORDER: tuple[tuple[str, int, str], ...] = (
    ("hard_bounce", 130, ""),
    ("spam_complaint", 132, ""),
    ("suspected_as_spam", 133, ""),
    ("domain_suppressed", 134, ""),
    ("role_suppressed", 135, ""),
    ("deleted", 25, "The recipient was deleted or erased."),
    ("manually_suppressed", 25, "An operator suppressed the address."),
    ("soft_bounce", 25, "The address is suppressed after repeated soft bounces."),
    ("unsubscribed", 131, ""),
    ("pending_opt_in", 25, "The recipient has not yet confirmed the subscription."),
)
"""Suppressions, the weightiest first: with several at once that one is told. 131 comes late because it is the
recipient's own wish, which a renewed wish lifts. An empty reason: the description of the code (S1:L151-L176)."""

LIFTED_FOR_TRANSACTIONAL = frozenset(("unsubscribed", "pending_opt_in"))


def barred(address: str, policy: Policy) -> frozenset[str]:
    """The suppressions that hold for an e-mail address by the account's policy alone. A domain bars what is below it;
    a role is one whatever is added to it (`abuse+x@`)."""
    local, _, domain = subjects.normal_email(address).rpartition("@")
    found = set()
    labels = domain.split(".")
    above = {".".join(labels[start:]) for start in range(len(labels))}
    if not above.isdisjoint(map(_domain, policy.barred_domains)):
        found.add("domain_suppressed")
    if local.partition("+")[0] in (role.strip().lower() for role in policy.role_addresses):
        found.add("role_suppressed")
    return frozenset(found)


def refusal(
    suppressions: frozenset[str], opt_in: bool | None, *, transactional: bool, unknown_may_be_mailed: bool
) -> Refusal | None:
    """Why a message may not go to an address with these suppressions and this consent (None: never asked); None
    when it may. A suppression that is not known here refuses too."""
    standing = suppressions - LIFTED_FOR_TRANSACTIONAL if transactional else suppressions
    for suppression, code, reason in ORDER:
        if suppression in standing:
            category = CATEGORIES[code]
            return Refusal(code, category.name, reason or category.description, suppression)
    if standing:
        other = min(standing)
        return _admin(f"The address is suppressed: {other}.", other)
    if transactional or opt_in or (opt_in is None and unknown_may_be_mailed):
        return None
    if opt_in is None:
        return _admin(
            "The recipient never agreed to marketing, and the account does not write to such.", None
        )
    return _admin("The recipient does not accept marketing.", None)


def _domain(written: str) -> str:
    return subjects.ascii_domain(written.strip().lstrip("@.").removesuffix("."))


def _admin(reason: str, suppression: str | None) -> Refusal:
    return Refusal(25, CATEGORIES[25].name, reason, suppression)
