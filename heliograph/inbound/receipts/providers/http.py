"""Callbacks of any other provider of texts: signed with HMAC, read by a mapping that the operator writes.

The key `receipts` of the login `http` is a JSON object (`Mapping`): the shared secret, where the signature stands, and
which field is what. Bodies are JSON or forms. A callback about a text of ours finds it by `?message=` in the URL that
we gave with it, or by the field `message`; one that came in has a `text`.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from heliograph.bounces.undelivered import TEXTS
from heliograph.errors import BadRequest, Unauthorized
from heliograph.inbound.receipts.providers.provider import (
    Callback,
    Fact,
    Lock,
    Provider,
    What,
    decoded,
    forged,
)
from heliograph.signing import same

FIELDS = 200
"""Of one form."""


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider signs and speaks. Paths lead through the body: `report.status`. `prefix` stands before the signature.
    `failures`: values of `error` -> the document's categories; any other is SERVICE_FAILURE."""

    secret: Annotated[str, msgspec.Meta(min_length=8)]
    header: str = "x-signature"
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    id: str = "id"
    message: str = "message"
    status: str = "status"
    error: str = "error"
    to: str = "to"
    sender: str = "from"
    text: str = "text"
    delivered: tuple[str, ...] = ("delivered",)
    failed: tuple[str, ...] = ("failed", "undelivered", "rejected", "expired")
    failures: dict[str, str] = {}


def verify(callback: Callback, lock: Lock) -> None:
    """The signature over the body's bytes. Raises `Forbidden`, or `Unauthorized` where the key cannot be used."""
    for secret in lock.secrets:
        mapping = mapping_of(secret)
        given = callback.header(mapping.header.lower()).removeprefix(mapping.prefix).strip()
        made = hmac.digest(mapping.secret.encode(), callback.body, mapping.algorithm)
        said = made.hex() if mapping.encoding == "hex" else b64encode(made).decode()
        if same(said.encode(), (given.lower() if mapping.encoding == "hex" else given).encode()):
            return
    raise forged("it is not made with the shared secret")


def mapping_of(secret: str) -> Mapping:
    """The mapping that a key holds. Raises `Unauthorized`, without saying what is in it."""
    try:
        mapping = msgspec.json.decode(secret, type=Mapping)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unauthorized("The account's key `receipts` of `http` holds no mapping.", field="key") from error
    if not set(mapping.failures.values()) <= set(TEXTS):
        raise Unauthorized("The mapping of `http` names a category that there is not.", field="key")
    return mapping


def read(callback: Callback) -> Sequence[Fact]:
    """A text that came in, or what became of one that went out."""
    mapping, said = mapping_of(callback.told), _said(callback)
    number, words = at(said, mapping.id), at(said, mapping.text)
    status, error = at(said, mapping.status), at(said, mapping.error)
    to, sender = at(said, mapping.to), at(said, mapping.sender)
    if words and not status:
        return [
            Fact(
                what="text",
                word="received",
                key=number or _digest(callback),
                address=to,
                sender=sender,
                said=words,
            )
        ]
    what: What = (
        "delivered" if status in mapping.delivered else "bounced" if status in mapping.failed else "other"
    )
    why = TEXTS[mapping.failures.get(error, "SERVICE_FAILURE")]
    query = dict(parse_qsl(urlsplit(callback.url).query, max_num_fields=FIELDS))
    return [
        Fact(
            what=what,
            word=f"{status} {error}".strip(),
            key=f"{number or _digest(callback)} {status}",
            marks=tuple(filter(None, (query.get("message", ""), at(said, mapping.message)))),
            address=to,
            sender=sender,
            said=error,
            code=why.code,
            sure=True,
            category=why.category,
        )
    ]


def at(value: Any, path: str) -> str:
    """The text or number at a path; empty where there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _said(callback: Callback) -> dict[str, Any]:
    if "form-urlencoded" in callback.header("content-type").lower():
        try:
            fields = parse_qsl(callback.body.decode(), keep_blank_values=True, max_num_fields=FIELDS)
        except ValueError as error:
            raise BadRequest("The body is no form.", field="body") from error
        return dict(fields)
    said = decoded(callback.body)
    return said if isinstance(said, dict) else {}


def _digest(callback: Callback) -> str:
    """What a callback is known by that has no number: the same bytes are the same callback."""
    return hmac.digest(b"callback", callback.body, "sha256").hex()[:32]


PROVIDER = Provider(
    name="http",
    needs="a key `receipts` of the login `http`: a JSON object with the shared secret and the names of the fields",
    verify=verify,
    read=read,
    channel="sms",
)
