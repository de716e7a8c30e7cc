"""Postmark's webhooks: one JSON object each, not signed; a password or a secret header says that they are Postmark's.

https://postmarkapp.com/developer/webhooks/webhooks-overview. The key is `user:password` for basic authentication in the
URL, or the value of a custom header `X-Receipts-Secret`; `receipt_networks` may name Postmark's addresses too.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.inbound.receipts.providers.provider import (
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    basic_or_token,
    decoded,
    listed,
    marks,
    moment,
    plain_diagnostic,
    text,
    within,
)

SECRET_HEADER = "x-receipts-secret"  # noqa: S105 - a header's name

_WHAT: dict[str, What] = {
    "Delivery": "delivered",
    "SpamComplaint": "complained",
    "Open": "opened",
    "Click": "clicked",
}
_BOUNCES: dict[str, tuple[What, int | None]] = {
    "HardBounce": ("bounced", 10),
    "SoftBounce": ("bounced", 20),
    "Transient": ("deferred", None),
    "DnsError": ("bounced", 21),
    "SpamNotification": ("bounced", 52),
    "VirusNotification": ("bounced", 52),
    "BadEmailAddress": ("bounced", 110),
    "Blocked": ("bounced", 50),
    "DMARCPolicy": ("bounced", 50),
    "Unknown": ("bounced", None),
    "Undeliverable": ("bounced", None),
    "ManuallyDeactivated": ("bounced", 25),
    "SMTPApiError": ("bounced", 25),
    "TemplateRenderingFailed": ("bounced", 25),
    "Unsubscribe": ("unsubscribed", None),
    "SpamComplaint": ("complained", None),
}
"""Postmark's types of bounce; auto-replies, challenges and changes of address are none."""
_OWN = frozenset(("ManuallyDeactivated", "SMTPApiError", "TemplateRenderingFailed"))


def verify(callback: Callback, lock: Lock) -> None:
    """Basic authentication or the secret header. Raises `Unauthorized`."""
    basic_or_token(callback, lock, SECRET_HEADER)


def read(callback: Callback) -> Sequence[Fact]:
    """What happened."""
    facts = []
    for said in listed(decoded(callback.body)):
        record, kind = text(said, "RecordType"), text(said, "Type")
        what, code = _WHAT.get(record, "other"), None
        if record == "Bounce":
            what, code = _BOUNCES.get(kind, ("other", None))
        elif record == "SubscriptionChange":
            what = _changed(text(said, "SuppressionReason"), said.get("SuppressSending") is True)
        at = text(said, "DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")
        facts.append(
            Fact(
                what=what,
                word=f"{record} {kind}".strip(),
                key=text(said, "ID") or f"{text(said, 'MessageID')} {record} {at}",
                at=moment(at),
                marks=marks(within(said, "Metadata")),
                address=text(said, "Recipient", "Email"),
                said=plain_diagnostic(text(said, "Details", "Description")),
                code=code,
                sure=kind in _OWN,
                user_agent=text(said, "UserAgent"),
                ip=text(within(said, "Geo"), "IP"),
                url=text(said, "OriginalLink"),
                subject=text(said, "Subject") or None,
            )
        )
    return facts


def _changed(reason: str, suppressed: bool) -> What:
    """A suppression at Postmark: by the recipient's own wish; bounces and complaints are told by themselves."""
    return "unsubscribed" if suppressed and reason == "ManualSuppression" else "other"


PROVIDER = Provider(
    name="postmark",
    needs="a key `receipts` of the login `postmark`: `user:password` of the webhook's URL, or its secret header's value",
    verify=verify,
    read=read,
)
