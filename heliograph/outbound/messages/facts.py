"""What is known about a message at the moment of sending: read from state, in one look.

The only place here that asks the database. Everything else is given a `Facts`, so that it can be tested without one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Engine, bindparam, select

from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.react.state import consent, definitions, people
from heliograph.react.state.messages import MESSAGES


class Facts(NamedTuple):
    """`state`: what became of the message so far (None: nothing is known). `person`: whom it goes to, if known.
    `template`: in the version that was asked for, else the latest; None: there is none."""

    state: str | None
    standing: consent.Standing
    person: people.Person | None
    template: definitions.Template | None


Look = Callable[[Event[MessageRequested]], Facts]

# One column: the whole message, with its opens and clicks, would cost ten times as much for every mail.
_STATE = select(MESSAGES.c.state).where(
    MESSAGES.c.id == bindparam("id"), MESSAGES.c.account == bindparam("account")
)


def look_into(engine: Engine) -> Look:
    """The look into this state; an engine that only reads keeps it out of the writer's way."""

    def look(event: Event[MessageRequested]) -> Facts:
        account, wanted = event.account, event.data
        with engine.connect() as connection:
            by_email = wanted.address if wanted.channel == "email" else None
            by_phone = wanted.address if wanted.channel == "sms" else None
            return Facts(
                state=connection.scalar(_STATE, {"id": event.id, "account": account}),
                standing=consent.standing(connection, account, wanted.channel, wanted.address),
                person=people.find(connection, account, person=wanted.person, email=by_email, phone=by_phone),
                template=definitions.template(connection, account, wanted.template, wanted.template_version),
            )

    return look
