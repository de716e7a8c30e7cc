"""Mailgun's webhooks: one event each, signed within the body by HMAC-SHA256 over timestamp and token.

https://documentation.mailgun.com/docs/mailgun/user-manual/events/webhooks. The key is the HTTP webhook signing key. 406
tells Mailgun not to send again; anything else but 200 is repeated for eight hours.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.clock import SECOND
from heliograph.inbound.receipts.providers.provider import (
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    decoded,
    forged,
    marks,
    moment,
    text,
    within,
)
from heliograph.signing import mac_hex, same

TOLERANCE = 9 * 3600 * SECOND
"""Microseconds that a signature may be old: repeats go on for eight hours."""

_WHAT: dict[str, What] = {
    "delivered": "delivered",
    "rejected": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "opened": "opened",
    "clicked": "clicked",
}


def verify(callback: Callback, lock: Lock) -> None:
    """The signature in the body. Raises `Forbidden`, `BadRequest`."""
    body = decoded(callback.body)
    signed = within(body, "signature") if isinstance(body, dict) else {}
    stamp, token, signature = (text(signed, name) for name in ("timestamp", "token", "signature"))
    at = moment(stamp)
    if not at or not token or abs(callback.now - at) > TOLERANCE:
        raise forged("its timestamp is missing or too far from now")
    said = (stamp + token).encode()
    if not any(same(mac_hex(key.encode(), said).encode(), signature.encode()) for key in lock.secrets):
        raise forged("it is not Mailgun's")


def once(callback: Callback) -> str | None:
    """The token, of which Mailgun says that it must not be seen twice."""
    return text(within(decoded(callback.body), "signature"), "token")


def read(callback: Callback) -> Sequence[Fact]:
    """What happened."""
    said = within(decoded(callback.body), "event-data")
    status, message = within(said, "delivery-status"), within(said, "message")
    word, reason = text(said, "event"), text(said, "reason")
    for_now = text(said, "severity") == "temporary"
    what: What = ("deferred" if for_now else "bounced") if word == "failed" else _WHAT.get(word, "other")
    reply = text(status, "message") or text(status, "description") or reason
    smtp = text(status, "code")
    own = reason.startswith("suppress") or word == "rejected"
    return [
        Fact(
            what=what,
            word=f"{word} {reason}".strip(),
            key=text(said, "id"),
            at=moment(said.get("timestamp")),
            marks=(*marks(within(said, "user-variables")), text(within(message, "headers"), "message-id")),
            address=text(said, "recipient"),
            said=f"{smtp} {reply}" if len(smtp) == 3 and not reply.startswith(smtp) else reply,
            status=text(status, "enhanced-code") or None,
            code=25 if own else 24 if reason == "old" else None,
            sure=own,
            ip=text(said, "ip"),
            user_agent=text(within(said, "client-info"), "user-agent"),
            url=text(said, "url"),
            subject=text(within(message, "headers"), "subject") or None,
        )
    ]


PROVIDER = Provider(
    name="mailgun",
    needs="a key `receipts` of the login `mailgun`: the HTTP webhook signing key",
    verify=verify,
    read=read,
    once=once,
)
