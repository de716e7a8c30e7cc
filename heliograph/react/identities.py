"""Two records that turn out to be one person: decided here by rule, told as `person.merged`, carried out by folds.

The fold of people notes when an event shows somebody with an address or phone that had been somebody else's
(`people.coincidences`); it may not say more. Here it is decided, on what is known of both by then, whether they are
one: a merge is an event like any other, so feeds and automations hear of it, and a replay ends in the same state.
An operator's merge is the same event, appended by hand (`heliograph.privacy.orders`).

The rule is careful, because a merge cannot be taken back: only the shop's own number vouches for an address, and
whoever has a number of their own is somebody else (RM-9).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent
from heliograph.events.people import PersonMerged
from heliograph.journal.consumer import Reaction
from heliograph.react.state import people, portraits
from heliograph.react.state.people import Person

NAME = "identities"


def reason(person: Person, other: Person, kind: str) -> str | None:
    """Why `other` is `person`, who now has an identity of this kind that was theirs; None where they are two.

    The guest who bought with an address is the customer to whom the shop gives that address. A phone alone proves
    less, for families share one: it must have been all that was known of them. Pure."""
    if person.customer_id is None or other.customer_id is not None:
        return None
    if kind == "email":
        return "the shop's customer has the address that was theirs"
    if kind == "phone" and other.email is None:
        return "the shop's customer has the phone that was all we knew of them"
    return None


def _decide(connection: Connection, events: Sequence[AnyEvent], now: int) -> Sequence[AnyEvent]:
    by_id = {event.id: event for event in events}
    merges: list[AnyEvent] = []
    for event_id, person_id, other_id, kind in people.coincidences(connection, list(by_id)):
        event = by_id[event_id]
        person = people.find(connection, event.account, person=person_id)
        other = people.find(connection, event.account, person=other_id)
        if person is None or other is None or person.id == other.id:
            continue
        why = reason(person, other, kind)
        if why is not None:
            data = PersonMerged(person=person.id, other=other.id, because=why, by="rule")
            subject = subjects.person(person.id)
            merges.append(codec.follow(event, data, NAME, other.id, now=now, subject=subject))
    return merges


REACTION = Reaction(name=NAME, kinds=portraits.KINDS, decide=_decide)
