"""`/evidence`: what others really said of our mail, as it came: the `evidence` of an event."""

from __future__ import annotations

import asyncio

import msgspec

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import NotFound


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that was kept: `kind` is mail, or the provider whose callback it was; `events` are the ids of what
    followed from it; `size` bytes it had, of which `content` holds those that were kept, in base64."""

    id: str
    kind: str
    received_at: Instant
    size: int
    sender: str | None
    recipients: tuple[str, ...]
    events: tuple[str, ...]
    content: bytes


async def find(means: Means, asked: Asked) -> Evidence:
    """The evidence of this id."""
    kept = await asyncio.to_thread(means.evidence.find, asked.path["evidence"], asked.account.number)
    if kept is None:
        raise NotFound(
            "There is no such evidence: its days are over, or its person was erased.", field="evidence"
        )
    about = kept.about
    return Evidence(
        id=kept.id,
        kind=about.kind,
        received_at=iso(about.at),
        size=about.size,
        sender=about.sender,
        recipients=about.recipients,
        events=about.events,
        content=kept.raw,
    )


RESOURCE = Resource(
    name="evidence",
    description="What others really said of our mail: mails that came back, as they were.",
    calls=(
        Call(
            method="GET",
            path="/evidence/{evidence}",
            name="getEvidence",
            summary="A mail that came back, as it was",
            handler=find,
            answer=Evidence,
        ),
    ),
)
