"""What a provider of texts or a push service is: a value of a name, its options and how it is asked.

Options are what an account's key `channel` of that login holds, as JSON: credentials and how they are used, in a struct
that stands beside the code that uses it. `send` asks once and says what came of it in the words of `channel`; it never
raises for what the network or the other side does. What all of them reach the world with is `Wire`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from heliograph.clock import Clock
from heliograph.egress import Answer, Egress, Failed
from heliograph.errors import OperatorError
from heliograph.events.consent import Channel
from heliograph.outbound.messages.channels.channel import Deferred, InDoubt, Result, Unreachable
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.tokens import Tokens
from heliograph.settings import Settings

RESPONSE_LIMIT = 500
"""Characters of an answer that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How providers are reached. `timeout` in seconds, for a whole answer."""

    egress: Egress
    http2: Http2
    clock: Clock
    settings: Settings
    tokens: Tokens = field(default_factory=Tokens)
    timeout: float = 10.0


class Text(NamedTuple):
    """A finished text. `recipient` in E.164; `callback`: where the provider tells what became of it."""

    provider: Provider
    options: Any
    message: str
    recipient: str
    body: str
    callback: str

    @property
    def content(self) -> bytes:
        """What its size is measured by."""
        return self.body.encode()


class Push(NamedTuple):
    """A finished push message. `data` are what the app is given beside the words; `collapse`: a later message with the
    same one takes its place; `ttl`: seconds for which it is worth showing, None: as the service has it. `registered` is
    when the device was, in microseconds."""

    provider: Provider
    options: Any
    message: str
    device: str
    application: str
    registered: int
    title: str
    body: str
    data: Mapping[str, str] = {}
    collapse: str = ""
    ttl: int | None = None

    @property
    def content(self) -> bytes:
        """What its size is measured by."""
        return (self.title + self.body).encode() + msgspec.json.encode(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """`fault` says what is wrong with options that have the right shape; empty: nothing. `service`: the devices that a
    push service reaches, as `device.registered` names them. `delivery`: what events name as the way there."""

    name: str
    carries: Channel
    options: type[msgspec.Struct]
    send: Callable[[Any, Any, Wire], Awaitable[Result]]
    sender: Callable[[Any], str] = lambda options: ""
    fault: Callable[[Any], str] = lambda options: ""
    service: str = ""
    delivery: str = ""


@lru_cache(maxsize=1024)
def options_of(provider: Provider, secret: str) -> Any:
    """The options that a key holds. Raises `OperatorError`, saying what is wrong, and never what is in them."""
    try:
        options = msgspec.json.decode(secret, type=provider.options)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise OperatorError(f"the options of {provider.name} are not right: {error}") from error
    if why := provider.fault(options):
        raise OperatorError(f"the options of {provider.name} are not right: {why}")
    return options


def failed(what: Failed) -> Result:
    """What a request without an answer means for sending again: in doubt, once it may have reached them."""
    reason = f"{what.kind}: {what.reason}"[:RESPONSE_LIMIT]
    return InDoubt(reason) if what.begun else Unreachable(reason)


def put_off(answer: Answer) -> Result | None:
    """What statuses mean with every provider: 429 and 503 took nothing, another 5xx may have."""
    if answer.status in (429, 503):
        return Deferred(shown(answer), answer.status)
    if answer.status >= 500:
        return InDoubt(f"answered {shown(answer)}")
    return None


def shown(answer: Answer) -> str:
    """An answer in a line, for people."""
    words = " ".join(answer.body.decode("utf-8", "replace").split())
    return f"{answer.status} {words}"[:RESPONSE_LIMIT].rstrip()


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an empty one where there is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
