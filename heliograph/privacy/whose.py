"""Everything that is recorded under somebody: by whom they are known as, and by what is theirs.

State knows the identities of a person, former ones and those of whoever was merged into them. Their messages,
carts and orders are found in the journal, by the events that name them: a cart that was anonymous first, an open
that was tied to nobody. Asked by exports and erasures.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from sqlalchemy import Engine

from heliograph.events import codec, subjects
from heliograph.events.commerce import CartCreated, OrderCreated
from heliograph.events.event import AnyEvent, Entry
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Erased
from heliograph.journal.journal import JournalView
from heliograph.react.state import messages, people, portraits, reading
from heliograph.react.state.spelling import Spelling

PAGE = 1_000
"""Entries of a person that are read at once."""

SCHEMES = ("person", "email", "phone", "device")
"""Of the references by which messages are somebody's."""


async def whose(journal: JournalView, engine: Engine, account: str, person: str) -> Erased:
    """Every reference under which something of this person (by their id) is recorded."""
    known, keep_case = await asyncio.to_thread(_known, engine, account, person)
    things: dict[str, None] = {}
    async for entry in entries(journal, account, known):
        things.update(dict.fromkeys(things_of(codec.decode(entry))))
    return Erased(account, person, tuple(dict.fromkeys((*known, *things))), keep_case)


async def entries(journal: JournalView, account: str, references: Sequence[str]) -> AsyncIterator[Entry]:
    """An account's entries of these subjects, in order."""
    after = 0
    while page := await journal.of(references, after=after, limit=PAGE):
        for entry in page:
            if entry.account == account:
                yield entry
        after = page[-1].seq


def is_theirs(event: AnyEvent, whom: Erased) -> bool:
    """Whether an event is about them, whoever it is recorded under: it shows them, is addressed to them, or is
    about a message of theirs."""
    theirs = set(whom.references)

    def normal(_: str, address: str | None) -> str | None:
        return subjects.normal_email(address, keep_case=whom.keep_case) if address else None

    shown = portraits.portrait(event, normal)
    if shown is not None and any(
        subjects.thing(kind, value) in theirs for _, kind, value in shown.identities
    ):
        return True
    data = event.data
    named = [
        *((scheme, getattr(data, "address", None)) for scheme in ("email", "phone", "device")),
        *((scheme, getattr(data, scheme, None)) for scheme in ("person", "message", "email", "phone")),
    ]
    return any(
        subjects.thing(scheme, (normal("", value) or "") if scheme == "email" else value) in theirs
        for scheme, value in named
        if isinstance(value, str) and value
    )


def _known(engine: Engine, account: str, person: str) -> tuple[list[str], bool]:
    with engine.connect() as connection:
        known = people.subjects(connection, account, person)
        values = {
            scheme: [one.partition(":")[2] for one in known if one.startswith(f"{scheme}:")]
            for scheme in SCHEMES
        }
        addresses = [*values["email"], *values["phone"], *values["device"]]
        sent = messages.sent_to(
            connection, account, values["person"], addresses
        )  # whatever the journal still has
        known += [subjects.thing("message", message) for message in sent]
        return known, Spelling(connection).keeps_case(account)


def things_of(event: AnyEvent) -> Iterable[str]:
    """What is theirs because this event of theirs names it."""
    data = event.data
    if isinstance(data, MessageRequested):
        yield subjects.thing("message", event.id)
    elif isinstance(data, OrderCreated) and (number := reading.key_of(data.order.id)):
        yield subjects.thing("order", number)
    elif isinstance(data, CartCreated) and (number := reading.key_of(data.cart.id)):
        yield subjects.thing("cart", number)
    if message := getattr(data, "message", None):
        yield subjects.thing("message", message)
