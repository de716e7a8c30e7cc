"""Queues of our own, from which receivers fetch with an SQS client: `queue:NAME` of the subscription's account.

A queue that is not there yet is made as the vendor's clients make theirs (600 s of visibility, 64 KiB), so that saving
the feed is enough.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import apsw

from heliograph.errors import CallerError
from heliograph.journal.consumer import Delivered, Refused
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.queues import keeping, messages
from heliograph.queues.messages import Outgoing, Put
from heliograph.queues.model import ILLEGAL, Queue
from heliograph.settings import Settings

DEFAULTS = {"VisibilityTimeout": "600", "MaximumMessageSize": "65536"}
"""MG-2, wire-facts 4.1: what MessageGears' SDKs create queues with."""

_ENDPOINT = re.compile(r"queue:([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)")


async def deliver(told: Told, means: Means) -> Exchange:
    """Put one event in; on disk when this returns."""
    named = _ENDPOINT.fullmatch(told.endpoint)
    if named is None:
        return Exchange(outcome=Refused(f"{told.endpoint} names no queue"))
    account, name = told.account, named[1]

    async def put(several: Sequence[Told]) -> list[Put]:
        now = means.clock.now() // 1000
        return await means.queues.do(lambda connection: _put(connection, account, name, several, now))

    try:
        done = await means.together.ask((SINK.name, account, name), told, put)
    except CallerError as error:
        return Exchange(outcome=Refused(error.message))
    return Exchange(outcome=Delivered(done.id))


def _put(
    connection: apsw.Connection, account: str, name: str, several: Sequence[Told], now: int
) -> list[Put]:
    queue = keeping.find(connection, account, name) or _made(connection, account, name, now)
    return [messages.put(connection, queue, _outgoing(queue, told), now) for told in several]


def _made(connection: apsw.Connection, account: str, name: str, now: int) -> Queue:
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    return keeping.create(connection, account, name, DEFAULTS | fifo, {}, now)


def _outgoing(queue: Queue, told: Told) -> Outgoing:
    """A FIFO queue keeps the order of each subject's events, and takes each event once."""
    event = told.event
    return Outgoing(
        body=ILLEGAL.sub("", told.rendered.body.decode()),
        sender=told.account,
        group=event.subject[:128].encode("ascii", "replace").decode().replace(" ", "_")
        if queue.fifo
        else None,
        dedup=event.id if queue.fifo else None,
        event=event.id,
        subject=event.subject,
    )


def fault(endpoint: str, _: Settings) -> str | None:
    """Why this names no queue."""
    if _ENDPOINT.fullmatch(endpoint):
        return None
    return "queue:NAME has up to 80 of A-Z, a-z, 0-9, - and _, and may end in .fifo"


SINK = Sink("queue", ("queue",), fault, deliver)
