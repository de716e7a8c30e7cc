"""The bodies of Remarkety's webhooks, key for key and in the order of the document's examples (RM-16, S3:L778-L949).

A key that the document calls optional is left out when there is nothing to say; `campaign_group` is in its table
of common fields and in no example, so it comes only with a campaign that has a group. All others are always there,
empty when unknown, because receivers index them blindly. Types are those of the examples: `campaign_id` is a number
for e-mail and for sms/unsubscribed, a string for the other topics about texts.
"""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


class EmailFact(Struct, frozen=True, kw_only=True):
    """email/sent, email/delivered, email/spam, email/unsubscribed. Campaign and `umk` stay away from what belongs
    to no message, or to a message of no campaign."""

    timestamp: str
    email: str
    campaign_name: str | UnsetType = UNSET
    campaign_group: str | UnsetType = UNSET
    campaign_id: int | UnsetType = UNSET
    umk: str | UnsetType = UNSET


class EmailOpened(EmailFact, frozen=True, kw_only=True):
    """email/opened."""

    useragent: str
    ip: str


class EmailClicked(EmailFact, frozen=True, kw_only=True):
    """email/clicked."""

    link_url: str
    useragent: str
    ip: str


class EmailBounced(EmailFact, frozen=True, kw_only=True):
    """email/bounced; `reason` is what the server said."""

    reason: str
    soft_bounce: bool


class NewsletterSubscribed(Struct, frozen=True, kw_only=True):
    """newsletter/subscribed; the `optin_` keys only after a double opt-in."""

    timestamp: str
    optin_timestamp: str | UnsetType = UNSET
    email: str
    signup_ip: str | UnsetType = UNSET
    optin_ip: str | UnsetType = UNSET


class SmsSent(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """sms/sent; `from` is our number."""

    timestamp: str
    email: str
    campaign_name: str | UnsetType = UNSET
    campaign_group: str | UnsetType = UNSET
    campaign_id: str | UnsetType = UNSET
    umk: str | UnsetType = UNSET
    characters_count: int
    body: str
    to: str
    from_: str
    is_test: bool
    recipient_country_code: str


class SmsClicked(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """sms/clicked; `user_agent` and `url`, where e-mail says `useragent` and `link_url`."""

    timestamp: str
    to: str
    from_: str
    email: str
    campaign_name: str | UnsetType = UNSET
    campaign_group: str | UnsetType = UNSET
    campaign_id: str | UnsetType = UNSET
    umk: str | UnsetType = UNSET
    is_test: bool
    ip: str
    user_agent: str
    url: str


class SmsReplied(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """sms/replied; `to` is our number. The document gives it no time; an option adds one."""

    timestamp: str | UnsetType = UNSET
    to: str
    from_: str
    body: str


class SmsUnsubscribed(EmailFact, frozen=True, kw_only=True):
    """sms/unsubscribed; with campaign and `umk` when a link of a message was used."""

    phone_number: str
    reason: str


class EmailSuppression(Struct, frozen=True, kw_only=True):
    """email-suppression/added and email-suppression/removed."""

    timestamp: str
    email: str
    client_ip: str
    type: str
    reason: str
