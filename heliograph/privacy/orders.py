"""What is ordered about a person: a merge, an erasure, a suppression and its end. Orders are events, so the API and the command line give the
same ones, while the engine runs or later, and both can be followed.

`person.merged` and `suppression.*` are carried out by the folds; `erasure.requested` by the act in
`heliograph.privacy.erasing`.
"""

from __future__ import annotations

from typing import TypeVar

from heliograph.clock import Clock
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.consent import Channel, SuppressionAdded, SuppressionRemoved, SuppressionType
from heliograph.events.event import Event
from heliograph.events.people import ErasureRequested, PersonMerged
from heliograph.journal.journal import Journal
from heliograph.react.state.people import Person

ONLY_THEIR_OWN = frozenset(("unsubscribed", "pending_opt_in"))
"""What nobody but the person can lift, by subscribing (wire-facts 6.1)."""


async def merge(
    journal: Journal, clock: Clock, account: str, person: Person, other: Person, *, because: str, by: str
) -> Event[PersonMerged]:
    """`other` is `person` from now on; returns when that is on disk. Raises `BadRequest` for one and the same."""
    if person.id == other.id:
        raise BadRequest("These are one person already.", field="other")
    data = PersonMerged(person=person.id, other=other.id, because=because, by=by)
    event = codec.make(data, account=account, subject=subjects.person(person.id), now=clock.now())
    await journal.append([codec.encode(event)])
    return event


async def erase(
    journal: Journal, clock: Clock, account: str, person: str, *, by: str
) -> Event[ErasureRequested]:
    """The person of this id is to be erased; returns when that is on disk. The event's id is the erasure's
    (`react.state.erasures`)."""
    data = ErasureRequested(person=person, by=by)
    event = codec.make(data, account=account, subject=subjects.thing("erased", person), now=clock.now())
    await journal.append([codec.encode(event)])
    return event


async def suppress(
    journal: Journal, clock: Clock, account: str, channel: Channel, address: str, *, reason: str, by: str
) -> Event[SuppressionAdded]:
    """Nobody writes to this address (in normal form) any more; returns when that is on disk."""
    data = SuppressionAdded(
        channel=channel,
        address=address,
        type="manually_suppressed",
        reason=reason or f"Suppressed by {by}",
        by=by,
    )
    return await _about(journal, clock, account, data)


async def lift(
    journal: Journal,
    clock: Clock,
    account: str,
    channel: Channel,
    address: str,
    kind: SuppressionType,
    *,
    reason: str,
    by: str,
) -> Event[SuppressionRemoved]:
    """This reason not to write to an address (in normal form) holds no more; what is counted towards it starts afresh.
    Raises `BadRequest` for one that only the person can lift."""
    if kind in ONLY_THEIR_OWN:
        raise BadRequest(f"{kind} is lifted by the person alone, who subscribes again.", field="type")
    data = SuppressionRemoved(
        channel=channel, address=address, type=kind, reason=reason or f"Lifted by {by}", by=by
    )
    return await _about(journal, clock, account, data)


D = TypeVar("D", SuppressionAdded, SuppressionRemoved)


def about_address(data: D, account: str, now: int) -> Event[D]:
    """An event about an address, number or device (in normal form), which it names itself."""
    return codec.make(data, account=account, subject=subjects.reached(data.channel, data.address), now=now)


async def _about(journal: Journal, clock: Clock, account: str, data: D) -> Event[D]:
    event = about_address(data, account, clock.now())
    await journal.append([codec.encode(event)])
    return event
