"""What a message's end is told as: events' data from what decided. Pure."""

from __future__ import annotations

from heliograph.bounces.classify import Verdict
from heliograph.events import messages
from heliograph.events.event import Data, Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.making.letters import Draft, Failed
from heliograph.outbound.messages.permission import Refusal

DETAILS_LIMIT = 1000
"""Characters of an answer or a reason in an event."""

Request = Event[MessageRequested]


def suppressed(request: Request, refused: Refusal) -> Data:
    """It was not tried: the address may not be written to."""
    return messages.MessageSuppressed(
        message=request.id,
        channel=request.data.channel,
        address=request.data.address,
        code=refused.code,
        category=refused.category,
        reason=refused.reason,
        suppression=refused.suppression,
    )


def render_failed(request: Request, failed: Failed) -> Data:
    """The template cannot be rendered for this recipient."""
    return messages.MessageRenderFailed(
        message=request.id, channel=request.data.channel, address=request.data.address, errors=failed.errors
    )


def bounced(
    request: Request, verdict: Verdict, details: str, *, status: str | None = None, size: int | None = None
) -> Data:
    """It will not arrive, and why."""
    return messages.MessageBounced(
        message=request.id,
        channel=request.data.channel,
        address=request.data.address,
        category=verdict.category,
        code=verdict.code,
        bounce_class=verdict.bounce_class,
        details=details[:DETAILS_LIMIT],
        status=status,
        rule=verdict.rule,
        size=size,
    )


def sent(request: Request, via: str, draft: Draft, response: str, *, final: bool) -> tuple[Data, ...]:
    """It was taken, by the server that `via` names; `final`: that server is the recipient's own."""
    wanted, size = request.data, len(draft.parcel.content)
    taken = messages.MessageSent(
        message=request.id,
        channel=wanted.channel,
        address=wanted.address,
        via=via,
        response=response,
        size=size,
        subject=draft.subject,
        message_id=draft.message_id,
        sender=draft.sender,
        is_test=wanted.is_test,
        template_version=draft.template_version,
        topic=draft.topic,
    )
    if not final:
        return (taken,)
    delivered = messages.MessageDelivered(
        message=request.id, channel=wanted.channel, address=wanted.address, size=size, response=response
    )
    return (taken, delivered)
