"""What a dialect is: how an event is put for one kind of receiver, and what its answers mean.

A dialect is a value of pure functions. `push` brings the event and what is known of it (`Context`), posts what
`render` and `sign` make of it, and asks `verdict` about the answer. Rendering the same event twice gives the same
bytes, so a retry sends the same body under the same signature (RM-15). Dialects are listed in
`heliograph.outbound.feeds.dialects.DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from heliograph.egress import Answer
from heliograph.events import definitions, topics
from heliograph.events.consent import Channel
from heliograph.events.event import AnyEvent
from heliograph.events.messages import Campaign
from heliograph.events.vocabulary import KINDS
from heliograph.journal.consumer import Outcome
from heliograph.react.state.campaigns import Campaign as TrackingCode
from heliograph.react.state.visits import Opened
from heliograph.readers import Reader, ReaderClass

HmacForm = Literal["base64", "hex"]

Scheme = Literal["v1", "v1a"]
"""How Standard Webhooks signs: HMAC-SHA256 with a shared secret, Ed25519 with a key pair."""

AccountNumber = Annotated[str, Meta(pattern=r"^(\d{12}|\*)$")]

EVENT_HEADER = "X-Heliograph-Event"
"""Our own header, in every dialect: the event's id. One activity has one id everywhere, on every retry."""

_OURS = frozenset((definitions.__name__, topics.__name__))

CARRIED = frozenset(kind.kind for kind in KINDS if kind.__module__ not in _OURS)
"""What a feed may carry at all: never definitions, runs, topics or `feed.*`, so nothing feeds on itself."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set on one subscription, whatever its dialect. Each field's description is its
    documentation."""

    concurrency: Annotated[
        int,
        Meta(ge=1, le=128, description="deliveries under way at once; a slow receiver holds up only itself"),
    ] = 32
    accounts: Annotated[
        tuple[AccountNumber, ...],
        Meta(description="sub-accounts whose events are told too, by number; `*`: all of them"),
    ] = ()
    only_campaigns: Annotated[
        tuple[str, ...],
        Meta(description="only what belongs to these campaigns, by number, or tracking codes, by GUID"),
    ] = ()
    readers: Annotated[
        tuple[ReaderClass, ...],
        Meta(description="opens and clicks only of these readers, such as human; told once they are judged"),
    ] = ()
    hmac_form: Annotated[
        HmacForm | None,
        Meta(description="how the dialect's own signature is written; none: as the account's policy says"),
    ] = None
    standard_webhooks: Annotated[
        tuple[Scheme, ...],
        Meta(description="also sign as Standard Webhooks: v1 (shared secret), v1a (Ed25519)"),
    ] = ()
    breaker: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="events failing in a row that open the circuit breaker; 0: it never opens",
        ),
    ] = 10


T = TypeVar("T", bound=Options)


class About(NamedTuple):
    """The message that an event is about. `address`: an e-mail address, a phone number, a device. `sender`: who it
    came from, once it was sent. `requested_at` in microseconds; `size` in bytes, once it was sent. The last ones are
    what a bulk job's caller gave it; empty when nothing was given."""

    id: str
    channel: Channel
    address: str
    person: str | None = None
    template: str = ""
    sender: str = ""
    is_test: bool = False
    campaign: Campaign | None = None
    requested_at: int = 0
    size: int | None = None
    job: str | None = None
    request_id: str = ""
    correlation_id: str = ""
    recipient_id: str = ""
    job_category: str = ""


class Context(NamedTuple, Generic[T]):
    """What is known about an event's surroundings when it is told.

    `message`: the message the event is about. `email`: for texts, the e-mail address of the person behind the
    number; empty when there is none. `open`: the open that is told of, for events that come after one; `reader`: who
    came, as judged now, for visits that are not judged by themselves. `campaign`: the tracking code of the event.
    """

    options: T
    message: About | None = None
    email: str = ""
    open: Opened | None = None
    reader: Reader | None = None
    campaign: TrackingCode | None = None


class Rendered(NamedTuple):
    """An event as it goes out: its topic, the headers that go with it, the exact bytes of the body.

    `activity`: the id of what is told, where that is not the event's (an open is told by the event that says how long
    it lasted). `born`: when the campaign was made, for receivers that get only later ones (LIT-16).
    """

    topic: str
    headers: dict[str, str]
    body: bytes
    activity: str = ""
    born: int | None = None


@dataclass(frozen=True, slots=True)
class Dialect(Generic[T]):
    """One way of telling events.

    `kinds`: the event kinds it has words for. `options`: what a subscription in it may set. `render` gives None
    for an event that it has no words for after all. `sign` gives the headers that prove the body's origin, from
    the shared secret. `verdict` says what an answer means. `schedule`: seconds before each further attempt.
    """

    name: str
    kinds: frozenset[str]
    options: type[T]
    render: Callable[[AnyEvent, Context[T]], Rendered | None]
    sign: Callable[[str, bytes, HmacForm], dict[str, str]]
    verdict: Callable[[Answer], Outcome]
    schedule: tuple[float, ...]
