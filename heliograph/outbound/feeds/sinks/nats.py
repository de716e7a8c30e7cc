"""Streams of a NATS server: `nats:SUBJECT`, such as `nats:mail.activity`.

Published through JetStream, so an event counts as told when the stream has stored it; the event's id is its
`Nats-Msg-Id`, by which the stream drops repeats. The servers and their credentials are settings: a feed names no more
than the subject.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.dialect import EVENT_HEADER
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.settings import Settings

TIMEOUT = 5.0
"""Seconds for connecting, and for the stream's word that an event is stored."""

_ENDPOINT = re.compile(r"nats:([!-)+-=?-~]{1,255})")
"""A subject: no blanks, no wildcards (`*`, `>`)."""


@dataclass(frozen=True, slots=True)
class _Stream:
    client: Any
    stream: Any

    async def close(self) -> None:
        """Flush and hang up."""
        await self.client.close()


async def _connect(settings: Settings) -> _Stream:
    """A connection that mends itself later. Raises what the client raises if no server answers now."""
    chosen: dict[str, Any] = (
        {"user_credentials": settings.nats_credentials} if settings.nats_credentials else {}
    )
    client = importlib.import_module("nats").NATS()
    try:
        async with asyncio.timeout(TIMEOUT):  # by itself it tries for two minutes
            await client.connect(
                servers=list(settings.nats_servers), connect_timeout=TIMEOUT, error_cb=_silent, **chosen
            )
    except Exception:
        await client.close()
        raise
    return _Stream(client, client.jetstream(timeout=TIMEOUT))


async def _silent(_: Exception) -> None:
    """Outcomes say what is wrong."""


async def deliver(told: Told, means: Means) -> Exchange:
    """Publish one event; stored when this returns."""
    return Exchange(outcome=await _published(told, means))


async def _published(told: Told, means: Means) -> Outcome:
    why = fault(told.endpoint, means.settings)
    if why is not None:
        return Refused(why)
    subject, event = told.endpoint.partition(":")[2], told.event
    headers = {"Nats-Msg-Id": event.id, EVENT_HEADER: event.id, "X-Heliograph-Kind": event.kind}
    try:
        link = await means.links.get("nats", partial(_connect, means.settings))
        stored = await link.stream.publish(subject, told.rendered.body, headers=headers)
    except Exception as error:
        return Retry(f"{type(error).__name__}: {error}"[:500])
    return Delivered(f"{stored.stream}/{stored.seq}")


def fault(endpoint: str, settings: Settings) -> str | None:
    """Why nothing is published there."""
    subject = _ENDPOINT.fullmatch(endpoint)
    if subject is None or ".." in subject[1] or subject[1].startswith(".") or subject[1].endswith("."):
        return "nats:SUBJECT has up to 255 characters in parts with dots between, and no blanks or wildcards"
    if not settings.nats_servers:
        return "the setting nats_servers names no server"
    if importlib.util.find_spec("nats") is None:
        return "NATS needs nats-py: pip install 'heliograph[nats]'"
    return None


SINK = Sink("nats", ("nats",), fault, deliver)
