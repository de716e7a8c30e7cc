"""A text or push message that is ready to go, and what events tell of it. Pure.

Made by the desks (`texts`, `pushes`), sent and told by `dispatch`: there the same happens as with a mail.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from heliograph.bounces.undelivered import PUSHES, TEXTS, Undelivered
from heliograph.events.event import Data
from heliograph.events.messages import (
    LinksShortened,
    MessageBounced,
    MessageDeferred,
    MessageDelivered,
    MessageRequested,
    MessageSent,
)
from heliograph.events.people import DeviceRemoved
from heliograph.outbound.messages.channels.channel import Deferred, NotDelivered, Unreachable
from heliograph.outbound.messages.channels.providers.provider import Push, Text
from heliograph.outbound.messages.facts.lookups import Looked


class Note(NamedTuple):
    """A finished message; `sent` is what `message.sent` says of it, but for the provider's answer. `links`: what is to be
    recorded before it leaves; `looked`: the context records that the template asked for."""

    parcel: Text | Push
    sent: MessageSent
    links: LinksShortened | None = None
    looked: Looked = ()


def accepted(note: Note, response: str) -> tuple[Data, ...]:
    """What a provider's yes tells: a push service answers for the device, a provider of texts only for itself."""
    parcel = note.parcel
    sent = msgspec.structs.replace(note.sent, response=response)
    if isinstance(parcel, Text):
        return (sent,)
    return (
        sent,
        MessageDelivered(
            message=sent.message,
            channel="push",
            address=sent.address,
            size=sent.size,
            service=parcel.provider.service,
            application=parcel.application or None,
            delivery_service=parcel.provider.delivery,
        ),
    )


def refused(
    message: str, wanted: MessageRequested, result: NotDelivered, note: Note | None
) -> tuple[Data, ...]:
    """What follows where it will not arrive; a device that is gone is told to be."""
    bounced = _bounced(message, wanted, result.why, result.response, note)
    if not result.gone:
        return (bounced,)
    return (bounced, DeviceRemoved(device=wanted.address, reason=result.response))


def given_up(
    message: str, wanted: MessageRequested, result: Deferred | Unreachable, note: Note
) -> MessageBounced:
    """What follows where its time is over, by the last answer."""
    if wanted.channel == "push":
        why = PUSHES["THROTTLED" if _throttled(result) else "TIMEOUT"]
    else:
        why = TEXTS["SERVICE_FAILURE"]
    return _bounced(message, wanted, why, result[0], note)


def put_off(deferred: MessageDeferred, result: Deferred | Unreachable, note: Note) -> MessageDeferred:
    """A deferral in the document's words for push; texts have none there."""
    if deferred.channel != "push":
        return deferred
    category = "THROTTLED" if _throttled(result) else "TRANSIENT_FAILURE"
    return msgspec.structs.replace(deferred, category=category, **_service(note))


def _throttled(result: Deferred | Unreachable) -> bool:
    return isinstance(result, Deferred) and result.code == 429


def _bounced(
    message: str, wanted: MessageRequested, why: Undelivered, said: str, note: Note | None
) -> MessageBounced:
    bounced = MessageBounced(
        message=message,
        channel=wanted.channel,
        address=wanted.address,
        category=why.category,
        code=why.code,
        bounce_class=why.bounce_class,
        details=why.details,
        rule=said[:500],
    )
    return msgspec.structs.replace(bounced, **_service(note))


def _service(note: Note | None) -> dict[str, str | None]:
    parcel = note.parcel if note is not None else None
    if not isinstance(parcel, Push):
        return {}
    provider = parcel.provider
    return {
        "service": provider.service,
        "application": parcel.application or None,
        "delivery_service": provider.delivery,
    }
