"""What is known about a message at the moment of sending: read from state, in one look.

The only place here that asks the database. Everything else is given a `Facts`, so that it can be tested without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select

from heliograph.clock import Clock, iso
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.lookups import Find, nowhere
from heliograph.react.state import commerce, consent, definitions, people, preferences, records
from heliograph.react.state.messages import MESSAGES


class Facts(NamedTuple):
    """`state`: what became of the message so far (None: nothing is known). `person`: whom it goes to, if known.
    `template`: in the version that was asked for, else the latest; None: there is none."""

    state: str | None
    standing: consent.Standing
    person: people.Person | None
    template: definitions.Template | None
    viewed: Sequence[Mapping[str, Any]] = ()
    """What they looked at last, as templates see it (`recently_viewed`); only looked up for templates that mention it."""
    record: Find = nowhere
    """Looks a context record of the account up, now."""
    wishes: preferences.Wishes = preferences.Wishes()
    """What they said of the message's topic, and whether they paused."""


VIEWED = "recently_viewed"
"""What templates call it."""

MOST_VIEWED = 10
"""Products of one mail; more are not looked at."""

Look = Callable[[Event[MessageRequested]], Facts]

# One column: the whole message, with its opens and clicks, would cost ten times as much for every mail.
_STATE = select(MESSAGES.c.state).where(
    MESSAGES.c.id == bindparam("id"), MESSAGES.c.account == bindparam("account")
)


def look_into(engine: Engine, clock: Clock) -> Look:
    """The look into this state; an engine that only reads keeps it out of the writer's way."""

    def look(event: Event[MessageRequested]) -> Facts:
        account, wanted = event.account, event.data
        with engine.connect() as connection:
            by_email = wanted.address if wanted.channel == "email" else None
            by_phone = wanted.address if wanted.channel == "sms" else None
            person = people.find(connection, account, person=wanted.person, email=by_email, phone=by_phone)
            template = definitions.template(connection, account, wanted.template, wanted.template_version)
            return Facts(
                state=connection.scalar(_STATE, {"id": event.id, "account": account}),
                standing=consent.standing(connection, account, wanted.channel, wanted.address),
                person=person,
                template=template,
                viewed=_viewed(connection, account, person, template),
                record=partial(_record, engine, clock, account),
                wishes=preferences.wishes(
                    connection, account, wanted.channel, wanted.address, topic_of(wanted, template)
                ),
            )

    return look


def _record(engine: Engine, clock: Clock, account: str, name: records.Name) -> records.Record | None:
    with engine.connect() as connection:
        return records.find(connection, account, (name,), clock.now()).get(name)


def topic_of(wanted: MessageRequested, template: definitions.Template | None) -> str | None:
    """The subscription topic that a message is about: its own, else its template's (setting `topic`)."""
    named = wanted.topic or (template.settings.get("topic") if template else None)
    return named if isinstance(named, str) and named else None


def _viewed(
    connection: Connection,
    account: str,
    person: people.Person | None,
    template: definitions.Template | None,
) -> Sequence[Mapping[str, Any]]:
    if person is None or template is None or not any(VIEWED in part for part in template.parts.values()):
        return ()
    names = people.subjects(connection, account, person.id)
    views = commerce.views(connection, account, names, limit=MOST_VIEWED)
    products = commerce.products(connection, account, [view.product for view in views])
    return [
        _seen(view, products.get(view.product))
        for view in views
        if view.product not in products or products[view.product].product_exists
    ]


def _seen(view: commerce.View, product: commerce.Product | None) -> Mapping[str, Any]:
    """A product that was looked at: its catalogue entry as the shop sent it, and our own names for what matters."""
    seen = {"id": view.product, "viewed_at": iso(view.last), "views": view.count}
    if product is None:
        return {**dict.fromkeys(("title", "url", "image", "sku", "vendor")), **seen}
    known = {name: getattr(product, name) for name in ("title", "url", "image", "sku", "vendor")}
    return {**product.document, **known, **seen}
