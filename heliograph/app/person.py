"""What is done about one person by command: find them, show everything that is known, merge two."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from heliograph.api.resources import persons
from heliograph.app.accounts import account_number
from heliograph.app.storage import reading, recording
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import BadRequest, OperatorError
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.privacy import orders
from heliograph.privacy.dossier import consent_record, dossier
from heliograph.react.state import people
from heliograph.react.state.people import Person
from heliograph.settings import Settings

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def meant(state: Engine, account: str | None, who: str) -> tuple[str, Person]:
    """The account, and the person of this e-mail address, phone (`+...`), id of ours, or customer number. Raises
    `OperatorError` where there is nobody."""
    number = account_number(state, account)
    with state.connect() as connection:
        if "@" in who:
            person = people.find(connection, number, email=who)
        elif _ID.fullmatch(who):
            person = people.find(connection, number, person=who)
        else:
            person = people.find(connection, number, customer_id=who, phone=who)
    if person is None:
        raise OperatorError(f"nobody in account {number} is known as {who}")
    return number, person


async def export(settings: Settings, account: str | None, who: str) -> dict[str, Any]:
    """Everything that is known of a person, as JSON values."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    async with reading(settings) as journal:
        return await dossier(
            journal, state, EvidenceFiles(Path(settings.data)), number, person, SystemClock().now()
        )


def consent(settings: Settings, account: str | None, who: str) -> dict[str, Any]:
    """What a person said about marketing and tracking, when, from where, and what follows from it."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    with state.connect() as connection:
        return consent_record(connection, number, person)


def show(settings: Settings, account: str | None, who: str) -> persons.Person:
    """A person with everything that they are or were known by, as the API shows them."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    with state.connect() as connection:
        return persons.as_shown(connection, number, person)


async def timeline(
    settings: Settings, account: str | None, who: str, *, before: int | None, limit: int
) -> persons.Timeline:
    """What a person did and got, under every name that they have or had, the newest first."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    with state.connect() as connection:
        references = people.subjects(connection, number, person.id)
    async with reading(settings) as journal:
        page = await journal.latest(references, account=number, before=before, limit=limit + 1)
    shown = page[:limit]
    following = shown[-1].seq if len(page) > len(shown) else None
    return persons.Timeline(events=[persons.happening(entry) for entry in shown], next=following)


async def merge(settings: Settings, account: str | None, who: str, other: str, because: str) -> Person:
    """`other` is `who` from now on; returns who stays. Raises `OperatorError`."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    _, gone = meant(state, number, other)
    async with recording(settings) as journal:
        try:
            await orders.merge(
                journal, SystemClock(), number, person, gone, because=because, by="command line"
            )
        except BadRequest as error:
            raise OperatorError(error.message) from error
    return person
