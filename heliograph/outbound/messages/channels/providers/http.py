"""Any other provider of texts that takes them over HTTP: the operator says how it is asked and what it answers.

`{to}`, `{from}`, `{text}`, `{message}` and `{callback}` in the body, the headers and the URL stand for the text's own
values: as form fields or JSON texts in the body, percent-encoded in the URL. What it tells later comes to
`/receipts/http/STORE_ID` (`inbound.receipts.providers.http`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from heliograph.bounces.undelivered import TEXTS
from heliograph.egress import Answer, Failed
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Deferred,
    NotDelivered,
    Result,
    Unreachable,
)
from heliograph.outbound.messages.channels.providers.provider import (
    Provider,
    Text,
    Wire,
    document,
    failed,
    put_off,
    shown,
)

_PLACE = re.compile(r"\{(to|from|text|message|callback)\}")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`body` is a JSON object for `json`, one of texts for `form`. A text is accepted when the status is in `accepted` and,
    where `status_path` is given, the value there is in `accepted_values`. `retry`: statuses and values that mean later.
    Paths lead through the answer: `messages.0.id`. `failures`: values at `error_path` -> the document's categories."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^/?#\s{}]+([/?].*)?$")]
    sender: str = ""
    headers: dict[str, str] = {}
    format: Literal["json", "form"] = "json"
    body: dict[str, Any]
    accepted: tuple[int, ...] = (200, 201, 202)
    status_path: str = ""
    accepted_values: tuple[str, ...] = ()
    retry: tuple[int | str, ...] = (429, 503)
    id_path: str = ""
    error_path: str = ""
    failures: dict[str, str] = {}


def fault(options: Options) -> str:
    """What is wrong with these options; empty: nothing."""
    unknown = sorted(set(options.failures.values()) - set(TEXTS))
    if unknown:
        return f"failures: {unknown[0]} is no category of texts: {', '.join(TEXTS)}"
    if "{text}" not in str(options.body) + options.url or "{to}" not in str(options.body) + options.url:
        return "body: {to} and {text} must stand somewhere in it"
    if options.format == "form" and not all(isinstance(value, str) for value in options.body.values()):
        return "body: a form's values are texts"
    if options.status_path and not options.accepted_values:
        return "accepted_values: with a status_path, say which of its values mean accepted"
    return ""


async def send(options: Options, text: Text, wire: Wire) -> Result:
    """Hand one text over as the operator described."""
    values = {
        "to": text.recipient,
        "from": options.sender,
        "text": text.body,
        "message": text.message,
        "callback": text.callback,
    }
    filled = _filled(options.body, values)
    body = msgspec.json.encode(filled) if options.format == "json" else urlencode(filled).encode()
    kind = "application/json" if options.format == "json" else "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind, **{name: _put(value, values) for name, value in options.headers.items()}}
    url = _put(options.url, {name: quote(value, safe="") for name, value in values.items()})
    answer = await wire.egress.post(url, body, headers, wire.timeout)
    return failed(answer) if isinstance(answer, Failed) else judge(options, answer)


def judge(options: Options, answer: Answer) -> Result:
    """What an answer means. Pure."""
    said = document(answer.body)
    status = at(said, options.status_path)
    if answer.status in options.retry or (status and status in options.retry):
        return Deferred(shown(answer), answer.status if answer.status >= 400 else 429)
    if answer.status in options.accepted and (not options.status_path or status in options.accepted_values):
        return Accepted(at(said, options.id_path) or shown(answer))
    if (result := put_off(answer)) is not None:
        return result
    if answer.status in (401, 403, 404, 405):
        return Unreachable(f"the provider refuses us: {shown(answer)}")
    error = at(said, options.error_path)
    return NotDelivered(TEXTS[options.failures.get(error, "SERVICE_FAILURE")], error or shown(answer))


def at(value: Any, path: str) -> str:
    """The value at a path, as text; empty where there is none."""
    if not path:
        return ""
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _put(value, values)
    if isinstance(value, dict):
        return {name: _filled(inner, values) for name, inner in value.items()}
    return [_filled(inner, values) for inner in value] if isinstance(value, list) else value


def _put(pattern: str, values: Mapping[str, str]) -> str:
    """In one pass: what a text says is never taken for a place."""
    return _PLACE.sub(lambda found: values[found[1]], pattern)


PROVIDER = Provider(
    name="http",
    carries="sms",
    options=Options,
    send=send,
    sender=lambda options: options.sender,
    fault=fault,
)
