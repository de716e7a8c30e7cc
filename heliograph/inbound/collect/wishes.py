"""Newsletter wishes: somebody wants to receive, or to receive no more (RM-11, RM-19). Events with fields of their own."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import msgspec

from heliograph.accounts.privacy import kept_ip
from heliograph.events import subjects
from heliograph.events.consent import SubscriptionRequested, UnsubscriptionRequested
from heliograph.events.people import Scalar, flag, tag_list
from heliograph.inbound.collect.bodies import json_object
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.fitting import fit
from heliograph.inbound.collect.identities import NOT_A_PAGES_WORD, address, member, phone
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told, members


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A body of `newsletter/subscribe` or `newsletter/unsubscribe`, plug-ins' fields included."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    sms_phone_number_e164: Scalar = None
    customerId: Scalar = None  # noqa: N815 - the wire's name
    customer_id: Scalar = None
    tags: list[Any] | str | None = None
    double_optin_required: Scalar = None
    client_ip: str | None = None
    accepts_marketing: Scalar = None
    timestamp: Scalar = None


def read_subscription(sender: Sender, body: bytes, findings: Findings) -> Told:
    """`newsletter/subscribe`: an e-mail address, a phone number, or both."""
    wish, email, number, subject = _wish(sender, body, findings)
    if flag(wish.accepts_marketing) is False:
        findings.fault("accepts_marketing", "is false in a subscription; the type of the event was believed")
    customer_id = member(_customer_id(wish), "customerId", findings)
    if customer_id is not None and sender.keyless:
        customer_id = None
        findings.remark("customerId", NOT_A_PAGES_WORD)
    data = SubscriptionRequested(
        email=email,
        phone=number,
        customer_id=customer_id,
        first_name=wish.first_name,
        last_name=wish.last_name,
        tags=tuple(tag_list(wish.tags) or ()),
        double_optin=flag(wish.double_optin_required),
        ip=_ip(wish, sender, findings),
        source="browser" if sender.keyless else "api",
    )
    return Told(data.kind, subject, members(data), body, wish.timestamp)


def read_unsubscription(sender: Sender, body: bytes, findings: Findings) -> Told:
    """`newsletter/unsubscribe`: of the e-mail address (S3), or of the phone number where there is only that."""
    wish, email, number, subject = _wish(sender, body, findings)
    data = UnsubscriptionRequested(
        channel="email" if email else "sms",
        address=email or number or "",
        how="api",
        ip=_ip(wish, sender, findings),
    )
    return Told(data.kind, subject, members(data), body, wish.timestamp)


def _wish(sender: Sender, body: bytes, findings: Findings) -> tuple[Wish, str | None, str | None, str]:
    wish = msgspec.convert(fit(json_object(body), Wish, findings), Wish)
    email = address(wish.email, ("email",), findings) if wish.email else None
    number = phone(wish.sms_phone_number_e164, "sms_phone_number_e164", findings, country=sender.country)
    if email is None and number is None and not findings.refusals:
        findings.refuse(
            "email", "missing: a newsletter event needs a valid email or a phone number in E.164 form"
        )
    subject = (
        subjects.email(email, keep_case=sender.keep_case)
        if email
        else subjects.phone(number)
        if number
        else ""
    )
    return wish, email, number, subject


def _customer_id(wish: Wish) -> Scalar:
    return wish.customer_id if wish.customerId is None else wish.customerId


def _ip(wish: Wish, sender: Sender, findings: Findings) -> str:
    """The visitor's address as far as it is kept: a shop's server names it, a browser is it."""
    said = "" if sender.keyless else wish.client_ip or ""
    try:
        named = str(ip_address(said)) if said else ""
    except ValueError:
        findings.fault("client_ip", "is not an IP address; the caller's was taken")
        named = ""
    return kept_ip(named or sender.ip, sender.keep_ip)
