"""Twilio's HTTP API: a Message resource for each text.

https://www.twilio.com/docs/messaging/api/message-resource. Comes back later, by callback: `inbound.receipts.providers`
(`StatusCallback` has our message's id in its query). Credentials are the account's SID and auth token, or an API key.
"""

from __future__ import annotations

import base64
from typing import Annotated
from urllib.parse import urlencode

import msgspec

from heliograph.bounces.twilio_codes import undelivered
from heliograph.egress import Failed
from heliograph.outbound.messages.channels.channel import Accepted, NotDelivered, Result, Unreachable
from heliograph.outbound.messages.channels.providers.provider import (
    Provider,
    Text,
    Wire,
    document,
    failed,
    put_off,
    shown,
)

OURS = frozenset((20003, 20404, 21212, 21603, 21606, 21659, 21660, 21701, 21703, 21910))
"""Codes about our own login, sender or service: the operator's to mend, no word on the recipient."""
THROTTLED = frozenset((20429, 14107, 21611))


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sender`: a number in E.164, a sender's name, or the SID of a messaging service (`MG...`). `login` and `secret`: the
    account's SID and auth token, unless an API key's (`SK...`) are given. `url`: another region's host."""

    account_sid: Annotated[str, msgspec.Meta(pattern=r"^AC[0-9a-fA-F]{32}$")]
    secret: Annotated[str, msgspec.Meta(min_length=1)]
    sender: Annotated[str, msgspec.Meta(min_length=1)]
    login: str = ""
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#\s]+$")] = "https://api.twilio.com"
    validity: Annotated[int, msgspec.Meta(ge=1, le=36000)] | None = None


async def send(options: Options, text: Text, wire: Wire) -> Result:
    """Ask Twilio to send a text; 201 says that it will be tried."""
    service = options.sender.startswith("MG") and len(options.sender) == 34
    form = {
        "To": text.recipient,
        "MessagingServiceSid" if service else "From": options.sender,
        "Body": text.body,
        "StatusCallback": text.callback,
    }
    if options.validity is not None:
        form["ValidityPeriod"] = str(options.validity)
    login = f"{options.login or options.account_sid}:{options.secret}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    url = f"{options.url}/2010-04-01/Accounts/{options.account_sid}/Messages.json"
    answer = await wire.egress.post(url, urlencode(form).encode(), headers, wire.timeout)
    if isinstance(answer, Failed):
        return failed(answer)
    said = document(answer.body)
    if answer.status in (200, 201):
        return Accepted(f"{said.get('sid', '')} {said.get('status', '')}".strip())
    if (result := put_off(answer)) is not None:
        return result
    code = said.get("code")
    if answer.status in (401, 403, 404) or code in OURS:
        return Unreachable(f"Twilio refuses us: {shown(answer)}")
    if code in THROTTLED:
        return Unreachable(f"Twilio has too many of ours: {shown(answer)}")
    return NotDelivered(undelivered(str(code)), f"{code} {said.get('message', '')}".strip())


PROVIDER = Provider(
    name="twilio", carries="sms", options=Options, send=send, sender=lambda options: options.sender
)
