"""Kinds about permission: who may be written to, on which channel, and who must not.

What somebody wished (`subscription.requested`) and what follows from it by rule (`consent.granted`,
`suppression.added`) are different events: the wish comes from a door, the consequence from `react.policies`.
An address can be suppressed for several reasons at once; lifting one leaves the others (RM-12).
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from heliograph.events.event import Data, Said

Channel = Literal["email", "sms", "push"]

SuppressionType = Literal[
    "unsubscribed",
    "manually_suppressed",
    "hard_bounce",
    "soft_bounce",
    "spam_complaint",
    "pending_opt_in",
    "domain_suppressed",
    "deleted",
    "suspected_as_spam",
    "role_suppressed",
]
"""The suppression types of S3 in its order, and our own for role addresses (MessageGears' code 135)."""

SUPPRESSION_TYPES: tuple[str, ...] = get_args(SuppressionType)

IMPORT = "import"
"""The `source`, `how` or `said.platform` of what a file from another system says: nobody is mailed because of it."""


class SubscriptionRequested(Data, frozen=True, kw_only=True):
    """Somebody wished to receive newsletters or texts (`newsletter/subscribe`). `double_optin` None: the
    account decides. `confirmed_at` (microseconds) and `optin_ip`: how it was confirmed elsewhere, as an import says."""

    kind: ClassVar[str] = "subscription.requested"
    email: str | None = None
    phone: str | None = None
    customer_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    tags: tuple[str, ...] = ()
    double_optin: bool | None = None
    ip: str = ""
    confirmed_at: int | None = None
    optin_ip: str | None = None
    source: str = ""
    said: Said | None = None
    notes: tuple[str, ...] = ()
    keyless: bool = False
    """Said by a page without a key (RM-2): it names people, and has no power over who they are or what they agreed to."""


class SubscriptionConfirmed(Data, frozen=True, kw_only=True):
    """The owner of the address confirmed it (double opt-in), by a POST from our page. `message` is the
    confirmation mail whose link was used; it knows the address where `address` is empty."""

    kind: ClassVar[str] = "subscription.confirmed"
    channel: Channel = "email"
    address: str = ""
    message: str | None = None
    ip: str = ""
    user_agent: str = ""


class UnsubscriptionRequested(Data, frozen=True, kw_only=True):
    """Somebody wished to receive no more. `message` is the message whose link or header was used, if any;
    `address` may be empty then: the message knows it. `how`: api, link, one_click, reply, page, preferences, import.
    `only_topic`: no more about the topic of that message; the rest goes on."""

    kind: ClassVar[str] = "unsubscription.requested"
    channel: Channel = "email"
    address: str = ""
    message: str | None = None
    how: str = "api"
    reason: str = ""
    ip: str = ""
    user_agent: str = ""
    web_copy: bool = False
    only_topic: bool = False
    said: Said | None = None
    notes: tuple[str, ...] = ()
    keyless: bool = False
    """Said by a page without a key (RM-2): it names people, and has no power over who they are or what they agreed to."""


class ConsentGranted(Data, frozen=True, kw_only=True):
    """A person's marketing preference changed to yes. Instants in microseconds."""

    kind: ClassVar[str] = "consent.granted"
    channel: Channel = "email"
    address: str
    requested_at: int
    confirmed_at: int | None = None
    signup_ip: str = ""
    optin_ip: str = ""
    source: str = ""
    text_version: str = ""


class ConsentWithdrawn(Data, frozen=True, kw_only=True):
    """A person's marketing preference changed to no; `message` is the one whose link was used, if any."""

    kind: ClassVar[str] = "consent.withdrawn"
    channel: Channel = "email"
    address: str
    message: str | None = None
    how: str = "api"
    reason: str = ""
    ip: str = ""
    user_agent: str = ""
    web_copy: bool = False


class TrackingChosen(Data, frozen=True, kw_only=True):
    """A person allowed or refused that what they open and click is tied to them (STD-7). `person` is our own id;
    `how` as in the wish to receive no more."""

    kind: ClassVar[str] = "tracking.chosen"
    allowed: bool
    person: str | None = None
    email: str | None = None
    phone: str | None = None
    how: str = "api"
    source: str = ""
    ip: str = ""
    user_agent: str = ""
    text_version: str = ""
    said: Said | None = None
    notes: tuple[str, ...] = ()


class SuppressionAdded(Data, frozen=True, kw_only=True):
    """An address must not be written to, for the reason that `type` names. `by`: who decided it; empty where it follows
    by rule from the event that caused it."""

    kind: ClassVar[str] = "suppression.added"
    channel: Channel = "email"
    address: str
    type: SuppressionType
    reason: str = ""
    ip: str = ""
    by: str = ""


class SuppressionRemoved(Data, frozen=True, kw_only=True):
    """One reason is lifted; others may remain. `by`: who decided it; empty where it follows by rule."""

    kind: ClassVar[str] = "suppression.removed"
    channel: Channel = "email"
    address: str
    type: SuppressionType
    reason: str = ""
    ip: str = ""
    by: str = ""
