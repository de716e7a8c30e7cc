"""What is known about a message at the moment of sending: read from state, in two looks.

First whether it may go (`Status`), then what it is made of (`Facts`): who sends asks the one, who makes it the other, which
may be another process. The only place here that asks the database: everything else is given what was seen, so that it can
be tested without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, bindparam, select

from heliograph.clock import Clock
from heliograph.database import Query, Reading
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.lookups import Find, nowhere
from heliograph.outbound.messages.facts.objects import NOTHING, look_up, mentioned
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


class Status(NamedTuple):
    """What decides whether a message goes. `state`: what became of it so far (None: nothing is known). `version`: that of
    the template which it is to be made of now; None: there is none."""

    state: str | None
    standing: consent.Standing
    version: int | None
    wishes: preferences.Wishes = preferences.Wishes()
    """What they said of the message's topic, and whether they paused."""


class Facts(NamedTuple):
    """What a message is made of. `person`: whom it goes to, if known. `template`: in the version that was asked for, else
    the latest; None: there is none."""

    person: people.Person | None
    template: definitions.Template | None
    objects: Mapping[str, Any] = NOTHING
    """Carts, orders and products, as templates see them (`heliograph.outbound.messages.facts.objects`)."""
    record: Find = nowhere
    """Looks a context record of the account up, now."""
    device: devices.Device | None = None
    """The device that a push message is for; None: it is not registered, or gone."""


TEMPLATES_KEPT = 256
"""Versions of templates that a process keeps."""


class Look(Protocol):
    """The look into what is known now (`look_into`)."""

    def status(self, event: Event[MessageRequested]) -> Status:
        """Whether it may go."""
        ...

    def facts(self, event: Event[MessageRequested], version: int | None = None) -> Facts:
        """What it is made of; in this version of its template, where one is named."""
        ...


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


class _StateLook:
    """A `Look` into state."""

    def __init__(self, reading: Reading, clock: Clock) -> None:
        self._reading, self._clock = reading, clock
        self._shelf = _Shelf()

    def status(self, event: Event[MessageRequested]) -> Status:
        account, wanted = event.account, event.data
        with self._reading.look() as connection:
            template, _ = self._shelf.template(connection, account, wanted.template, wanted.template_version)
            topic = topic_of(wanted, template)
            return Status(
                state=_STATE.value(connection, id=event.id, account=account),
                standing=consent.standing(connection, account, wanted.channel, wanted.address),
                version=None if template is None else template.version,
                wishes=preferences.wishes(connection, account, wanted.channel, wanted.address, topic),
            )

    def facts(self, event: Event[MessageRequested], version: int | None = None) -> Facts:
        account, wanted = event.account, event.data
        with self._reading.look() as connection:
            person = people.find(connection, account, person=wanted.person) if wanted.person else None
            person = person or people.at(connection, account, wanted.channel, wanted.address)
            template, objects = self._shelf.template(
                connection, account, wanted.template, version or wanted.template_version
            )
            push = wanted.channel == "push"
            return Facts(
                person=person,
                template=template,
                objects=look_up(connection, account, person, objects, wanted.context) if objects else NOTHING,
                record=find_records(self._reading.engine, self._clock, account),
                device=devices.find(connection, account, wanted.address) if push else None,
            )


def look_into(reading: Reading, clock: Clock) -> Look:
    """The look into this state."""
    return _StateLook(reading, clock)


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
