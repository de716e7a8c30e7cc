"""`/erasures`: what became of the erasures that were asked for (STD-7)."""

from __future__ import annotations

from typing import Literal

import msgspec

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import NotFound
from heliograph.react.state import erasures


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure. It is `done` when nothing of the person is in any file any more but keyed hashes of their
    addresses; `events` of theirs were blanked, and `mentions` of them in others' got a pseudonym."""

    id: str
    person: str
    state: Literal["requested", "done"]
    requested_at: Instant
    finished_at: Instant | None = None
    events: int = 0
    mentions: int = 0


async def find(means: Means, asked: Asked) -> Erasure:
    """The erasure of this id."""
    account, wanted = asked.account.number, asked.path["erasure"]
    known = await means.read(lambda connection: erasures.find(connection, account, wanted))
    if known is None:
        raise NotFound("There is no such erasure.", field="erasure")
    return shown(known)


def shown(known: erasures.Erasure) -> Erasure:
    """As the API shows it."""
    return Erasure(
        id=known.id,
        person=known.person,
        state=known.state,
        requested_at=iso(known.requested),
        finished_at=None if known.finished is None else iso(known.finished),
        events=known.events,
        mentions=known.mentions,
    )


RESOURCE = Resource(
    name="erasures",
    description="Erasures of people, under way and done.",
    calls=(
        Call(
            method="GET",
            path="/erasures/{erasure}",
            name="getErasure",
            summary="What became of an erasure",
            handler=find,
            answer=Erasure,
        ),
    ),
)
