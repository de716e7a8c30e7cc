"""Twilio's callbacks about texts: forms signed with HMAC-SHA1 over the whole URL and the sorted fields.

https://www.twilio.com/docs/usage/security#validating-requests. The key is the account's auth token. A status callback
names our message in its URL (`?message=ID`). Texts that come in use the same door; Twilio's own answers to STOP and
START are told by `OptOutType`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from heliograph.bounces.twilio_codes import undelivered
from heliograph.errors import BadRequest
from heliograph.inbound.receipts.providers.provider import (
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    decoded,
    forged,
    text,
)
from heliograph.signing import same
from heliograph.web.http import Reply

FIELDS = 200  # of one form; Twilio sends about twenty

_WHAT: dict[str, What] = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "bounced",
    "failed": "bounced",
}

_TYPES = frozenset(("STOP", "START", "HELP"))


def verify(callback: Callback, lock: Lock) -> None:
    """The signature over the URL and the form's fields, or over the URL that holds the body's SHA-256. Raises `Forbidden`."""
    given = callback.header("x-twilio-signature").encode()
    digest = dict(parse_qsl(urlsplit(callback.url).query)).get("bodySHA256", "")
    if digest:
        if not same(hashlib.sha256(callback.body).hexdigest().encode(), digest.lower().encode()):
            raise forged("the body is not the one that was signed")
        signed = callback.url
    else:
        fields = sorted(set(_form(callback.body)))
        signed = callback.url + "".join(name + value for name, value in fields)
    for token in lock.secrets:
        made = hmac.digest(token.encode(), signed.encode(), "sha1")
        if same(base64.b64encode(made), given):
            return
    raise forged("it is not Twilio's")


def read(callback: Callback) -> Sequence[Fact]:
    """A text that came in, or what became of one that went out."""
    said = _fields(callback)
    number = said.get("MessageSid") or said.get("SmsSid") or ""
    status = said.get("MessageStatus") or said.get("SmsStatus") or ""
    if "Body" in said and status in ("", "received", "receiving"):
        return [_incoming(said, number)]
    error = said.get("ErrorCode", "")
    failed = undelivered(error)
    query = dict(parse_qsl(urlsplit(callback.url).query, max_num_fields=FIELDS))
    return [
        Fact(
            what=_WHAT.get(status, "other"),
            word=f"{status} {error}".strip(),
            key=f"{number} {status}",
            marks=(query.get("message", ""),),
            address=said.get("To", ""),
            said=f"{error} {said.get('ErrorMessage', '')}".strip(),
            code=failed.code,
            sure=True,
            category=failed.category,
            sender=said.get("From", ""),
        )
    ]


def _incoming(said: dict[str, str], number: str) -> Fact:
    body = said.get("Body", "")
    kind = said.get("OptOutType", "")
    return Fact(
        what="text",
        word="received",
        key=number,
        address=said.get("To", ""),
        sender=said.get("From", ""),
        said=body,
        category=kind if kind in _TYPES else "",
        subject=said.get("FromCountry") or None,
    )


def _fields(callback: Callback) -> dict[str, str]:
    if callback.header("content-type").lower().startswith("application/json"):
        said = decoded(callback.body)
        return {name: text(said, name) for name in said} if isinstance(said, dict) else {}
    return dict(_form(callback.body))


def _form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
    except ValueError as error:
        raise BadRequest("The body is no form.", field="body") from error


PROVIDER = Provider(
    name="twilio",
    needs="a key `receipts` of the login `twilio`: the auth token",
    verify=verify,
    read=read,
    channel="sms",
    answer=Reply(200, (("content-type", "text/xml"),), b"<Response/>"),
)
