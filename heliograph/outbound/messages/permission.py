"""May this message go to its address now? Asked again at the very moment of sending, whatever was true before.

Pure. What the account bars by itself (`barred`: domains, role addresses) refuses as a suppression of that type does,
and nothing has to be put on a list for it. The codes are MessageGears' (MG-8); what its document has no code for is
25, Admin Failure, with the reason in words. Marketing goes to who is marketable (wire-facts 6.1: no suppression, and
an opt-in of yes or unknown), wants its topic, and did not pause.

Transactional mail (an order's receipt, the confirmation of a subscription) needs no consent, and goes to who left the
list; it does not go where mail bounces, where somebody complained, or where an operator said no. Texts are another
matter: who answers STOP gets no more of any kind (47 CFR 64.1200(a)(10), and carriers block them), but for the answer to
a text of their own, such as the word that they are off the list (64.1200(a)(12)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from heliograph.accounts.model import Account, Policy
from heliograph.bounces.rules import CATEGORIES
from heliograph.clock import iso
from heliograph.events import subjects
from heliograph.events.consent import Channel
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.look import Status
from heliograph.react.state.preferences import Wishes


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

LIFTED_FOR_TRANSACTIONAL: Mapping[str, frozenset[str]] = {
    "email": frozenset(("unsubscribed", "pending_opt_in")),
    "push": frozenset(("unsubscribed", "pending_opt_in")),
    "sms": frozenset(("pending_opt_in",)),
}
"""By channel, what transactional messages are exempt from; a channel that is not here is exempt from nothing."""

LIFTED_FOR_ANSWERS = frozenset(("unsubscribed", "pending_opt_in"))
"""What the answer to somebody's own text is exempt from."""

TOPIC_LEFT = "topic_left"
PAUSED = "paused"
"""What decided where it was no suppression of the address but a wish about a part of marketing."""


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


def refused(wanted: MessageRequested, status: Status, account: Account, now: int) -> Refusal | None:
    """Why this message may not go now (microseconds), by everything that is known; None when it may."""
    policy, email = account.policy, wanted.channel == "email"
    # An operator's test is asked for by whoever gets it; what may never be written to is refused all the same.
    exempt = wanted.transactional or wanted.is_test
    by_policy = barred(wanted.address, policy) if email else frozenset[str]()
    return refusal(
        status.standing.suppressions | by_policy,
        status.standing.opt_in,
        channel=wanted.channel,
        transactional=exempt,
        answering=wanted.answers is not None,
        unknown_is_yes=_unknown_is_yes(wanted.channel, policy),
        opt_in_counts=policy.opt_in_counts,
    ) or (None if exempt else unwanted(status.wishes, now))


def _unknown_is_yes(channel: Channel, policy: Policy) -> bool:
    if channel == "push":
        return True  # a device is registered by who lets the app notify them; to any other nothing is sent
    return policy.unknown_may_be_mailed if channel == "email" else policy.unknown_may_be_texted


def refusal(
    suppressions: frozenset[str],
    opt_in: bool | None,
    *,
    channel: str = "email",
    transactional: bool,
    answering: bool = False,
    unknown_is_yes: bool,
    opt_in_counts: bool = True,
) -> Refusal | None:
    """Why a message may not go to an address with these suppressions and this consent (None: never asked); None
    when it may. A suppression that is not known here refuses too."""
    lifted = LIFTED_FOR_TRANSACTIONAL.get(channel, frozenset()) if transactional else frozenset()
    lifted |= LIFTED_FOR_ANSWERS if answering else frozenset()
    standing = suppressions - lifted
    for suppression, code, reason in ORDER:
        if suppression in standing:
            category = CATEGORIES[code]
            return Refusal(code, category.name, reason or category.description, suppression)
    if standing:
        other = min(standing)
        return _admin(f"The address is suppressed: {other}.", other)
    if transactional or not opt_in_counts or opt_in or (opt_in is None and unknown_is_yes):
        return None
    if opt_in is None:
        return _admin(
            "The recipient never agreed to marketing, and the account does not write to such.", None
        )
    return _admin("The recipient does not accept marketing.", None)


def unwanted(wishes: Wishes, now: int) -> Refusal | None:
    """Why marketing is not wanted, by what its recipient said of its topic and of a pause. A topic that was left is
    told as an unsubscription (131); one that nobody defined is wanted by whoever did not leave it."""
    if wishes.topic is not None and wishes.wanted is False:
        if wishes.said:
            reason = f"The recipient left the topic {wishes.topic}."
            return Refusal(131, CATEGORIES[131].name, reason, TOPIC_LEFT)
        return _admin(f"The recipient did not choose the topic {wishes.topic}.", None)
    if wishes.paused_until > now:
        return _admin(f"The recipient wants no marketing until {iso(wishes.paused_until)}.", PAUSED)
    return None


def _domain(written: str) -> str:
    return subjects.ascii_domain(written.strip().lstrip("@.").removesuffix("."))


def _admin(reason: str, suppression: str | None) -> Refusal:
    return Refusal(25, CATEGORIES[25].name, reason, suppression)
