"""A dispatcher with everything around it that is real: journal, keys, SMTP; and what state would say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from mail_world import ACCOUNT, BASE, MESSAGE, PERSON

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key, Policy
from heliograph.clock import Clock, ManualClock
from heliograph.egress import Egress, Guard
from heliograph.events import codec
from heliograph.events.event import AnyEvent, Event
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Act, Outcome
from heliograph.journal.journal import Journal
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.messages.channels import open_lines
from heliograph.outbound.messages.channels.channel import Line
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.outbound.messages.dispatch import Make, dispatch_act
from heliograph.outbound.messages.facts.look import Facts, Status
from heliograph.outbound.messages.mail.dkim import Signers
from heliograph.outbound.messages.making.fetching import Fetching
from heliograph.outbound.messages.making.letters import Desk, Made
from heliograph.outbound.messages.making.workshop import Order, Workshop
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.outbound.messages.texts.desk import TextDesk
from heliograph.react.state.consent import Standing
from heliograph.react.state.definitions import Template
from heliograph.react.state.people import Person
from heliograph.refs import Refs
from heliograph.settings import Settings
from heliograph.signing import Keyring

POLICY = Policy(
    from_name="The Shop",
    from_address="news@shop.example",
    reply_to="answers@shop.example",
    postal_address="1 Main Street",
)
PATIENCE = 60.0
"""Seconds for what shall happen; however busy the machine is, it has done so by then."""
KEYS = Keyring({1: b"k" * 32}, 1)
PARTS = {
    "subject": "{{ person.first_name }}, your cart waits",
    "preheader": "Tea and more",
    "html": (
        "<html><body><p>Dear {{ person.first_name }},</p>"
        '<p><a href="https://shop.example/cart?id={{ event.id }}&amp;utm=x" data-name="Cart">Your cart</a> '
        '<a href="{{ unsubscribe_url }}">Leave</a></p></body></html>'
    ),
    "text": "Dear {{ person.first_name }}, https://shop.example/cart?id={{ event.id }}\nLeave: {{ unsubscribe_url }}",
}
JOE = Person(
    id=PERSON,
    email="joe@x.example",
    customer_id="42",
    phone=None,
    first_name="Joe",
    last_name=None,
    gender=None,
    accepts_marketing=True,
    tags=(),
    document={},
    deleted=False,
)


def template(**parts: str) -> Template:
    """A template; with other parts than the usual ones, if they are given."""
    return Template(name="cart", version=3, parts=parts or PARTS, settings={})


def request(clock: Clock, *, id: str = MESSAGE, **fields: Any) -> Event[MessageRequested]:
    """A `message.requested`, recorded now."""
    wanted = {
        "address": "joe@x.example",
        "template": "cart",
        "person": PERSON,
        "automation": "abandoned cart",
        "context": {"event": {"id": "c7"}},
        **fields,
    }
    data = MessageRequested(**wanted)
    return codec.make(data, account=ACCOUNT, subject=f"person:{PERSON}", now=clock.now(), id=id)


class Office:
    """Performs the act, and knows what was recorded. `known` and `stands` are what state says; `settings` and `policy`
    are the operator's; `timeout`, in seconds, is how long providers have."""

    def __init__(
        self,
        url: str = "",
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        policy: Policy = POLICY,
        keys: Sequence[Key] = (),
        egress: Egress | None = None,
        http2: Http2 | None = None,
        timeout: float = PATIENCE,
        **settings: Any,
    ) -> None:
        self.clock = clock or ManualClock()
        self.journal = journal or MemoryJournal()
        self.known = Facts(JOE, template())
        self.stands = Status("requested", Standing(frozenset(), True), 3)
        self.settings = Settings(smtp_relay=url, smtp_timeout=PATIENCE, **settings)
        self.egress, self.http2 = egress or Egress(self.settings), http2 or Http2(Guard(("127.0.0.0/8",)))
        self.wire = Wire(
            egress=self.egress, http2=self.http2, clock=self.clock, settings=self.settings, timeout=timeout
        )
        self.lines: dict[str, Line] = open_lines(self.settings, self.clock, self.wire)
        self.keys = tuple(keys)
        self.refs = Refs(KEYS)
        self.policy = policy
        self.signers: Signers | None = None
        self.act = self.open()

    def open(self) -> Act:
        """The act as a process that has just started has it."""
        account = Account(number=ACCOUNT, store_id="7", name="Shop", policy=self.policy)
        directory = Directory([account], self.keys, KEYS)
        return dispatch_act(
            directory,
            self.journal,
            self.clock,
            self.settings,
            self,
            self.make_with(directory),
            self.lines,
            TextDesk(Composer(self.clock), self.refs, directory, self.clock, BASE),
            Fetching(self.wire.egress, self.clock),
        )

    def make_with(self, directory: Directory) -> Make:
        """What makes mails, in this process."""
        desk = Desk(
            Composer(self.clock),
            self.refs,
            BASE,
            bounce_address=self.settings.bounce_address,
            signers=self.signers,
        )
        workshop = Workshop(directory, self, desk)

        async def make(order: Order) -> Made:
            return workshop.make(order)

        return make

    def status(self, event: Event[MessageRequested]) -> Status:
        """Whether a message may go, by what state says."""
        return self.stands

    def facts(self, event: Event[MessageRequested], version: int | None = None) -> Facts:
        """What a message is made of, by what state says."""
        return self.known

    async def perform(self, event: AnyEvent, attempt: int = 1) -> Outcome:
        """One attempt; the event is recorded first, as it is in life."""
        if not await self.journal.of((event.subject,)):
            await self.journal.append([codec.encode(event)])
        return await self.act.perform(event, attempt)

    async def told(self) -> list[AnyEvent]:
        """What the act recorded, in order."""
        entries = await self.journal.read(0)
        return [codec.decode(entry) for entry in entries if entry.kind != "message.requested"]

    async def kinds(self) -> list[str]:
        """The kinds of that, without `message.`."""
        return [event.kind.removeprefix("message.") for event in await self.told()]

    def suppress(self, *suppressions: str, opt_in: bool | None = True) -> None:
        """State says so from now on."""
        self.stands = self.stands._replace(standing=Standing(frozenset(suppressions), opt_in))

    async def close(self) -> None:
        """Let go of the connections."""
        await self.egress.close()
        await self.http2.close()
        for line in self.lines.values():
            await line.close()


def plain(events: Sequence[AnyEvent]) -> list[dict[str, Any]]:
    """The events' data as plain values."""
    return [msgspec.to_builtins(event.data) for event in events]
