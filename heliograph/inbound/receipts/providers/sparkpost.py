"""SparkPost's webhooks: batches of `{"msys": {class: event}}`, not signed; basic authentication or a bearer token.

https://developers.sparkpost.com/api/webhooks/. SparkPost is Momentum, so its `bounce_class` is our own table (wire-facts
4.2). Our message is named by metadata (`X-MSYS-API`) or by the envelope sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    text,
    within,
)

_WHAT: dict[str, What] = {
    "delivery": "delivered",
    "bounce": "bounced",
    "out_of_band": "bounced",
    "policy_rejection": "bounced",
    "generation_failure": "bounced",
    "generation_rejection": "bounced",
    "delay": "deferred",
    "spam_complaint": "complained",
    "list_unsubscribe": "unsubscribed",
    "link_unsubscribe": "unsubscribed",
    "open": "opened",
    "initial_open": "opened",
    "amp_open": "opened",
    "click": "clicked",
    "amp_click": "clicked",
}
_OWN = frozenset(("policy_rejection", "generation_failure", "generation_rejection"))
_NO_BOUNCES = {"60": "other", "80": "other", "90": "unsubscribed", "100": "other"}
"""Classes of Momentum that are none: auto-replies, subscriptions, wishes to leave, challenges."""


def verify(callback: Callback, lock: Lock) -> None:
    """Basic authentication, a bearer token, or the older token header. Raises `Unauthorized`."""
    basic_or_token(callback, lock, "x-messagesystems-webhook-token")


def read(callback: Callback) -> Sequence[Fact]:
    """What happened; the empty object of SparkPost's test of an endpoint is nothing."""
    facts = []
    for one in listed(decoded(callback.body)):
        for said in within(one, "msys").values():
            if isinstance(said, dict):
                facts.append(_fact(said))
    return facts


def _fact(said: dict[str, Any]) -> Fact:
    word, number = text(said, "type"), text(said, "bounce_class")
    what: Any = _WHAT.get(word, "other")
    if what == "bounced":
        what = _NO_BOUNCES.get(number, what)
    own = word in _OWN
    return Fact(
        what=what,
        word=f"{word} {number}".strip(),
        key=text(said, "event_id") or f"{text(said, 'message_id')} {word} {text(said, 'timestamp')}",
        at=moment(said.get("timestamp")),
        marks=(*marks(within(said, "rcpt_meta")), text(said, "msg_from")),
        address=text(said, "raw_rcpt_to", "rcpt_to"),
        said=text(said, "raw_reason", "reason"),
        code=25
        if own
        else int(number)
        if number.isascii() and number.isdigit() and len(number) < 4
        else None,
        sure=own,
        ip=text(said, "ip_address") if what in ("opened", "clicked") else "",
        user_agent=text(said, "user_agent"),
        url=text(said, "target_link_url"),
        subject=text(said, "subject") or None,
    )


PROVIDER = Provider(
    name="sparkpost",
    needs="a key `receipts` of the login `sparkpost`: `user:password`, or the token of the webhook's OAuth",
    verify=verify,
    read=read,
)
