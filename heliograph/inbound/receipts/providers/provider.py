"""What a provider of mail or texts is to us: a value of a name and functions, all pure.

A callback comes in as the provider sent it (`Callback`); `verify` says whether it is theirs, by what the account shares
with them (`Lock`); `read` says what happened in our words (`Fact`), and keeps theirs beside it. `doors` does the rest:
the same for all of them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import msgspec

from heliograph.errors import BadRequest, Forbidden, Unauthorized
from heliograph.events.commerce import instant
from heliograph.signing import same
from heliograph.web.http import Reply, json_reply

What = Literal[
    "delivered",
    "bounced",
    "deferred",
    "complained",
    "unsubscribed",
    "opened",
    "clicked",
    "text",
    "other",
]
"""`text`: one came in. `other`: nothing that we keep; it is counted under the provider's own word."""

FACTS = 20_000
"""Facts of one callback; SparkPost sends up to 10,000 at once."""


class Callback(NamedTuple):
    """A request of a provider. `url` is the whole one that they called; `now` in microseconds. `told`: the secret that
    it was verified by, where that says how it is read (`http`)."""

    url: str
    header: Callable[[str], str]
    body: bytes
    now: int
    told: str = ""


class Lock(NamedTuple):
    """What an account shares with a provider: secrets, the newest first, and topics. `certificate`: the PEM that
    `Provider.certificate` asked for."""

    secrets: Sequence[str]
    topics: Sequence[str] = ()
    certificate: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that happened. `word` is the provider's for it, `key` what they number it by, `at` in microseconds (0:
    not said). Our message's id stands in one of `marks`, the surest first; `address` is whom it was to.

    `said` and `status` are what the recipient's server answered. `code` is the category that the provider gives it;
    `sure`: that is about what the provider itself did, so the words have no say. For texts `category` and `sender`.
    """

    what: What
    word: str
    key: str
    at: int = 0
    marks: tuple[str, ...] = ()
    address: str = ""
    said: str = ""
    status: str | None = None
    code: int | None = None
    sure: bool = False
    retry_at: int = 0
    ip: str = ""
    user_agent: str = ""
    url: str = ""
    subject: str | None = None
    sender: str = ""
    category: str = ""


def _nothing(_: Callback) -> str | None:
    return None


def _no_certificate(_: Callback, __: Lock) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """`verify` raises `Unauthorized` or `Forbidden` for what is not theirs; `read` raises `BadRequest` for what cannot be
    read at all. `certificate`: where the key is that `verify` needs, if anywhere (it raises as `verify` does); `confirms`: what is to be fetched when a
    callback that was verified asks for it; `once`: what is in a callback that must never come again. `needs`: what the account has to have, for the documentation and 401."""

    name: str
    needs: str
    verify: Callable[[Callback, Lock], None]
    read: Callable[[Callback], Sequence[Fact]]
    channel: Literal["email", "sms"] = "email"
    answer: Reply = field(default_factory=lambda: json_reply(200, {"status": "ok"}))
    certificate: Callable[[Callback, Lock], str | None] = _no_certificate
    confirms: Callable[[Callback], str | None] = _nothing
    once: Callable[[Callback], str | None] = _nothing


def decoded(body: bytes) -> Any:
    """A body of JSON. Raises `BadRequest`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest("The body is not JSON.", field="body") from error


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or of one alone; anything else among them is left out."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values[:FACTS] if isinstance(one, dict)]


def text(value: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there, as text; numbers too."""
    for name in names:
        found = value.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int | float) and not isinstance(found, bool):
            return str(found)
    return ""


def within(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object of this name; an empty one where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def moment(value: Any) -> int:
    """A provider's date in microseconds: unix seconds, also as text, or ISO 8601 with any fraction; 0: not said."""
    if isinstance(value, str):
        try:
            return instant(float(value)) or 0
        except (ValueError, OverflowError):
            head, dot, tail = value.partition(".")
            digits = len(tail) - len(tail.lstrip("0123456789"))
            value = head + dot + tail[: min(digits, 6)] + tail[digits:] if digits else value
    return max(0, instant(value) or 0) if isinstance(value, str | int | float) else 0


def marks(value: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of an object of custom arguments, ours first."""
    ours = [text(value, name) for name in (MARK, "X-Heliograph-Message", "heliograph-message")]
    return tuple(one for one in ours if one)


MARK = "heliograph_message"
"""The name under which a provider is told our message's id, where it gives custom arguments back."""


def plain_diagnostic(said: str) -> str:
    """A Diagnostic-Code without its type (`smtp; 550 ...`)."""
    kind, semicolon, rest = said.partition(";")
    return rest.strip() if semicolon and kind.strip().lower() in ("smtp", "x-unix", "x-postfix") else said


def basic_or_token(callback: Callback, lock: Lock, *headers: str) -> None:
    """Authorization with `Basic user:password` or `Bearer token`, or one of these headers with the secret itself.
    Raises `Unauthorized`."""
    given = [callback.header(name) for name in headers]
    scheme, _, value = callback.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            given.append(base64.b64decode(value.strip(), validate=True).decode())
        except (binascii.Error, ValueError):
            given.append("")
    elif scheme.lower() == "bearer":
        given.append(value.strip())
    for secret in lock.secrets:
        if any(one and same(one.encode(), secret.encode()) for one in given):
            return
    raise Unauthorized("The secret is missing or wrong.", field="authorization")


def forged(what: str) -> Forbidden:
    """A signature that is missing, wrong or too old."""
    return Forbidden(f"The signature does not verify: {what}.")
