"""What a way out is: a value with a name and a function that opens a line; and what a line may answer.

The answers tell apart what matters for sending again: was the message taken, refused, put off; was it never handed
over (so it can be tried again without a second thought); or handed over with no answer, so that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from heliograph.bounces.undelivered import Undelivered
from heliograph.clock import Clock
from heliograph.events import consent
from heliograph.outbound.messages.addresses import Mailbox
from heliograph.settings import Settings


class Parcel(NamedTuple):
    """A finished message and its envelope, for one recipient."""

    sender: Mailbox
    recipient: Mailbox
    content: bytes


class Accepted(NamedTuple):
    """The other side took the message and answers for it now."""

    response: str


class Deferred(NamedTuple):
    """Not now: `code` is the basic reply code (4xx). Nothing was taken."""

    response: str
    code: int


class Bounced(NamedTuple):
    """Never: refused for good (5xx). `about_recipient` False where the sender was refused. `status` is the enhanced
    status code where there is one."""

    response: str
    code: int
    status: str | None = None
    about_recipient: bool = True


class InDoubt(NamedTuple):
    """The message was handed over to its end, and no answer came: it may have been taken. Not to be sent again."""

    reason: str


class Unreachable(NamedTuple):
    """Nothing was handed over: no connection, no login, lost before the end. Safe to send again."""

    reason: str


class NotDelivered(NamedTuple):
    """Never, of a text or push message: `why` is the document's category, `response` what the provider said. `gone`: the
    device is no more."""

    why: Undelivered
    response: str
    gone: bool = False


Result = Accepted | Deferred | Bounced | InDoubt | Unreachable | NotDelivered


class Line(Protocol):
    """An open way out, shared by all messages that take it. `name` is what events carry as `via`."""

    @property
    def name(self) -> str:
        """Which way, for people: `smtp:relay.example:25`."""
        ...

    async def ready(self) -> str:
        """Wait until a message could be handed over; why not, if it cannot be. Empty: it can."""
        ...

    async def send(self, parcel: Any) -> Result:
        """Hand one message over, once: for mail a `Parcel`, else what `providers.provider` has. Never raises for what the network or the other side does."""
        ...

    async def close(self) -> None:
        """Finish what is under way, then let go of everything."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out. `carries`: which kind of message. `settings`: those it reads, for the documentation. `open` gives
    None where these settings do not ask for it; raises `OperatorError` where they are wrong."""

    name: str
    carries: consent.Channel
    settings: tuple[str, ...]
    open: Callable[[Settings, Clock], Line | None]
