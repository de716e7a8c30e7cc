"""Erasing one person: everything recorded about them, what state remembers, and what waits to be told (STD-7).

First the journal is redacted in place, then it is recorded that it happened, then the folds that remember people's
things are folded again. What must remain is a suppression of type `deleted` under a keyed hash of the address, so that
the address is not written to again by accident (RM-12).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, delete

from heliograph.accounts.erasure import erased_form
from heliograph.app import rebuild
from heliograph.app.define import account_number
from heliograph.app.storage import reachable
from heliograph.clock import SystemClock
from heliograph.database import empty_wal, open_state
from heliograph.errors import OperatorError
from heliograph.events import codec, subjects
from heliograph.events.consent import Channel, SuppressionAdded
from heliograph.events.event import AnyEvent
from heliograph.events.people import PersonErased
from heliograph.journal import replaying
from heliograph.react.policies.tables import OPTINS, STANDINGS
from heliograph.react.state import people
from heliograph.settings import Settings

FOLDS = ("commerce", "consent", "messages")
"""What remembers people's things under other keys than the person's own: folded again from the redacted journal."""

EMPTIED_SECONDS = 60
"""How long a running engine may take to see that it is to fold again; it looks every few seconds."""

CHANNELS: dict[str, Channel] = {"email": "email", "phone": "sms"}


async def erase(settings: Settings, account: str | None, email: str) -> int:
    """Erase the person of this address; returns how many events were redacted. Raises `OperatorError`."""
    state = open_state(Path(settings.data))
    number = account_number(state, account)
    with state.begin() as connection:
        person = people.find(connection, number, email=email)
        if person is None:
            raise OperatorError(f"nobody in account {number} has the address {email}")
        references = people.subjects(connection, number, person.id)
        remaining = _remaining(connection, number, person.id, references)
    async with reachable(settings) as journal:
        changed = await journal.redact(references, replacement=f"erased:{person.id}")
        happened = codec.make(
            PersonErased(person=person.id, events=changed),
            account=number,
            subject=subjects.thing("erased", person.id),
            now=SystemClock().now(),
        )
        await journal.append([codec.encode(event) for event in (*remaining, happened)])
    with state.begin() as connection:
        _forget_wishes(connection, number, references)
    for fold in FOLDS:
        if not rebuild.ask(settings, fold):
            await rebuild.replay(settings, fold, lambda *_: None)
    await _emptied(settings)
    empty_wal(state)  # a running engine does so itself, after it has folded again
    state.dispose()
    return changed


async def _emptied(settings: Settings) -> None:
    """Return when the running engine has emptied what it was asked to fold again."""
    reading = open_state(Path(settings.data), read_only=True)
    for _ in range(EMPTIED_SECONDS * 10):
        with reading.connect() as connection:
            if not replaying.asked(connection):
                reading.dispose()
                return
        await asyncio.sleep(0.1)
    raise OperatorError("the journal is redacted, but the engine has not folded again yet: look at its log")


def _remaining(connection: Connection, account: str, person: str, references: list[str]) -> list[AnyEvent]:
    made: list[AnyEvent] = []
    for reference in references:
        scheme, _, value = reference.partition(":")
        channel = CHANNELS.get(scheme)
        if channel is None or (hashed := erased_form(connection, account, channel, value)) is None:
            continue
        kept = SuppressionAdded(channel=channel, address=hashed, type="deleted", reason="erased on request")
        subject = subjects.thing("erased", person)
        made.append(codec.make(kept, account=account, subject=subject, now=SystemClock().now()))
    return made


def _forget_wishes(connection: Connection, account: str, references: list[str]) -> None:
    addresses = [reference.partition(":")[2] for reference in references]
    for table in (STANDINGS, OPTINS):
        connection.execute(delete(table).where(table.c.account == account, table.c.address.in_(addresses)))
