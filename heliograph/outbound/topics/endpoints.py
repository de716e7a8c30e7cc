"""How a message gets to an endpoint: posted to a URL, or put into a queue of ours; and what its answer means (SNS-5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import apsw
import msgspec
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.egress import Answer, Egress, Failed
from heliograph.errors import CallerError, Unavailable
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry
from heliograph.outbound.topics.credentials import without_credentials
from heliograph.outbound.topics.signer import Signer
from heliograph.queues import keeping, messages
from heliograph.queues.digests import attributes_digest
from heliograph.queues.file import QueueFile
from heliograph.queues.messages import Outgoing
from heliograph.queues.model import ILLEGAL, Queue, QueueFault
from heliograph.settings import Settings

SHOWN = 200
"""Bytes of a refusing answer that are kept for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What deliveries are made with. `engine`: state, read-only. `queues`: our own."""

    engine: Engine
    directory: Directory
    egress: Egress
    queues: QueueFile
    signer: Signer
    settings: Settings
    clock: Clock


class Parcel(NamedTuple):
    """One message for one subscription. `attributes` only where they travel beside the body: raw, into a queue."""

    event: AnyEvent
    id: str
    body: bytes
    headers: dict[str, str]
    topic: str
    attributes: Mapping[str, Mapping[str, str]] = {}


class Pace:
    """At most so many deliveries a second to one endpoint (`maxReceivesPerSecond`)."""

    def __init__(self) -> None:
        self._next = 0.0

    async def wait(self, per_second: int | None, clock: Clock) -> None:
        """Return when it is the caller's turn."""
        if per_second is None:
            return
        now = clock.monotonic()
        turn = max(now, self._next)
        self._next = turn + 1 / per_second
        if turn > now:
            await clock.sleep(turn - now)


async def post(endpoint: str, body: bytes, headers: Mapping[str, str], means: Means) -> Outcome:
    """Post a message. A receiver that asks for the credentials in its own URL gets them."""
    url, basic = without_credentials(endpoint)
    timeout = means.settings.sns_timeout
    answer = await means.egress.post(url, body, headers, timeout)
    if basic is not None and isinstance(answer, Answer) and answer.status == 401:
        answer = await means.egress.post(url, body, {**headers, "Authorization": basic}, timeout)
    return verdict(answer)


def verdict(answer: Answer | Failed) -> Outcome:
    """What an answer means: 2xx is taken, 5xx and silence pass, everything else is for good (SNS-5). A redirect would
    lead to where nobody subscribed, so it is as good as 4xx."""
    if isinstance(answer, Failed):
        why = f"{answer.kind}: {answer.reason}"
        return Refused(why) if answer.kind == "refused" else Retry(why)
    if 200 <= answer.status < 300:
        return Delivered(str(answer.status))
    why = f"{answer.status} {answer.body[:SHOWN].decode('utf-8', 'replace')}".strip()
    return Refused(why) if 300 <= answer.status < 500 else Retry(why)


async def enqueue(parcel: Parcel, account: str, name: str, means: Means) -> Delivered | Retry | Refused:
    """Put a message into a queue of ours; on disk when this returns."""
    now = means.clock.now() // 1000

    def step(connection: apsw.Connection) -> str:
        queue = keeping.get(connection, account, name)
        outgoing = _outgoing(queue, parcel)
        if len(outgoing.body.encode()) > queue.number("MaximumMessageSize"):
            raise QueueFault("InvalidParameterValue", "the message is longer than the queue takes")
        return messages.put(connection, queue, outgoing, now).id

    try:
        return Delivered(await means.queues.do(step))
    except CallerError as error:
        return Refused(error.message)
    except Unavailable as error:
        return Retry(error.message)


def _outgoing(queue: Queue, parcel: Parcel) -> Outgoing:
    """A FIFO queue keeps a topic's messages in order, and takes each once."""
    attributes = {name: dict(one) for name, one in parcel.attributes.items()}
    return Outgoing(
        body=ILLEGAL.sub("", parcel.body.decode()),
        sender=parcel.event.account,
        attributes=msgspec.json.encode(attributes).decode() if attributes else None,
        md5_attributes=attributes_digest(attributes) if attributes else None,
        group=parcel.topic[:128] if queue.fifo else None,
        dedup=parcel.id if queue.fifo else None,
        event=parcel.event.id,
        subject=parcel.event.subject,
    )
