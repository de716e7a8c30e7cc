"""What a template makes of somebody, real or a sample: to look at. Nothing is recorded, nothing is tracked.

The links to leave, to choose and to confirm lead to our pages and carry no reference: whoever follows them from a
preview changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from heliograph.accounts.model import Account
from heliograph.clock import Clock
from heliograph.events.consent import Channel
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.messages.authoring.lint import CLIPPED
from heliograph.outbound.messages.facts.lookups import RECORDS, Find, Lookups, Sources, nowhere
from heliograph.outbound.messages.facts.objects import CART, NOTHING, ORDER, PRODUCTS, VIEWED
from heliograph.outbound.messages.mail.instrument import (
    CONFIRM_PATH,
    PREFERENCES_PATH,
    UNSUBSCRIBE_PATH,
    WEB_COPY_PATH,
)
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.outbound.messages.templates.compose import Composed, Composer, Key, values
from heliograph.outbound.messages.templates.live import Live
from heliograph.react.state.people import Person

UNSAVED = 0
"""The version of what was never saved."""
TOKEN = "preview"  # noqa: S105 - no secret: it stands where a mail's reference stands

_PRODUCT = {
    "id": "1001",
    "product_id": "1001",
    "title": "Shirt",
    "name": "Shirt",
    "sku": "SH-1",
    "vendor": "Sample",
    "price": 19.5,
    "quantity": 2,
    "url": "https://shop.example/shirt",
    "image": "https://shop.example/shirt.png",
}
_ORDER = {
    "id": "5001",
    "name": "#5001",
    "email": "ada@example.com",
    "currency": "EUR",
    "total": 39.0,
    "total_price": 39.0,
    "subtotal_price": 39.0,
    "abandoned_checkout_url": "https://shop.example/cart/5001",
    "line_items": [_PRODUCT],
}
SAMPLE_CONTEXT: Mapping[str, Any] = {"event": {**_ORDER, **_PRODUCT, **_ORDER}, "automation": "sample"}
"""An event of a shop, with what carts, orders and products have."""
SAMPLE_OBJECTS: Mapping[str, Any] = {
    VIEWED: [{**_PRODUCT, "viewed_at": "2026-01-31T12:00:00Z", "views": 1}],
    CART: _ORDER,
    ORDER: _ORDER,
    PRODUCTS: {"1001": _PRODUCT},
}
SAMPLE = Person(
    id="00000000-0000-7000-8000-000000000000",
    email="ada@example.com",
    customer_id="1",
    phone="+12025550137",
    first_name="Ada",
    last_name="Lovelace",
    gender=None,
    accepts_marketing=True,
    tags=("sample",),
    document={},
    deleted=False,
)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What each part says, and what is wrong; null for parts that the template has not. `size` is the HTML's, in bytes,
    before its links are tracked; `clipped`: Gmail would hide the end of it."""

    subject: str | None = None
    html: str | None = None
    text: str | None = None
    sms: str | None = None
    push_title: str | None = None
    push_body: str | None = None
    size: int = 0
    clipped: bool = False
    errors: list[RenderError] = []


def preview(
    clock: Clock,
    account: Account,
    parts: Mapping[str, str],
    settings: Mapping[str, Any],
    person: Person,
    base: str,
    context: Mapping[str, Any] | None = None,
    objects: Mapping[str, Any] = NOTHING,
    record: Find = nowhere,
) -> Preview:
    """The parts as this person would get them now. `context`: what stands beside the person; None:
    that of a sample event. `base`: what our URLs begin with; `record` looks context records up, which is told nobody."""
    sampled = context is None
    request = MessageRequested(
        address=person.email or "", template="", context=dict(SAMPLE_CONTEXT if context is None else context)
    )
    filling = {
        **(SAMPLE_OBJECTS if sampled else objects),
        **values(request, person, account, clock.now(), leading_nowhere(base)),
        RECORDS: Sources(Lookups(record)),
    }
    composer = Composer(clock)
    told: dict[str, Any] = {}
    errors: list[RenderError] = []
    for channel in parts_of.channels(parts):
        made = _made(composer, (account.number, "", UNSAVED), parts, settings, channel, filling, base)
        if isinstance(made, dict):
            told |= made
        else:
            errors += made
    size = len((told.get("html") or "").encode())
    return Preview(**told, size=size, clipped=size > CLIPPED, errors=errors)


def leading_nowhere(base: str) -> dict[str, str]:
    """Links to leave, to choose and to confirm that carry no reference."""
    return {
        "unsubscribe_url": base + UNSUBSCRIBE_PATH + TOKEN,
        "preferences_url": base + PREFERENCES_PATH + TOKEN,
        "confirm_url": base + CONFIRM_PATH + TOKEN,
        "web_copy_url": base + WEB_COPY_PATH + TOKEN,
    }


def _made(
    composer: Composer,
    key: Key,
    parts: Mapping[str, str],
    settings: Mapping[str, Any],
    channel: Channel,
    filling: Mapping[str, object],
    base: str,
) -> dict[str, Any] | tuple[RenderError, ...]:
    """The parts of a channel, or what is wrong with them."""
    if channel != "email":
        return composer.words(key, parts, channel, filling)
    inlined = settings.get("inline_css") is not False
    made = composer.compose(key, parts, filling, Live(base, base, TOKEN), inlined=inlined)
    return made._asdict() if isinstance(made, Composed) else made
