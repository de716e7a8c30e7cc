"""What one event says about one person: a pure function from event to portrait.

People are told of in many ways: as customers, as the buyer of an order or cart, as somebody who subscribes,
registers an app, or merely looks at a product. `people` finds whom a portrait shows, `persons` draws it into
their row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from heliograph.events.commerce import (
    Basket,
    CartCreated,
    CartUpdated,
    OrderCreated,
    OrderUpdated,
    ProductViewed,
)
from heliograph.events.consent import SubscriptionRequested, TrackingChosen
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent, Data
from heliograph.events.people import (
    Customer,
    DeviceRegistered,
    DeviceRemoved,
    PersonCreated,
    PersonDeleted,
    PersonUpdated,
    flag,
)
from heliograph.react.state import reading

Identity = tuple[str, str, str]
"""Account, kind (`person`, `customer`, `email`, `phone`, `device`) and value."""


Normal = Callable[[str, str | None], str | None]
"""An account's way with an address: its normal form, None where there is none."""


class Portrait(NamedTuple):
    """Who an event is about, and what it says of them."""

    identities: list[Identity]
    """In the order in which they decide who it is: a shop's own number first (RM-9)."""
    ties: bool = True
    """Whether the identities become the person's. What browsers say unasked only finds a person."""
    customer: Customer | None = None
    """None where the event names a person and says nothing of them."""
    sent: bytes = b""
    """The customer as JSON, as sent."""
    accepts_marketing: bool | None = None
    keyless: bool = False
    """Said by a page without a key: the first identity alone decides who it is, the others become theirs only
    where nobody has them, and a no that is known stays one (RM-2)."""
    only_if_new: bool = False
    """Whether it says nothing of who is known already (`update_existing` of a batch of contacts)."""


def portrait(event: AnyEvent, normal: Normal) -> Portrait | None:
    """Whom the event shows; None where it names nobody. `normal` gives an address of an account its normal form
    (`Spelling.normal`)."""
    of = _OF.get(type(event.data))
    found = of(event, event.data, normal) if of else None
    return found if found is not None and found.identities else None


def buyer(basket: Basket) -> tuple[str | None, bool | None]:
    """The address of whoever the order or cart belongs to, and whether they accept marketing. A customer's own
    word goes before the basket's, whose address may be one for this delivery alone."""
    customer = basket.customer
    if customer is None:
        return basket.email, flag(basket.accepts_marketing)
    accepts = flag(customer.accepts_marketing)
    return customer.email or basket.email, flag(basket.accepts_marketing) if accepts is None else accepts


def _identities(
    event: AnyEvent,
    normal: Normal,
    *,
    customer_id: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    device: str | None = None,
    person: str | None = None,
) -> list[Identity]:
    account = event.account
    address = normal(account, email)
    found = [(account, "person", person)] if person else []
    if customer_id:
        found.append((account, "customer", customer_id))
    if address:
        found.append((account, "email", address))
    if phone:
        found.append((account, "phone", phone))
    if device:
        found.append((account, "device", device))
    return found


def _person(event: AnyEvent, data: PersonCreated, normal: Normal) -> Portrait:
    customer = data.person
    identities = _identities(
        event,
        normal,
        customer_id=reading.key_of(customer.id),
        email=customer.email,
        phone=reading.key_of(customer.sms_phone_number_e164),
    )
    accepts, only_if_new = flag(customer.accepts_marketing), flag(customer.update_existing) is False
    return Portrait(identities, True, customer, reading.sent(event), accepts, data.keyless, only_if_new)


def _buyer(event: AnyEvent, basket: Basket, normal: Normal, *, keyless: bool = False) -> Portrait:
    email, accepts = buyer(basket)
    customer = basket.customer
    if customer is None:
        return Portrait(_identities(event, normal, email=email), keyless=keyless)
    identities = _identities(
        event,
        normal,
        customer_id=reading.key_of(customer.id),
        email=email,
        phone=reading.key_of(customer.sms_phone_number_e164),
    )
    return Portrait(identities, True, customer, reading.sent_customer(event), accepts, keyless)


def _subscriber(event: AnyEvent, data: SubscriptionRequested, normal: Normal) -> Portrait:
    customer = Customer(
        email=data.email,
        first_name=data.first_name,
        last_name=data.last_name,
        sms_phone_number_e164=data.phone,
        tags=list(data.tags) or None,
        append_tags=True,
    )
    identities = _identities(
        event,
        normal,
        customer_id=reading.key_of(data.customer_id),
        email=data.email,
        phone=reading.key_of(data.phone),
    )
    return Portrait(identities, True, customer, msgspec.json.encode(customer), keyless=data.keyless)


def _visitor(event: AnyEvent, data: ProductViewed | Custom, normal: Normal) -> Portrait:
    return Portrait(
        _identities(event, normal, customer_id=reading.key_of(data.customer_id), email=data.email), ties=False
    )


def _chooser(event: AnyEvent, data: TrackingChosen, normal: Normal) -> Portrait:
    identities = _identities(
        event, normal, person=reading.key_of(data.person), email=data.email, phone=reading.key_of(data.phone)
    )
    return Portrait(identities, ties=False)


def _app(event: AnyEvent, data: DeviceRegistered, normal: Normal) -> Portrait:
    return Portrait(
        _identities(
            event,
            normal,
            customer_id=reading.key_of(data.customer_id),
            email=data.email,
            device=reading.key_of(data.device),
        )
    )


def _app_gone(event: AnyEvent, data: DeviceRemoved, normal: Normal) -> Portrait:
    return Portrait(_identities(event, normal, device=reading.key_of(data.device)), ties=False)


_OF: dict[type[Data], Callable[[AnyEvent, Any, Normal], Portrait]] = {
    PersonCreated: _person,
    PersonUpdated: _person,
    PersonDeleted: _person,
    OrderCreated: lambda event, data, normal: _buyer(event, data.order, normal),
    OrderUpdated: lambda event, data, normal: _buyer(event, data.order, normal),
    CartCreated: lambda event, data, normal: _buyer(event, data.cart, normal, keyless=data.keyless),
    CartUpdated: lambda event, data, normal: _buyer(event, data.cart, normal, keyless=data.keyless),
    SubscriptionRequested: _subscriber,
    TrackingChosen: _chooser,
    ProductViewed: _visitor,
    Custom: _visitor,
    DeviceRegistered: _app,
    DeviceRemoved: _app_gone,
}

KINDS: frozenset[str] = frozenset(kind.kind for kind in _OF)
"""The kinds that can show somebody."""
