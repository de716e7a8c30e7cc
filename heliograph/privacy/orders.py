"""What is ordered about a person: a merge, an erasure. Orders are events, so the API and the command line give the
same ones, while the engine runs or later, and both can be followed.

`person.merged` is carried out by the folds; `erasure.requested` by the act in `heliograph.privacy.erasing`.
"""

from __future__ import annotations

from heliograph.clock import Clock
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.event import Event
from heliograph.events.people import ErasureRequested, PersonMerged
from heliograph.journal.journal import Journal
from heliograph.react.state.people import Person


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
