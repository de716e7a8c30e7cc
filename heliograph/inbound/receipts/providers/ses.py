"""Amazon SES, which tells what happens over Amazon SNS: signed messages of topics that the account has listed.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html, event-publishing-retrieving-sns-contents.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html. The certificate comes from Amazon's own
hosts alone, and only for a listed topic; a subscription is confirmed for a listed topic alone. Our message is named by
its header (`X-Heliograph-Message`) where SES is told to include the original headers, or by the envelope sender.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from heliograph.aws.signed import SIGNED, signed_text
from heliograph.errors import BadRequest, Forbidden
from heliograph.inbound.receipts.providers.provider import (
    MARK,
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    decoded,
    forged,
    listed,
    moment,
    plain_diagnostic,
    text,
    within,
)

_HOST = r"https://sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?"
_CERTIFICATE = re.compile(_HOST + r"/SimpleNotificationService-[A-Za-z0-9]{32}\.pem")
_SUBSCRIBE = re.compile(_HOST + r"/\?Action=ConfirmSubscription&[!-~]{1,2000}")
_DIGESTS = {"1": hashes.SHA1, "2": hashes.SHA256}

_PERMANENT = {"NoEmail": 10, "Suppressed": 25, "OnAccountSuppressionList": 25, "UnsubscribedRecipient": 25}
_TRANSIENT = {"MailboxFull": 22, "MessageTooLarge": 23, "ContentRejected": 52, "AttachmentRejected": 53}
_OWN = frozenset(("Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"))


def certificate(callback: Callback, lock: Lock) -> str | None:
    """Where the certificate is that the message names. Raises `Forbidden` for a topic that is not listed, and for any
    place but Amazon's."""
    said = _message(callback)
    if text(said, "TopicArn") not in lock.topics:
        raise Forbidden("The account has not listed this topic: receipt_topics.")
    url = text(said, "SigningCertURL", "SigningCertUrl")
    if not _CERTIFICATE.fullmatch(url):
        raise Forbidden("SigningCertURL is not Amazon's.")
    return url


def verify(callback: Callback, lock: Lock) -> None:
    """The signature is Amazon's, by the certificate. Raises `Forbidden`."""
    said = _message(callback)
    digest = _DIGESTS.get(text(said, "SignatureVersion"))
    if text(said, "Type") not in SIGNED or digest is None:
        raise forged("its type or version is unknown")
    signed = signed_text({name: value for name, value in said.items() if isinstance(value, str)})
    try:
        key = load_pem_x509_certificate(lock.certificate).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise forged("the certificate has no RSA key")
        signature = base64.b64decode(text(said, "Signature"), validate=True)
        key.verify(signature, signed, padding.PKCS1v15(), digest())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise forged("it is not Amazon's") from error


def confirms(callback: Callback) -> str | None:
    """The link that confirms a subscription, on Amazon's hosts alone."""
    said = _message(callback)
    if text(said, "Type") != "SubscriptionConfirmation":
        return None
    url = text(said, "SubscribeURL")
    if not _SUBSCRIBE.fullmatch(url):
        raise Forbidden("SubscribeURL is not Amazon's.")
    return url


def read(callback: Callback) -> Sequence[Fact]:
    """What happened, to each recipient that is named."""
    envelope = _message(callback)
    if text(envelope, "Type") != "Notification":
        return []
    try:
        said = decoded(text(envelope, "Message").encode())
    except (BadRequest, UnicodeEncodeError):
        return [
            Fact(what="other", word="words", key=text(envelope, "MessageId"))
        ]  # a person's, or another service's
    if not isinstance(said, dict):
        return []
    word = text(said, "eventType", "notificationType")
    reader = _READERS.get(word)
    facts = reader(said, _marks(within(said, "mail"))) if reader else []
    return facts or [Fact(what="other", word=word, key=text(envelope, "MessageId"))]


def _bounces(said: dict[str, Any], marks: tuple[str, ...]) -> list[Fact]:
    bounce = within(said, "bounce")
    kind, sub = text(bounce, "bounceType"), text(bounce, "bounceSubType")
    known = _PERMANENT.get(sub, 10 if kind == "Permanent" else None) or _TRANSIENT.get(sub)
    return [
        Fact(
            what="bounced",
            word=f"{kind} {sub}".strip(),
            key=f"{text(bounce, 'feedbackId')} {text(one, 'emailAddress')}",
            at=moment(bounce.get("timestamp")),
            marks=marks,
            address=text(one, "emailAddress"),
            said=plain_diagnostic(text(one, "diagnosticCode")),
            status=text(one, "status") or None,
            code=known or (20 if kind == "Transient" else None),
            sure=sub in _OWN,
        )
        for one in listed(bounce.get("bouncedRecipients", []))
    ]


def _complaints(said: dict[str, Any], marks: tuple[str, ...]) -> list[Fact]:
    complaint = within(said, "complaint")
    feedback = text(complaint, "complaintFeedbackType")
    return [
        Fact(
            what="other" if feedback == "not-spam" else "complained",
            word=f"Complaint {feedback}".strip(),
            key=f"{text(complaint, 'feedbackId')} {text(one, 'emailAddress')}",
            at=moment(complaint.get("arrivalDate") or complaint.get("timestamp")),
            marks=marks,
            address=text(one, "emailAddress"),
        )
        for one in listed(complaint.get("complainedRecipients", []))
    ]


def _simple(what: What, part: str, recipients: str) -> Any:
    """A reader of events that only say that, of these recipients."""

    def facts(said: dict[str, Any], marks: tuple[str, ...]) -> list[Fact]:
        event, mail = within(said, part), within(said, "mail")
        named = event.get(recipients) or mail.get("destination")
        return [
            Fact(
                what=what,
                word=text(said, "eventType", "notificationType"),
                key=f"{text(mail, 'messageId')} {part} {text(event, 'timestamp')}",
                at=moment(event.get("timestamp")),
                marks=marks,
                address=one if isinstance(one, str) else text(one, "emailAddress"),
                said=text(event, "smtpResponse", "delayType", "reason"),
                code=25 if what == "bounced" else None,
                sure=what == "bounced",
                retry_at=moment(event.get("expirationTime")),
                ip=text(event, "ipAddress"),
                user_agent=text(event, "userAgent"),
                url=text(event, "link"),
            )
            for one in (named if isinstance(named, list) else [])[:50]
            if isinstance(one, str | dict)
        ]

    return facts


_READERS = {
    "Bounce": _bounces,
    "Complaint": _complaints,
    "Delivery": _simple("delivered", "delivery", "recipients"),
    "DeliveryDelay": _simple("deferred", "deliveryDelay", "delayedRecipients"),
    "Reject": _simple("bounced", "reject", ""),
    "Open": _simple("opened", "open", ""),
    "Click": _simple("clicked", "click", ""),
}


def _marks(mail: dict[str, Any]) -> tuple[str, ...]:
    headers = [
        text(one, "value")
        for one in listed(mail.get("headers", []))
        if text(one, "name").lower() in ("x-heliograph-message", "message-id")
    ]
    tags = within(mail, "tags").get(MARK)
    tagged = [one for one in tags if isinstance(one, str)] if isinstance(tags, list) else []
    return (*tagged, *headers, text(within(mail, "commonHeaders"), "messageId"), text(mail, "source"))


def _message(callback: Callback) -> dict[str, Any]:
    said = decoded(callback.body)
    if not isinstance(said, dict):
        raise BadRequest("The body is no message of Amazon SNS.", field="body")
    return said


PROVIDER = Provider(
    name="ses",
    needs="the topic's ARN in the account's policy `receipt_topics`; no key",
    verify=verify,
    read=read,
    certificate=certificate,
    confirms=confirms,
)
