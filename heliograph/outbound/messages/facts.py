"""What is known about a message at the moment of sending: read from state, in one look.

The only place here that asks the database. Everything else is given a `Facts`, so that it can be tested without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, select

from heliograph.clock import Clock
from heliograph.database import Query, Reading
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.lookups import Find, nowhere
from heliograph.outbound.messages.objects import NOTHING, look_up, mentioned
from heliograph.react.state import (
    consent,
    definitions,
    devices,
    people,
    preferences,
    records,
    template_versions,
)
from heliograph.react.state.messages import MESSAGES


class Facts(NamedTuple):
    """`state`: what became of the message so far (None: nothing is known). `person`: whom it goes to, if known.
    `template`: in the version that was asked for, else the latest; None: there is none."""

    state: str | None
    standing: consent.Standing
    person: people.Person | None
    template: definitions.Template | None
    objects: Mapping[str, Any] = NOTHING
    """Carts, orders and products, as templates see them (`heliograph.outbound.messages.objects`)."""
    record: Find = nowhere
    """Looks a context record of the account up, now."""
    device: devices.Device | None = None
    """The device that a push message is for; None: it is not registered, or gone."""
    wishes: preferences.Wishes = preferences.Wishes()
    """What they said of the message's topic, and whether they paused."""


TEMPLATES_KEPT = 256
"""Versions of templates that a process keeps."""

Look = Callable[[Event[MessageRequested]], Facts]

# One column: the whole message, with its opens and clicks, would cost ten times as much for every mail.
_STATE = Query(
    select(MESSAGES.c.state).where(
        MESSAGES.c.id == bindparam("id"), MESSAGES.c.account == bindparam("account")
    )
)


class _Shelf:
    """The templates that were looked at, by version: a version never changes, and reading one is most of a look."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], tuple[definitions.Template, frozenset[str]]] = {}

    def template(
        self, connection: Connection, account: str, name: str, version: int | None
    ) -> tuple[definitions.Template | None, frozenset[str]]:
        """The template, and the objects that it mentions."""
        number = version or template_versions.current(connection, account, name)
        if number is None:
            return None, frozenset()
        found = self._kept.get((account, name, number))
        if found is None:
            template = definitions.template(connection, account, name, number)
            if template is None:
                return None, frozenset()
            if len(self._kept) >= TEMPLATES_KEPT:
                self._kept.clear()
            found = self._kept[account, name, number] = template, mentioned(template.parts)
        return found


def look_into(reading: Reading, clock: Clock) -> Look:
    """The look into this state."""
    shelf = _Shelf()

    def look(event: Event[MessageRequested]) -> Facts:
        account, wanted = event.account, event.data
        with reading.look() as connection:
            person = people.find(connection, account, person=wanted.person) if wanted.person else None
            person = person or people.at(connection, account, wanted.channel, wanted.address)
            template, objects = shelf.template(connection, account, wanted.template, wanted.template_version)
            return Facts(
                state=_STATE.value(connection, id=event.id, account=account),
                standing=consent.standing(connection, account, wanted.channel, wanted.address),
                person=person,
                template=template,
                objects=look_up(connection, account, person, objects, wanted.context) if objects else NOTHING,
                record=find_records(reading.engine, clock, account),
                device=devices.find(connection, account, wanted.address)
                if wanted.channel == "push"
                else None,
                wishes=preferences.wishes(
                    connection, account, wanted.channel, wanted.address, topic_of(wanted, template)
                ),
            )

    return look


def find_records(engine: Engine, clock: Clock, account: str) -> Find:
    """What looks context records of the account up, as of the moment of asking."""
    return partial(_record, engine, clock, account)


def _record(engine: Engine, clock: Clock, account: str, name: records.Name) -> records.Record | None:
    with engine.connect() as connection:
        return records.find(connection, account, (name,), clock.now()).get(name)


def topic_of(wanted: MessageRequested, template: definitions.Template | None) -> str | None:
    """The subscription topic that a message is about: its own, else its template's (setting `topic`)."""
    named = wanted.topic or (template.settings.get("topic") if template else None)
    return named if isinstance(named, str) and named else None
