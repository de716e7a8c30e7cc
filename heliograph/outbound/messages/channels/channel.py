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
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.settings import Settings


class Parcel(NamedTuple):
    """A finished message and its envelope, for one recipient. What a way is chosen by: whose it is (`account`), and the
    domain that it is from (`domain`). `message`: its id."""

    sender: Mailbox
    recipient: Mailbox
    content: bytes
    message: str = ""
    account: str = ""
    domain: str = ""


class Accepted(NamedTuple):
    """The other side took the message and answers for it now."""

    response: str


class Deferred(NamedTuple):
    """Not now: `code` is the basic reply code (4xx). Nothing was taken. `about_relay`: the server takes nothing just now,
    from nobody (421, SES's throttling); else it is a word on this message, which another server would only repeat."""

    response: str
    code: int
    about_relay: bool = False


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
    """Nothing was handed over: no connection, no login, lost before the end. Safe to send again. `by_operator`: not before
    an operator has mended something (a login, a certificate)."""

    reason: str
    by_operator: bool = False


class NotDelivered(NamedTuple):
    """Never, of a text or push message: `why` is the document's category, `response` what the provider said. `gone`: the
    device is no more."""

    why: Undelivered
    response: str
    gone: bool = False


Result = Accepted | Deferred | Bounced | InDoubt | Unreachable | NotDelivered


class Closed(NamedTuple):
    """There is no way out just now. `by_operator` as `Unreachable` has it."""

    reason: str
    by_operator: bool = False


class Full(NamedTuple):
    """There is a way out, and as many messages under way there as it takes: come again."""

    reason: str


class Way(Protocol):
    """One server that takes messages, and a place there: `done` gives it back, whether something was sent or not."""

    @property
    def name(self) -> str:
        """What events carry as `via`: `smtp:relay.example:25`."""
        ...

    @property
    def final(self) -> bool:
        """Whether it is the recipients' own: what it takes is delivered."""
        ...

    async def send(self, parcel: Any) -> Result:
        """Hand one message over, once: for mail a `Parcel`, else what `providers.provider` has. Never raises for what the network or the other side does."""
        ...

    def done(self) -> None:
        """The message is under way there no more."""
        ...


class Line(Protocol):
    """All ways out of one kind, shared by all messages that take them."""

    @property
    def width(self) -> int:
        """How many messages can be under way at once."""
        ...

    async def ready(self, parcel: Any) -> Way | Full | Closed:
        """A place for this message, which may be waited for a moment; or why there is none."""
        ...

    def elsewhere(self, way: Way, parcel: Any) -> bool:
        """Whether a message that this way could not take could take another at once."""
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
