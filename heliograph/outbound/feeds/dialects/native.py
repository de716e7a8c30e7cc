"""Our own dialect: every event that a feed carries, whole, as it stands in the journal.

For receivers that speak no vendor's wire: new programs, warehouses, and all that the vendors have no words for, such as
looks at live pictures (`image.shown`), votes and verdicts on readers.

    {"id", "kind", "account", "subject", "at", "recorded", "cause", "data"}

`at` and `recorded` are RFC 3339 in UTC with microseconds; `data` is the kind's, as `docs/events.md` and the journal have
it, byte for byte.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from heliograph.clock import iso
from heliograph.events.event import AnyEvent, Redacted, Unknown
from heliograph.outbound.feeds.dialect import CARRIED, Context, Dialect, HmacForm, Options, Rendered
from heliograph.outbound.feeds.dialects.remarkety import SCHEDULE, verdict
from heliograph.signing import mac_base64, mac_hex

SIGNATURE_HEADER = "X-Heliograph-Signature"
KIND_HEADER = "X-Heliograph-Kind"


class NativeOptions(Options, frozen=True, kw_only=True):
    """What a subscription in this dialect may set."""

    data: Annotated[
        bool, Meta(description="send the kind's data too; without: that it happened, and to whom")
    ] = True


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """One event, in this order."""

    id: str
    kind: str
    account: str
    subject: str
    at: str
    recorded: str
    cause: str | None
    data: msgspec.Raw | Any


def render(event: AnyEvent, context: Context[NativeOptions]) -> Rendered | None:
    """The event as JSON; None for what was erased, and for kinds that a newer version recorded."""
    if isinstance(event.data, Redacted | Unknown) or event.kind not in CARRIED:
        return None
    body = Body(
        id=event.id,
        kind=event.kind,
        account=event.account,
        subject=event.subject,
        at=iso(event.at),
        recorded=iso(event.recorded),
        cause=event.cause,
        data=_data(event) if context.options.data else {},
    )
    headers = {"Content-Type": "application/json", "User-Agent": "Heliograph", KIND_HEADER: event.kind}
    return Rendered(event.kind, headers, _ENCODER.encode(body))


def sign(secret: str, body: bytes, form: HmacForm) -> dict[str, str]:
    """HMAC-SHA256 of the exact bytes of the body, as the account writes signatures."""
    mac = mac_base64 if form == "base64" else mac_hex
    return {SIGNATURE_HEADER: mac(secret.encode(), body)}


def _data(event: AnyEvent) -> Any:
    return msgspec.Raw(event.raw) if event.raw else event.data


_ENCODER = msgspec.json.Encoder()

DIALECT = Dialect(
    name="heliograph",
    kinds=CARRIED,
    options=NativeOptions,
    render=render,
    sign=sign,
    verdict=verdict,
    schedule=SCHEDULE,
)
