"""What a contact becomes: a customer, and a subscription where somebody wishes one. Pure.

`person.created` or `person.updated` holds the customer in S3's form, with the contact as it came beside it;
`subscription.requested` follows from it, so that what `react.policies` does about a sign-up by `newsletter/subscribe` it
does about this one (pending_opt_in, the mail that asks, consent).
"""

from __future__ import annotations

from typing import Any

import msgspec

from heliograph.accounts.privacy import kept_ip
from heliograph.events import subjects
from heliograph.events.consent import SubscriptionRequested, UnsubscriptionRequested
from heliograph.events.event import Record, derived_id, new_id, scoped_id
from heliograph.events.people import PersonCreated, PersonUpdated
from heliograph.inbound.collect.contacts.contact import Contact
from heliograph.inbound.collect.reading import DEFAULT_SOURCE
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told, compose, members

Identity = tuple[str, str]
"""How state knows somebody: the kind of identity, and its normal form."""

_encode = msgspec.json.Encoder().encode


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """What all contacts of one request have in common. `type` is what the events say they were told by; `now` in
    microseconds."""

    sender: Sender
    type: str
    now: int
    client_id: str = ""


def identities(contact: Contact, sender: Sender) -> list[Identity]:
    """Under which identities the contact may be known already."""
    found = [("customer", contact.customer_id)] if contact.customer_id else []
    if contact.email:
        found.append(("email", subjects.normal_email(contact.email, keep_case=sender.keep_case)))
    if contact.phone:
        found.append(("phone", contact.phone))
    return found


def records(
    contact: Contact, body: bytes, arrival: Arrival, notes: tuple[str, ...], *, known: bool
) -> list[Record]:
    """The events of one contact; `known`: somebody has one of its identities."""
    kind = (PersonUpdated if known else PersonCreated).kind
    fields = (b'"person":', _encode(contact.customer))
    person = _record(arrival, Told(kind, _subject(contact, arrival.sender), fields, body), notes)
    wish = _wish(contact, arrival.sender)
    if wish is None:
        return [person]
    told = Told(wish.kind, person.subject, members(wish))
    return [person, _record(arrival, told, cause=person.id)]


def unsubscriptions(
    email: str | None, phone: str | None, reason: str, body: bytes, arrival: Arrival, notes: tuple[str, ...]
) -> list[Record]:
    """Somebody asked the shop to be written to no more: by mail, by text, or both."""
    sender, found = arrival.sender, []
    ip = kept_ip(sender.ip, sender.keep_ip)
    if email:
        wish = UnsubscriptionRequested(channel="email", address=email, reason=reason, ip=ip)
        subject = subjects.email(email, keep_case=sender.keep_case)
        found.append(_record(arrival, Told(wish.kind, subject, members(wish), body), notes))
    if phone:
        wish = UnsubscriptionRequested(channel="sms", address=phone, reason=reason, ip=ip)
        cause = found[0].id if found else None
        told = Told(wish.kind, subjects.phone(phone), members(wish), body)
        found.append(_record(arrival, told, notes, cause=cause))
    return found


def _record(arrival: Arrival, told: Told, notes: tuple[str, ...] = (), *, cause: str | None = None) -> Record:
    sender, now, client_id = arrival.sender, arrival.now, arrival.client_id
    if cause is not None:
        event_id = derived_id(cause, told.kind)
    elif client_id:
        event_id = scoped_id(sender.account, sender.source or DEFAULT_SOURCE, client_id)
    else:
        event_id = new_id(now)
    data = compose(told, arrival.type, sender, client_id, notes)
    return Record(event_id, sender.account, told.kind, told.subject, now, now, cause, data)


def _subject(contact: Contact, sender: Sender) -> str:
    if contact.email:
        return subjects.email(contact.email, keep_case=sender.keep_case)
    return subjects.phone(contact.phone or "")


def _wish(contact: Contact, sender: Sender) -> SubscriptionRequested | None:
    if not contact.wishes_mail and not contact.wishes_texts:
        return None
    said: dict[str, Any] = contact.customer
    double = True if contact.double_optin is None else contact.double_optin
    return SubscriptionRequested(
        email=contact.email if contact.wishes_mail else None,
        phone=contact.phone if contact.wishes_texts else None,
        customer_id=contact.customer_id,
        first_name=said.get("first_name"),
        last_name=said.get("last_name"),
        # a page cannot do without the confirmation that the account asks for
        double_optin=None if sender.keyless and not double else double,
        ip=kept_ip(sender.ip, sender.keep_ip),
        source="browser" if sender.keyless else "api",
    )
