"""Kinds about messages, on every channel: wanted, refused, tried, sent, and what became of them.

A message's id is the id of its `message.requested`; all later events name it in `message`. The categories
and codes are those of the MessageGears document (wire-facts 4.2), the suppression codes 130 to 135 (MG-8).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from heliograph.events.consent import Channel
from heliograph.events.event import Data

BounceClass = Literal["hard", "soft", "block", "admin", "undetermined"]


class Campaign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message belongs to, as receivers of feeds see it: a number, a name, a group."""

    id: int
    name: str
    group: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that goes with a mail: `content` in base64, or the name under which it is `kept`
    (`heliograph.attachments.kept`), or the `url` that it is fetched from when the mail is sent: that and its name are Liquid
    then, and without a `content_type` the name says it. With a `content_id` it is what the HTML shows as `cid:`."""

    name: str
    content_type: str
    content: str = ""
    content_id: str = ""
    kept: str = ""
    url: str = ""


class MessageRequested(Data, frozen=True, kw_only=True):
    """A message is wanted: by an automation, a job, or the API.

    `context` is what the template sees beside the person: the triggering event's properties under `event`.
    `topic`: the subscription topic that it is about; None: its template's. `answers`: the text of theirs (its event) to
    which this is the answer.
    The id of this event is the message's id. `url_append` is what its links lead with (`utm_campaign=spring`); None:
    what the template or the account says. `request_id` has MessageGears' form (MG-5). `list_unsubscribe`: a transactional
    mail has List-Unsubscribe too, which every other has anyway.
    """

    kind: ClassVar[str] = "message.requested"
    channel: Channel = "email"
    address: str
    template: str
    template_version: int | None = None
    person: str | None = None
    campaign: Campaign | None = None
    automation: str | None = None
    run: str | None = None
    job: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    recipient_id: str | None = None
    job_category: str | None = None
    topic: str | None = None
    transactional: bool = False
    list_unsubscribe: bool = False
    context: dict[str, Any] = {}
    is_test: bool = False
    url_append: str | None = None
    answers: str | None = None
    attachments: tuple[Attachment, ...] = ()


class MessageCancelled(Data, frozen=True, kw_only=True):
    """A message that was wanted is wanted no more, before it was tried."""

    kind: ClassVar[str] = "message.cancelled"
    message: str
    reason: str


class MessageSuppressed(Data, frozen=True, kw_only=True):
    """We refused to send: the address is suppressed, or there is no consent. No attempt was made (MG-8).

    `code` is 130 to 135 where the MessageGears document has one for the reason, else 25 (Admin Failure).
    """

    kind: ClassVar[str] = "message.suppressed"
    message: str
    channel: Channel = "email"
    address: str
    code: int
    category: str
    reason: str
    suppression: str | None = None


class RenderError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a template failed: `part` is SUBJECT, BODY, TEXT ..., lines and columns from 1."""

    code: str
    message: str
    part: str = "BODY"
    line: int | None = None
    column: int | None = None


class MessageRenderFailed(Data, frozen=True, kw_only=True):
    """The template could not be rendered for this recipient; only this message stops."""

    kind: ClassVar[str] = "message.render_failed"
    message: str
    channel: Channel = "email"
    address: str
    errors: tuple[RenderError, ...]


class MessageAttempted(Data, frozen=True, kw_only=True):
    """We are about to hand the message over. On disk before the network call: an attempt without an
    outcome after a crash is in doubt and is not repeated by itself."""

    kind: ClassVar[str] = "message.attempted"
    message: str
    channel: Channel = "email"
    address: str
    attempt: int = 1
    via: str = ""


class Sent(Data, frozen=True, kw_only=True):
    """What channels tell about a message that was handed over."""

    message: str
    channel: Channel = "email"
    address: str
    via: str = ""
    response: str = ""
    size: int | None = None
    subject: str | None = None
    message_id: str | None = None
    sender: str | None = None
    body: str | None = None
    characters: int | None = None
    segments: int | None = None
    country: str | None = None
    is_test: bool = False
    template_version: int | None = None
    topic: str | None = None
    """The subscription topic that it was about, if any: what a one-click unsubscription may leave."""


class MessageSent(Sent, frozen=True, kw_only=True):
    """A relay or provider took the message over. For SMS with body, sender, country and characters."""

    kind: ClassVar[str] = "message.sent"


class MessageDeferred(Data, frozen=True, kw_only=True):
    """Not now: a 4xx, a busy network. It will be tried again at `retry_at` (microseconds). A later server that is still
    trying tells it by mail (`source`): then `attempt` is 0, and `retry_at` is until when it will, 0 if it does not say."""

    kind: ClassVar[str] = "message.deferred"
    message: str
    channel: Channel = "email"
    address: str
    attempt: int
    response: str
    code: int = 70
    category: str = "Transient Failure"
    retry_at: int
    service: str | None = None
    application: str | None = None
    delivery_service: str | None = None
    source: str = ""
    """Who told it later: `mail`, or a provider; empty: the server that took the mail, at once."""
    evidence: str = ""
    """Where what they said is kept (`heliograph.inbound.receipts.evidence`)."""


class MessageDelivered(Data, frozen=True, kw_only=True):
    """The recipient's own server, handset network or push service acknowledged receipt."""

    kind: ClassVar[str] = "message.delivered"
    message: str
    channel: Channel = "email"
    address: str
    ip: str = ""
    size: int | None = None
    response: str = ""
    service: str | None = None
    application: str | None = None
    delivery_service: str | None = None
    source: str = ""
    """Who told it later: `mail`, or a provider; empty: the server that took the mail, at once."""
    evidence: str = ""
    """Where what they said is kept (`heliograph.inbound.receipts.evidence`)."""


class MessageBounced(Data, frozen=True, kw_only=True):
    """It will not arrive. For e-mail with code, class and the rule that decided (RM-17: soft is not hard);
    for SMS and push `category` and `details` are exactly those of the MessageGears document (MG-9)."""

    kind: ClassVar[str] = "message.bounced"
    message: str
    channel: Channel = "email"
    address: str
    category: str
    code: int
    bounce_class: BounceClass
    details: str
    status: str | None = None
    rule: str = ""
    ip: str = ""
    size: int | None = None
    service: str | None = None
    application: str | None = None
    delivery_service: str | None = None
    source: str = ""
    """Who told it later: `mail`, or a provider; empty: the server that took the mail, at once."""
    evidence: str = ""
    """Where what they said is kept (`heliograph.inbound.receipts.evidence`)."""

    @property
    def soft(self) -> bool:
        """Anything but hard (RM-17)."""
        return self.bounce_class != "hard"


class MessageInDoubt(Data, frozen=True, kw_only=True):
    """An attempt ended without an answer (a crash, a connection lost after DATA). Not sent again unless
    an operator chooses so."""

    kind: ClassVar[str] = "message.in_doubt"
    message: str
    channel: Channel = "email"
    address: str
    reason: str


class MessageComplained(Data, frozen=True, kw_only=True):
    """The recipient marked it as spam. `isp` is the domain of the recipient's address."""

    kind: ClassVar[str] = "message.complained"
    message: str | None = None
    channel: Channel = "email"
    address: str
    isp: str = ""
    ip: str = ""
    subject: str | None = None
    source: str = ""
    """Who told it later: `mail`, or a provider; empty: the server that took the mail, at once."""
    evidence: str = ""
    """Where what they said is kept (`heliograph.inbound.receipts.evidence`)."""


class SmsReceived(Data, frozen=True, kw_only=True):
    """A text came in. `type` is STOP, START, HELP or KEYWORD (MG-9); `to` is our number. `keyword` is the one of the
    account's own words that it begins with, in capitals; `country` of the sender, two letters, None: unknown."""

    kind: ClassVar[str] = "sms.received"
    sender: str
    to: str
    body: str
    type: str = "KEYWORD"
    country: str | None = None
    keyword: str = ""


class ShortLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A short link: what stands behind `/s/` in the message, and where it leads."""

    code: str
    url: str
    name: str = ""


class LinksShortened(Data, frozen=True, kw_only=True):
    """A message has short links, in their order; recorded before it leaves, so that each is known when it is tapped.
    `person` is None, and `message` one that many share (`aggregate`), where clicks must not be tied to anybody."""

    kind: ClassVar[str] = "links.shortened"
    message: str
    channel: Channel = "sms"
    person: str | None = None
    aggregate: bool = False
    links: tuple[ShortLink, ...]


class EmailReceived(Data, frozen=True, kw_only=True):
    """A mail came in that changes nothing by itself. `classification`: reply, auto_reply, challenge, receipt (it was
    displayed), report (of feedback, but no complaint), unreadable; notice or complaint, where no message of ours could
    be found that it is about. `rule` says what decided; `address` is where it came to."""

    kind: ClassVar[str] = "email.received"
    message: str | None = None
    address: str
    mail_from: str = ""
    subject: str = ""
    classification: str = ""
    content: str = ""
    ip: str = ""
    rule: str = ""
    evidence: str = ""


DOUBT = "in doubt, not sent again unless you retry it: "
"""How the reason begins for which a message in doubt is parked; `MessageInDoubt`, recorded before, says so to state."""
