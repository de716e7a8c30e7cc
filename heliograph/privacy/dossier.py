"""Everything that is known of one person, as JSON values: what an export by API or command line gives (STD-7).

First what state makes of it (who they are, what they said about marketing, what they bought, what was sent to them),
then every event, with the data as they were recorded. Instants are RFC 3339 in UTC.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine

from heliograph.clock import iso
from heliograph.events import codec
from heliograph.events.engagement import LinkClicked, MessageOpened, VoteCast
from heliograph.events.event import Entry
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal.consumer import Erased
from heliograph.journal.journal import JournalView
from heliograph.outbound.jobs.forgetting import rows_of
from heliograph.outbound.jobs.ledger import STATES, readable
from heliograph.privacy.evidence import evidence_of
from heliograph.privacy.whose import entries, is_theirs, whose
from heliograph.privacy.words import Mask, words_of
from heliograph.react.automations import runs
from heliograph.react.state import (
    commerce,
    consent,
    consent_log,
    engagement,
    jobs,
    messages,
    people,
    preferences,
)
from heliograph.react.state.facts import Facts
from heliograph.react.state.people import Person

ACTIVITIES = {MessageOpened.kind: "opens", LinkClicked.kind: "clicks", VoteCast.kind: "votes"}

CHANNELS = {"email": "email", "phone": "sms"}

EVERY_VIEW = 1_000_000
"""More products than state remembers of anybody."""

INSTANTS = frozenset(("at", "since", "ended", "first", "last", "created", "updated", "deleted", "began"))
"""Names of instants in state, beside those that end in `_at`."""


async def dossier(
    journal: JournalView, state: Engine, files: EvidenceFiles, account: str, person: Person, now: int
) -> dict[str, Any]:
    """Everything that is known of this person; `files`: the mails that came back."""
    whom = await whose(journal, state, account, person.id)
    told = [entry async for entry in entries(journal, account, whom.references)]
    told += await _under_others(journal, whom, {entry.seq for entry in told})
    told.sort(key=lambda entry: entry.seq)
    known = await asyncio.to_thread(_known, state, whom, person, now)
    events = [_plain(entry) for entry in told]
    activity = {
        name: [event for event in events if event["kind"] == kind] for kind, name in ACTIVITIES.items()
    }
    kept = await asyncio.to_thread(evidence_of, files, account, told)
    listed = await asyncio.to_thread(_listed, state, whom)
    return {
        "exported_at": iso(now),
        "account": account,
        **known,
        **activity,
        "events": events,
        "evidence": kept,
        "jobs": listed,
    }


def consent_record(connection: Connection, account: str, person: Person) -> dict[str, Any]:
    """What a person said about marketing and tracking under each of their addresses and phones, former ones too:
    how it stands, which suppressions are in force, and the log that proves it."""
    addresses = []
    for known in people.identities(connection, account, person.id):
        if (channel := CHANNELS.get(known.kind)) is None:
            continue
        standing = consent.standing(connection, account, channel, known.value)
        said = preferences.preferences(connection, account, channel, known.value)
        addresses.append(
            {
                "channel": channel,
                "address": known.value,
                "current": known.ended is None,
                "opted_in": standing.opt_in,
                "suppressions": _readable(consent.suppressions(connection, account, channel, known.value)),
                "topics": said.choices,
                "paused_until": iso(said.paused_until) if said.paused_until else None,
                "log": _readable(consent_log.log(connection, account, channel, known.value)),
            }
        )
    return {"person": person.id, "accepts_tracking": person.accepts_tracking, "addresses": addresses}


def _known(state: Engine, whom: Erased, person: Person, now: int) -> dict[str, Any]:
    """What state knows of them, and makes of it: in which segments they are now."""
    account, references = whom.account, whom.references
    who = {"emails": whom.values("email"), "customer_ids": whom.values("customer")}
    with state.connect() as connection:
        mails = [messages.find(connection, account, one) for one in whom.values("message")]
        named = [one._asdict() for one in people.identities(connection, account, person.id)]
        ran = [run._asdict() for run in runs.of_person(connection, account, person.id)]
        return {
            "person": _readable(person),
            "identities": _readable(named),
            "consent": consent_record(connection, account, person),
            "orders": _readable(commerce.orders_of(connection, account, **who)),
            "carts": _readable(commerce.carts_of(connection, account, **who)),
            "product_views": _readable(commerce.views(connection, account, references, limit=EVERY_VIEW)),
            "messages": _readable([mail for mail in mails if mail is not None]),
            "runs": _readable(ran),
            "engagement": _readable(engagement.find(connection, account, person.id)),
            "segments": Facts(connection, account, person, now)["segments"],
        }


def _listed(state: Engine, whom: Erased) -> list[dict[str, Any]]:
    """Where they stand on lists of bulk jobs."""
    with state.connect() as connection:
        ids = jobs.of_account(connection, whom.account)
    return [
        {
            "job": job,
            "line": row.line,
            "address": row.address,
            "state": STATES[row.state],
            "data": readable(row),
        }
        for job, row in rows_of(Path(str(state.url.database)).parent, ids, words_of(whom))
        if Mask(whom).text(row.address) != row.address
    ]


async def _under_others(journal: JournalView, whom: Erased, known: set[int]) -> list[Entry]:
    """Entries about them that are recorded under somebody else: an order that was sent to another address."""
    found: list[Entry] = []
    for seq in await journal.mentions(words_of(whom), account=whom.account):
        if seq not in known:
            page = await journal.read(seq - 1, limit=1)
            found += [entry for entry in page if is_theirs(codec.decode(entry), whom)]
    return found


def _plain(entry: Entry) -> dict[str, Any]:
    """An event with its data as they were recorded, unknown fields and all."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "subject": entry.subject,
        "at": iso(entry.at),
        "recorded": iso(entry.recorded),
        "cause": entry.cause,
        "data": msgspec.json.decode(entry.data),
    }


def _readable(value: Any) -> Any:
    """State's values as JSON values, instants as RFC 3339; documents stay as their senders wrote them."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, list | tuple):
        return [_readable(one) for one in value]
    if isinstance(value, dict):
        return {name: _shown(name, one) for name, one in value.items()}
    return value


def _shown(name: str, value: Any) -> Any:
    if name in ("document", "properties"):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and (name in INSTANTS or name.endswith("_at")):
        return iso(value)
    return _readable(value)
