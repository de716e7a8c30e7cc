"""The event types of the wire, and what reads each (S3, "E-Commerce Event Types"; RM-5, RM-20).

Plug-ins use two tenses for the same thing (`orders/update`, `orders/updated`); both name one type here, and what was
written is kept with the event. Any other well-formed name is a custom event. Read by `reading`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from heliograph.errors import BadRequest
from heliograph.events import commerce, people
from heliograph.inbound.collect.apps import read_registration, read_removal
from heliograph.inbound.collect.documents import CART, ORDER, PERSON, PRODUCT
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told
from heliograph.inbound.collect.visits import read_custom, read_view
from heliograph.inbound.collect.wishes import read_subscription, read_unsubscription

Reader = Callable[[Sender, bytes, Findings], Told]

NAME = re.compile(r"[A-Za-z0-9_./-]{1,100}", re.ASCII)
"""What an event may be called (RM-20)."""


@dataclass(frozen=True, slots=True)
class EventType:
    """One type. `browsers` says whether a page may send it without a key: never orders, products, deletions (RM-2)."""

    name: str
    read: Reader
    browsers: bool = False


EVENT_TYPES: tuple[EventType, ...] = (
    EventType("customers/create", PERSON.reader(people.PersonCreated.kind), browsers=True),
    EventType("customers/update", PERSON.reader(people.PersonUpdated.kind), browsers=True),
    EventType("customers/delete", PERSON.reader(people.PersonDeleted.kind, rules=False)),
    EventType("orders/create", ORDER.reader(commerce.OrderCreated.kind)),
    EventType("orders/update", ORDER.reader(commerce.OrderUpdated.kind)),
    EventType("orders/delete", ORDER.reader(commerce.OrderDeleted.kind, rules=False)),
    EventType("products/create", PRODUCT.reader(commerce.ProductCreated.kind)),
    EventType("products/update", PRODUCT.reader(commerce.ProductUpdated.kind)),
    EventType("products/delete", PRODUCT.reader(commerce.ProductDeleted.kind, rules=False)),
    EventType("carts/create", CART.reader(commerce.CartCreated.kind), browsers=True),
    EventType("carts/update", CART.reader(commerce.CartUpdated.kind), browsers=True),
    EventType("carts/delete", CART.reader(commerce.CartDeleted.kind, rules=False)),
    EventType("newsletter/subscribe", read_subscription, browsers=True),
    EventType("newsletter/unsubscribe", read_unsubscription, browsers=True),
    EventType("device/registered", read_registration),
    EventType("device/unregistered", read_removal),
    EventType("productView", partial(read_view, "productView"), browsers=True),
)


def _spellings(event_type: EventType) -> tuple[str, ...]:
    name = event_type.name.lower()
    return (name, name + ("d" if name.endswith("e") else "")) if "/" in name else (name,)


_BY_SPELLING = {name: event_type for event_type in EVENT_TYPES for name in _spellings(event_type)}


@lru_cache(maxsize=4096)
def event_type(said: str) -> EventType:
    """The type that a sender means. Built-in types compare without case. Raises `BadRequest`."""
    found = _BY_SPELLING.get(said.lower())
    if found is not None:
        return found
    if not NAME.fullmatch(said):
        raise BadRequest(
            "Name the event's type, such as customers/update: up to 100 letters, digits and _ . / -",
            field="x-event-type",
        )
    return EventType(said, partial(read_custom, said), browsers=True)
