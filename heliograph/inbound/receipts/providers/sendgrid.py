"""SendGrid's Event Webhook: lists of flat JSON objects, signed with ECDSA over timestamp and body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. The key is the account's verification key as
SendGrid shows it: base64 of a DER public key on P-256. `smtp-id` is the Message-ID that we wrote.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from heliograph.clock import SECOND
from heliograph.inbound.receipts.providers.provider import (
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    decoded,
    forged,
    listed,
    marks,
    moment,
    text,
)

TOLERANCE = 24 * 3600 * SECOND
"""Microseconds that a signature may be old: SendGrid repeats for a day. What is told twice is recorded once anyway."""

_WHAT: dict[str, What] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "blocked": "bounced",
    "dropped": "bounced",
    "deferred": "deferred",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "open": "opened",
    "click": "clicked",
}
_DROPPED = {"invalid": 110, "spam content": 52}
"""Why SendGrid sent nothing, where that is not its own list (25)."""


def verify(callback: Callback, lock: Lock) -> None:
    """The signature over the timestamp and the body as it is. Raises `Forbidden`."""
    stamp = callback.header("x-twilio-email-event-webhook-timestamp")
    at = moment(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 12 else 0
    if not at or abs(callback.now - at) > TOLERANCE:
        raise forged("its timestamp is missing or too far from now")
    try:
        signature = base64.b64decode(callback.header("x-twilio-email-event-webhook-signature"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise forged("it is no base64") from error
    if not any(_verifies(secret, signature, stamp.encode() + callback.body) for secret in lock.secrets):
        raise forged("it is not SendGrid's")


def read(callback: Callback) -> Sequence[Fact]:
    """What happened."""
    return [_fact(one) for one in listed(decoded(callback.body))]


def _fact(said: dict[str, Any]) -> Fact:
    word = text(said, "event")
    dropped = word == "dropped"
    reason = text(said, "response", "reason")
    return Fact(
        what=_WHAT.get(word, "other"),
        word=f"bounce {text(said, 'type')}" if word == "bounce" else f"{word} {reason}" if dropped else word,
        key=text(said, "sg_event_id") or f"{text(said, 'sg_message_id')} {word} {text(said, 'timestamp')}",
        at=moment(said.get("timestamp")),
        marks=(*marks(said), text(said, "smtp-id")),
        address=text(said, "email"),
        said=reason,
        status=text(said, "status") or None,
        code=_DROPPED.get(reason.lower(), 25) if dropped else None,
        sure=dropped,
        ip=text(said, "ip"),
        user_agent=text(said, "useragent"),
        url=text(said, "url"),
    )


def _verifies(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        public = load_der_public_key(base64.b64decode(key))
        if not isinstance(public, ec.EllipticCurvePublicKey):
            return False
        public.verify(signature, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return False
    return True


PROVIDER = Provider(
    name="sendgrid",
    needs="a key `receipts` of the login `sendgrid`: the verification key of its signed event webhook",
    verify=verify,
    read=read,
)
